import { keys } from "../api/keys.ts";

type Key = readonly unknown[];

/** What each kind of event changes on the pages, by the first part of its type. */
const AFFECTED: Record<string, readonly Key[]> = {
  order: [keys.orders, ["books"], ["accounts"], ["holdings"]],
  book: [["books"]],
  trade: [keys.trades, keys.orders, keys.settlements],
  settlement: [keys.settlements, keys.instructions, ["timeline"]],
  instruction: [keys.instructions, keys.settlements, ["timeline"]],
  account: [["accounts"], ["holdings"], ["nav"], ["performance"]],
  portfolio: [keys.portfolios],
  breaker: [keys.status, keys.breakers],
  anchor: [keys.anchors, keys.log, keys.status],
  security: [keys.securities],
  cash_token: [keys.securities],
  dataset: [keys.prices, ["holdings"], ["nav"], ["performance"]],
  wallet: [keys.session],
};

/** The query keys to ask again after an event of this type; the list of events always. */
export function affectedBy(type: string): readonly Key[] {
  return [...(AFFECTED[type.split(".")[0] ?? ""] ?? []), keys.events];
}

/** Everything that events keep fresh, for the time when there is no stream. */
export function everythingLive(): readonly Key[] {
  return distinct([...Object.values(AFFECTED).flat(), keys.events]);
}

/** The same keys, each once. */
export function distinct(found: readonly Key[]): readonly Key[] {
  return [...new Map(found.map((key) => [JSON.stringify(key), key])).values()];
}
