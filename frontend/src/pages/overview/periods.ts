import type { NavDay } from "../../api/models.ts";
import { daysBefore, monthsBefore } from "../../format/dates.ts";

export type Period = "1W" | "1M" | "YTD" | "1Y" | "Max";

export const PERIODS: readonly (readonly [Period, string])[] = [
  ["1W", "1W"],
  ["1M", "1M"],
  ["YTD", "YTD"],
  ["1Y", "1Y"],
  ["Max", "Max"],
];

/** The period a URL asks for; anything else is all there is. */
export function periodOf(text: string | null): Period {
  return PERIODS.find(([each]) => each === text)?.[0] ?? "Max";
}

/** The day at whose end a period begins, the last day being `last`; null for all there is. */
export function periodStart(period: Period, last: string): string | null {
  switch (period) {
    case "1W":
      return daysBefore(last, 7);
    case "1M":
      return monthsBefore(last, 1);
    case "YTD":
      return `${Number(last.slice(0, 4)) - 1}-12-31`;
    case "1Y":
      return monthsBefore(last, 12);
    case "Max":
      return null;
  }
}

export interface Range {
  days: readonly NavDay[];
  /** Where the figures begin; null when the portfolio is younger than the period. */
  first: string | null;
}

/** The days of a period. A portfolio that is younger gives all it has. */
export function daysOf(period: Period, days: readonly NavDay[]): Range {
  const last = days.at(-1);
  const start = last === undefined ? null : periodStart(period, last.on);
  if (start === null || start <= (days[0]?.on ?? start)) return { days, first: null };
  return { days: days.filter((day) => day.on >= start), first: start };
}
