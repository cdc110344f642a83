/**
 * Have a trade signed by a wallet: the chain is compared first, the signer recovered afterwards.
 *
 * `EIP712Domain` is left out of the types and `chainId` is a number: with a bigint the wallet would
 * get a string, and one that derives the domain's type anew drops it and signs another digest.
 */

import { createClient, custom } from "viem";
import { signTypedData } from "viem/actions";
import type { Provider } from "./eip1193.ts";
import { WalletError } from "./errors.ts";
import { hashTrade } from "./hashes.ts";
import type { Recovered } from "./recover.ts";
import {
  type Address,
  DOMAIN_NAME,
  DOMAIN_VERSION,
  type Domain,
  sameAddress,
  TRADE_MEMBERS,
  type Trade,
} from "./trade.ts";

const TYPES: Record<string, readonly { name: string; type: string }[]> = { Trade: TRADE_MEMBERS };

/** The accounts that the wallet lets this page use, asking the person if it must. */
export async function connectAccounts(provider: Provider): Promise<Address[]> {
  const answer = await provider.request({ method: "eth_requestAccounts" });
  return readAccounts(answer);
}

export function readAccounts(answer: unknown): Address[] {
  const accounts = Array.isArray(answer) ? answer : [];
  return accounts.filter((each): each is Address => /^0x[0-9a-fA-F]{40}$/.test(String(each)));
}

/** The chain that the wallet is on. */
export async function readChainId(provider: Provider): Promise<bigint> {
  const answer = await provider.request({ method: "eth_chainId" });
  if (typeof answer !== "string" || !/^0x[0-9a-fA-F]+$/.test(answer)) {
    throw new WalletError("The wallet does not say which chain it is on.");
  }
  return BigInt(answer);
}

/**
 * A signature over the trade that is certainly `account`'s. Throws what the wallet throws, and a
 * WalletError when `isWanted` says, just before the wallet would open, that nobody waits any more.
 */
export async function signTrade(
  provider: Provider,
  account: Address,
  trade: Trade,
  domain: Domain,
  isWanted: () => boolean = () => true,
): Promise<Recovered> {
  const chain = await readChainId(provider);
  if (chain !== domain.chainId) {
    throw new WalletError(
      `The wallet is on chain ${chain}; the trade settles on chain ${domain.chainId}. Nothing was signed.`,
    );
  }
  if (!isWanted()) throw new WalletError("You left this trade. Nothing was signed.");
  const client = createClient({ transport: custom(provider as Parameters<typeof custom>[0]) });
  const signature = await signTypedData(client, {
    account,
    domain: {
      name: DOMAIN_NAME,
      version: DOMAIN_VERSION,
      chainId: Number(domain.chainId),
      verifyingContract: domain.contract,
    },
    types: TYPES,
    primaryType: "Trade",
    message: messageOf(trade),
  });
  return checkSigner(signature, account, trade, domain);
}

/** Refuse a signature that is not `account`'s over this trade; nothing is sent before this. */
export async function checkSigner(
  signature: string,
  account: string,
  trade: Trade,
  domain: Domain,
): Promise<Recovered> {
  const { recoverSigner } = await import("./recover.ts");
  const recovered = recoverSigner(hashTrade(trade, domain).digest, signature);
  if (!sameAddress(recovered.signer, account)) {
    throw new WalletError(
      `The signature is by ${recovered.signer}, not by ${account}. It was not sent.`,
    );
  }
  return recovered;
}

/** Big integers as decimal strings, addresses as they are. */
function messageOf(trade: Trade): Record<string, string> {
  const members = TRADE_MEMBERS.map(({ name }) => [name, String(trade[name])]);
  return Object.fromEntries(members) as Record<string, string>;
}
