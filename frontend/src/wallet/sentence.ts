/** What a trade means, in one sentence for the person who is about to sign it: the very sentence of
 * backend/settlement/sentence.py, made here from the typed data that the wallet gets. */

import { type Domain, sameAddress, type Trade, TypedDataInvalid } from "./trade.ts";

/** How a token is shown: its symbol and decimals, and whether it is money (2 places). */
export interface TokenLabel {
  readonly address: string;
  readonly symbol: string;
  readonly decimals: number;
  readonly money: boolean;
}

/** Printable ASCII without spaces: nothing that could pass for another part of the sentence. */
const SYMBOL = /^[\x21-\x7e]{1,32}$/;
const LAST_DATED_SECOND = 253_402_300_799n; // 9999-12-31T23:59:59Z

/** The labels of an answer's `tokens`; throws TypedDataInvalid where they cannot be read. */
export function readLabels(tokens: readonly unknown[]): TokenLabel[] {
  return tokens.map((token) => {
    const { address, symbol, decimals, money } = (token ?? {}) as Partial<TokenLabel>;
    const known =
      typeof address === "string" &&
      typeof symbol === "string" &&
      SYMBOL.test(symbol) &&
      typeof decimals === "number" &&
      Number.isInteger(decimals) &&
      decimals >= 0 &&
      decimals <= 36;
    if (!known) throw new TypedDataInvalid("The token labels cannot be read.");
    return { address, symbol, decimals, money: money === true };
  });
}

/** The trade from `party`'s side; throws TypedDataInvalid when that is neither seller nor buyer. */
export function plainSentence(
  trade: Trade,
  domain: Domain,
  party: string,
  labels: readonly TokenLabel[],
): string {
  const asset = showAmount(trade.asset, trade.assetAmount, labels);
  const cash = showAmount(trade.cash, trade.cashAmount, labels);
  return (
    `${deal(trade, party, asset, cash)}; both or nothing, trade number ${trade.id}, ` +
    `valid from ${showMoment(trade.validFrom)} until ${showMoment(trade.deadline)}, ` +
    `on chain ${domain.chainId} at contract ${domain.contract}.`
  );
}

function deal(trade: Trade, party: string, asset: string, cash: string): string {
  if (sameAddress(party, trade.seller)) {
    return `You deliver ${asset} to ${trade.buyer} and receive ${cash}`;
  }
  if (sameAddress(party, trade.buyer))
    return `You pay ${cash} to ${trade.seller} and receive ${asset}`;
  throw new TypedDataInvalid("This account is not a party of the trade.");
}

/** An amount of a token with its symbol and address; in smallest units where it has no label. */
export function showAmount(token: string, units: bigint, labels: readonly TokenLabel[]): string {
  const label = labels.find((each) => sameAddress(each.address, token));
  if (label === undefined) return `${units} smallest units of token ${token}`;
  return `${formatUnits(units, label)} ${label.symbol} (token ${token})`;
}

/** Thousands in commas, no digit lost; money has at least two places. */
export function formatUnits(units: bigint, label: Pick<TokenLabel, "decimals" | "money">): string {
  const digits = String(units).padStart(label.decimals + 1, "0");
  const point = digits.length - label.decimals;
  const whole = digits.slice(0, point).replace(/\B(?=(?:[0-9]{3})+$)/g, ",");
  const places = digits
    .slice(point)
    .replace(/0+$/, "")
    .padEnd(label.money ? 2 : 0, "0");
  return places === "" ? whole : `${whole}.${places}`;
}

/** A Unix time as a date in UTC, or its number where the calendar ends. */
export function showMoment(seconds: bigint): string {
  if (seconds > LAST_DATED_SECOND) return `second ${seconds} of the Unix era`;
  const [day, clock] = new Date(Number(seconds) * 1000).toISOString().split("T");
  return `${day} ${clock?.slice(0, 8)} UTC`;
}
