import { formatSeconds } from "../../format/dates.ts";
import { showMoment } from "../../wallet/sentence.ts";
import type { Trade } from "../../wallet/trade.ts";
import type { Checked } from "./review.ts";

const NAME = "It can still settle in time";

/** The trade's window, told from business time: the contract reads it against the block's time. */
export function describeWindow(trade: Trade, now: string | null): Checked {
  if (now === null) return { name: NAME, status: "wait", detail: "waiting for the business time" };
  const seconds = BigInt(Math.floor(Date.parse(now) / 1000));
  if (trade.deadline < trade.validFrom) {
    return { name: NAME, status: "fail", detail: "the deadline is before the first valid second" };
  }
  if (seconds > trade.deadline) {
    return {
      name: NAME,
      status: "fail",
      detail: `the deadline passed at ${showMoment(trade.deadline)}`,
    };
  }
  const left = distance(trade.deadline - seconds);
  const opens = trade.validFrom - seconds;
  const start =
    opens > 0n ? `opens in ${distance(opens)} (${showMoment(trade.validFrom)}), ` : "open, ";
  return {
    name: NAME,
    status: "pass",
    detail: `${start}deadline in ${left} (${showMoment(trade.deadline)}), business time`,
  };
}

function distance(seconds: bigint): string {
  return seconds > 10n ** 12n ? "more than 30,000 years" : formatSeconds(Number(seconds));
}
