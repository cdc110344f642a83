import type { Account, Holding } from "../../api/models.ts";
import { compareDecimals, ratio, sum } from "../../format/decimal.ts";

/** A part of a portfolio's value: a position, or cash. */
export interface Part {
  key: string;
  securityId: string | null;
  value: string;
  /** Of the whole, as a rate; null when the whole cannot be told. */
  weight: string | null;
}

export interface Valuation {
  currency: string | null;
  total: string | null;
  parts: readonly Part[];
}

/**
 * Positions and cash with their weights, the largest first.
 *
 * Positions in one security in several accounts are one part. Without a price for every position,
 * or with several currencies, there is no total, and weights are null rather than wrong.
 */
export function valuation(holdings: readonly Holding[], accounts: readonly Account[]): Valuation {
  const currencies = new Set([...holdings, ...accounts].map((each) => each.currency));
  const priced = holdings.every((each) => each.market_value !== null);
  const cash = sum(accounts.map((each) => each.balance));
  const values = new Map<string, string[]>();
  for (const each of holdings) {
    if (each.market_value === null) continue;
    values.set(each.security_id, [...(values.get(each.security_id) ?? []), each.market_value]);
  }
  const known = currencies.size === 1 && priced;
  const total = known ? sum([cash, ...[...values.values()].flat()]) : null;
  const part = (key: string, securityId: string | null, value: string): Part => ({
    key,
    securityId,
    value,
    weight: total === null ? null : ratio(value, total),
  });
  const parts = [...values].map(([id, found]) => part(id, id, sum(found)));
  parts.sort((a, b) => compareDecimals(b.value, a.value));
  parts.push(part("cash", null, cash));
  return { currency: known ? ([...currencies][0] ?? null) : null, total, parts };
}
