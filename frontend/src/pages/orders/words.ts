import type { Check, Order } from "../../api/models.ts";
import type { Tone } from "../../components/StateWord.tsx";
import { formatAmount, formatDecimal, formatPercent } from "../../format/decimal.ts";

type Status = Order["status"];

export const STATUSES: Record<Status, { word: string; tone: Tone }> = {
  accepted: { word: "Open", tone: "accent" },
  partially_filled: { word: "Partly filled", tone: "accent" },
  filled: { word: "Filled", tone: "good" },
  cancelled: { word: "Cancelled", tone: "neutral" },
  rejected: { word: "Refused", tone: "bad" },
};

/** Whether something of the order can still be filled or cancelled. */
export function isOpen(status: Status): boolean {
  return status === "accepted" || status === "partially_filled";
}

const CHECKS: Record<string, string> = {
  "circuit-breaker-venue": "Venue's circuit breaker",
  "circuit-breaker-security": "Security's circuit breaker",
  "cash-available": "Cash",
  "units-available": "Units",
  "position-limit-units": "Position limit, units",
  "position-limit-notional": "Position limit, value",
  "position-limit-weight": "Position limit, weight",
  "price-collar": "Price collar",
  "lots-per-sale": "Lots closed by one sale",
};

/** A compliance check's name for people. */
export function checkName(check: Check): string {
  return CHECKS[check.name] ?? check.name;
}

/** What a check compared, in words. A check that is not known here lists its inputs. */
export function checkInWords(check: Check): string {
  const { inputs } = check;
  const has = (...names: string[]) => names.every((name) => inputs[name] !== undefined);
  const money = (name: string) => amount(inputs[name], inputs.currency);
  switch (check.name) {
    case "circuit-breaker-venue":
    case "circuit-breaker-security":
      if (has("state")) return inputs.state === "open" ? "open" : "closed: trading goes on";
      break;
    case "cash-available":
      if (has("needed", "available")) {
        return `needs ${money("needed")}, has ${money("available")}`;
      }
      break;
    case "units-available":
      if (has("needed", "available")) {
        return `needs ${plain(inputs.needed)} units, has ${plain(inputs.available)}`;
      }
      break;
    case "position-limit-units":
      if (has("projected", "limit")) {
        return `would hold ${plain(inputs.projected)} units, limit ${plain(inputs.limit)}`;
      }
      break;
    case "position-limit-notional":
      if (has("projected", "limit")) {
        return `would hold ${money("projected")}, limit ${money("limit")}`;
      }
      break;
    case "price-collar":
      if (has("price", "reference", "collar")) {
        return `${money("price")} may be ${rate(inputs.collar)} from the last close, ${money("reference")}`;
      }
      break;
    case "lots-per-sale":
      if (has("spanned", "limit")) {
        return `closes ${plain(inputs.spanned)} lots, limit ${plain(inputs.limit)}`;
      }
      break;
  }
  return Object.entries(inputs)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

const DECIMAL = /^-?\d+(\.\d+)?$/;

function amount(value: string | undefined, currency: string | undefined): string {
  if (value === undefined || !DECIMAL.test(value)) return value ?? "?";
  return `${formatAmount(value)} ${currency ?? ""}`.trim();
}

function plain(value: string | undefined): string {
  return value !== undefined && DECIMAL.test(value) ? formatDecimal(value) : (value ?? "?");
}

function rate(value: string | undefined): string {
  return value !== undefined && DECIMAL.test(value) ? formatPercent(value, 0) : (value ?? "?");
}
