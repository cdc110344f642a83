/** Decimal strings for people. No value passes through a floating-point number. */

import Big from "big.js";

const LOCALE = "en-US";
const PLAIN = /^-?\d+(\.\d+)?$/;
// One kind of separator throughout: a comma, or one of the spaces that people write.
const GROUPED = /^-?\d{1,3}(?:(?:,\d{3})+|(?:[ \u00a0\u202f]\d{3})+)(?:\.\d+)?$/;
const MINUS = "\u2212";

type Sign = "auto" | "exceptZero";

/** Thrown for a text that is no plain decimal; the API sends nothing else. */
export class NotADecimal extends Error {
  override readonly name = "NotADecimal";
}

/** Groups thousands; keeps every digit that is not a trailing zero, and at least `least` of them. */
export function formatDecimal(value: string, least = 0, sign: Sign = "auto"): string {
  const digits = fractionOf(value).replace(/0+$/, "").length;
  return display(value, least, Math.max(least, digits), sign);
}

/** An amount of money: at least two decimals, more where the value has more. */
export function formatAmount(value: string, sign: Sign = "auto"): string {
  return formatDecimal(value, 2, sign);
}

/** A rate (0.1 is ten per cent) as a percentage, rounded half away from zero to `places`. */
export function formatPercent(rate: string, places = 2, sign: Sign = "auto"): string {
  return `${display(shift(rate, 2), places, places, sign)}\u00a0%`;
}

/** A decimal rounded half away from zero to `places`: for axes and other places without room. */
export function formatRounded(value: string, places: number): string {
  return display(value, places, places, "auto");
}

/** The value times ten to the `places`, by moving the point. */
export function shift(value: string, places: number): string {
  checked(value);
  const negative = value.startsWith("-");
  const [whole = "0", fraction = ""] = (negative ? value.slice(1) : value).split(".");
  const moved = fraction.padEnd(places, "0");
  const left = `${whole}${moved.slice(0, places)}`.replace(/^0+(?=\d)/, "");
  const rest = moved.slice(places);
  return `${negative ? "-" : ""}${left}${rest === "" ? "" : `.${rest}`}`;
}

/** The sum of decimal strings, exact. */
export function sum(values: readonly string[]): string {
  return values.reduce((total, value) => total.plus(value), new Big(0)).toFixed();
}

/** `a − b`, exact. */
export function minus(a: string, b: string): string {
  return new Big(a).minus(b).toFixed();
}

/** `a × b`, exact. */
export function times(a: string, b: string): string {
  return new Big(a).times(b).toFixed();
}

/** `part ÷ whole` to 6 places, or null when the whole is zero. */
export function ratio(part: string, whole: string): string | null {
  const divisor = new Big(whole);
  if (divisor.eq(0)) return null;
  return new Big(part).div(divisor).round(6, Big.roundHalfUp).toFixed();
}

/** Below zero −1, zero 0, above 1. */
export function signOf(value: string): -1 | 0 | 1 {
  const found = new Big(value).cmp(0);
  return found;
}

/** Orders decimal strings by value. */
export function compareDecimals(a: string, b: string): number {
  return new Big(a).cmp(b);
}

/** Whether a text is a plain decimal above zero, as orders want it. */
export function isPositiveDecimal(value: string): boolean {
  return PLAIN.test(value) && !value.startsWith("-") && new Big(value).gt(0);
}

/**
 * What a typed number means: thousands without their commas or spaces; the text itself where the
 * groups are not of three digits, for in "12,50" the comma is another's decimal point.
 */
export function normaliseInput(text: string): string {
  const trimmed = text.trim();
  return GROUPED.test(trimmed) ? trimmed.replace(/[^\d.-]/g, "") : trimmed;
}

function display(value: string, least: number, most: number, sign: Sign): string {
  checked(value);
  const format = new Intl.NumberFormat(LOCALE, {
    minimumFractionDigits: least,
    maximumFractionDigits: most,
    signDisplay: sign === "auto" ? "negative" : "exceptZero",
  });
  // A decimal string is formatted exactly (ECMA-402, since 2023); a number would lose digits.
  return format.format(value as Intl.StringNumericLiteral).replace("-", MINUS);
}

function fractionOf(value: string): string {
  return checked(value).split(".")[1] ?? "";
}

function checked(value: string): string {
  if (!PLAIN.test(value)) throw new NotADecimal(`Not a plain decimal: ${value.slice(0, 40)}`);
  return value;
}
