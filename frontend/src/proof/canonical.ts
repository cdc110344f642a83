/**
 * Canonical JSON: RFC 8785 over a restricted profile. Twin of anchoring/canonical.py.
 *
 * Objects whose keys match [a-z][a-z0-9_]*, arrays, strings without lone surrogates, booleans, null,
 * and integers within plus or minus (2^53 - 1). `parseCanonical` accepts exactly the bytes that
 * `encodeCanonical` gives for the value: that one comparison refuses duplicate keys, white space,
 * other orders, other escapes, fractions and integers that a double cannot hold.
 */

import { equal, utf8 } from "./bytes.ts";
import { parseUtf8 } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Largest log entry: its length prefix in an entry bundle has 16 bits (C2SP tlog-tiles). */
export const MAX_ENTRY_BYTES = 65_535;
/** Deepest nesting accepted, so that hostile input cannot exhaust a reader's stack. */
export const MAX_DEPTH = 64;

const KEY = /^[a-z][a-z0-9_]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** The value of canonical bytes; throws MalformedInput for any other bytes. */
export function parseCanonical(data: Uint8Array, what: string): JsonValue {
  checkNesting(data, what);
  const value = decode(data, what);
  const again = encodeCanonical(value, what);
  if (!equal(utf8(again), data)) {
    throw new MalformedInput(
      `${what} is not canonical (RFC 8785): order, spacing, escapes or a duplicate key`,
    );
  }
  return value;
}

/** Like parseCanonical, for bytes that must hold an object. */
export function parseCanonicalObject(data: Uint8Array, what: string): JsonObject {
  const value = parseCanonical(data, what);
  if (!isObject(value)) throw new MalformedInput(`${what} is not a JSON object`);
  return value;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a string that may be a member's name. */
export function isKey(value: JsonValue): value is string {
  return typeof value === "string" && KEY.test(value);
}

function decode(data: Uint8Array, what: string): JsonValue {
  const text = parseUtf8(data, what);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new MalformedInput(`${what} is not JSON: ${(error as Error).message}`);
  }
}

/** The canonical text of a value; throws MalformedInput outside the profile. */
export function encodeCanonical(value: JsonValue, what: string, depth = 0): string {
  const refuse = (reason: string) =>
    new MalformedInput(`${what} is outside the canonical profile: ${reason}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw refuse("a number is no integer within 2^53-1");
    return String(value);
  }
  if (typeof value === "string") {
    if (LONE_SURROGATE.test(value)) throw refuse("a string holds a lone surrogate");
    return JSON.stringify(value);
  }
  if (depth >= MAX_DEPTH) throw refuse(`nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    return `[${value.map((item) => encodeCanonical(item, what, depth + 1)).join(",")}]`;
  }
  const keys = Object.keys(value);
  const wrong = keys.find((key) => !KEY.test(key));
  if (wrong !== undefined) throw refuse(`the key '${wrong}' does not match [a-z][a-z0-9_]*`);
  const members = keys.sort().map((key) => {
    const item = value[key] as JsonValue;
    return `"${key}":${encodeCanonical(item, what, depth + 1)}`;
  });
  return `{${members.join(",")}}`;
}

/** Refuse brackets nested deeper than MAX_DEPTH before a decoder sees them. */
function checkNesting(data: Uint8Array, what: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < data.length; at += 1) {
    const byte = data[at] as number;
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (OPENING.has(byte)) {
      depth += 1;
      if (depth > MAX_DEPTH) throw new MalformedInput(`${what} is nested deeper than ${MAX_DEPTH}`);
    } else if (CLOSING.has(byte)) {
      depth -= 1;
    }
  }
}
