/**
 * What there is to sign, worked out on this device and compared with what the server says of it.
 * One difference is enough: the page then refuses to open a wallet.
 */

import { hashTrade, type TradeHashes } from "../../wallet/hashes.ts";
import { plainSentence, readLabels, type TokenLabel } from "../../wallet/sentence.ts";
import {
  type Address,
  type Domain,
  parseTypedData,
  sameAddress,
  type Trade,
} from "../../wallet/trade.ts";
import { describeWindow } from "./window.ts";

export interface Consent {
  readonly sentence: string;
  readonly domain_separator: string;
  readonly struct_hash: string;
  readonly digest: string;
  readonly typed_data: unknown;
  readonly tokens: readonly unknown[];
}

export interface Context {
  /** DELI or RECE, as the instruction has it. */
  readonly direction: string;
  readonly quantity: string;
  readonly amount: string;
  readonly chainId: number;
  readonly contract: string;
  /** The party's registered wallets. */
  readonly wallets: readonly string[];
  /** Business time, RFC 3339; null before the first answer. */
  readonly now: string | null;
}

export interface Checked {
  readonly name: string;
  readonly status: "pass" | "fail" | "wait";
  readonly detail: string;
}

export interface Review {
  readonly trade: Trade;
  readonly domain: Domain;
  readonly labels: readonly TokenLabel[];
  readonly party: Address;
  readonly sentence: string;
  readonly hashes: TradeHashes;
  readonly checks: readonly Checked[];
}

/** Throws TypedDataInvalid when the typed data is not that of a trade of ours. */
export function reviewConsent(consent: Consent, context: Context): Review {
  const { trade, domain } = parseTypedData(consent.typed_data);
  const labels = readLabels(consent.tokens);
  const party = context.direction === "DELI" ? trade.seller : trade.buyer;
  const sentence = plainSentence(trade, domain, party, labels);
  const hashes = hashTrade(trade, domain);
  const checks = [
    checkChain(domain, context),
    checkContract(domain, context),
    checkParty(party, context),
    checkSame(consent, sentence, hashes),
    checkAmounts(trade, labels, context),
    checkWhole(trade),
    describeWindow(trade, context.now),
  ];
  return { trade, domain, labels, party, sentence, hashes, checks };
}

function verdict(name: string, ok: boolean, detail: string): Checked {
  return { name, status: ok ? "pass" : "fail", detail };
}

function checkChain(domain: Domain, { chainId }: Context): Checked {
  const ok = domain.chainId === BigInt(chainId);
  const detail = ok
    ? `chain ${chainId}`
    : `the trade names chain ${domain.chainId}, not ${chainId}`;
  return verdict("The chain is the platform's", ok, detail);
}

function checkContract(domain: Domain, { contract }: Context): Checked {
  const ok = sameAddress(domain.contract, contract);
  const detail = ok ? domain.contract : `the trade names ${domain.contract}, not ${contract}`;
  return verdict("The contract is the settlement contract", ok, detail);
}

function checkParty(party: Address, { wallets, direction }: Context): Checked {
  const ok = wallets.some((wallet) => sameAddress(wallet, party));
  const side = direction === "DELI" ? "seller" : "buyer";
  const detail = ok
    ? `${party} is your wallet and the ${side}`
    : `${party} is not a wallet of yours`;
  return verdict("You are the party of the trade", ok, detail);
}

function checkSame(consent: Consent, sentence: string, hashes: TradeHashes): Checked {
  const differs = [
    ["sentence", consent.sentence === sentence],
    ["domain separator", consent.domain_separator === hashes.domainSeparator],
    ["struct hash", consent.struct_hash === hashes.structHash],
    ["digest", consent.digest === hashes.digest],
  ].filter(([, same]) => !same);
  const detail =
    differs.length === 0
      ? "sentence and hashes made on this device are those of the server"
      : `not the same as the server's: ${differs.map(([name]) => name).join(", ")}`;
  return verdict("Built here and sent by the server are the same", differs.length === 0, detail);
}

function checkAmounts(trade: Trade, labels: readonly TokenLabel[], context: Context): Checked {
  const units = inUnits(trade.asset, trade.assetAmount, labels);
  const cash = inUnits(trade.cash, trade.cashAmount, labels);
  const ok = sameDecimal(units, context.quantity) && sameDecimal(cash, context.amount);
  const detail = ok
    ? `${context.quantity} units against ${context.amount}`
    : `the typed data moves ${units} units against ${cash}, the instruction says ${context.quantity} against ${context.amount}`;
  return verdict("The amounts are the instruction's", ok, detail);
}

/** Not in the sentence: the contract settles a trade whole or not at all. */
function checkWhole(trade: Trade): Checked {
  const ok = trade.minAssetAmount === trade.assetAmount;
  const detail = ok
    ? "no part of it can settle alone"
    : "the typed data allows a part of it to settle";
  return verdict("All or nothing", ok, detail);
}

/** A token's amount as a plain decimal; in smallest units where it has no label. */
function inUnits(token: Address, units: bigint, labels: readonly TokenLabel[]): string {
  const decimals = labels.find((label) => sameAddress(label.address, token))?.decimals ?? 0;
  const digits = String(units).padStart(decimals + 1, "0");
  const point = digits.length - decimals;
  return decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function sameDecimal(left: string, right: string): boolean {
  const plain = (text: string) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  return plain(left) === plain(right);
}
