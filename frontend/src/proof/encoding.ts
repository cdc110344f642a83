/**
 * Strict text encodings: one spelling per value, every other spelling refused.
 *
 * `atob` skips white space and ignores non-zero trailing bits, `Number` takes "0x1f" and " 12 ",
 * and a TextDecoder swallows a byte order mark. Twin of anchoring/encoding.py.
 */

import { type Bytes, toHex } from "./bytes.ts";
import { MalformedInput } from "./errors.ts";

/** Largest tree size and timestamp (tlog-cosignature: at most 2^63-1). */
export const MAX_UINT63 = 2n ** 63n - 1n;

const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;
const HEX = /^(?:[0-9a-f]{2})*$/;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGITS = new Map(Array.from(ALPHABET, (character, value) => [character, value]));
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** An unsigned decimal integer without sign, separator or leading zero. */
export function parseDecimal(text: string, what: string): bigint {
  if (!DECIMAL.test(text) || text.endsWith("\n")) {
    throw new MalformedInput(`${what} is not a plain decimal number: '${text.slice(0, 40)}'`);
  }
  const value = BigInt(text);
  if (value > MAX_UINT63) throw new MalformedInput(`${what} is larger than ${MAX_UINT63}`);
  return value;
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function encodeBase64(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length; at += 3) {
    const [a = 0, b = 0, c = 0] = data.subarray(at, at + 3);
    const left = data.length - at;
    text += ALPHABET.charAt(a >> 2) + ALPHABET.charAt(((a & 3) << 4) | (b >> 4));
    text += left > 1 ? ALPHABET.charAt(((b & 15) << 2) | (c >> 6)) : "=";
    text += left > 2 ? ALPHABET.charAt(c & 63) : "=";
  }
  return text;
}

/** Canonical standard base64 (RFC 4648 sections 3.5 and 4), of `length` bytes where one is given. */
export function parseBase64(text: string, what: string, length?: number): Bytes {
  if (!BASE64.test(text)) throw new MalformedInput(`${what} is not base64`);
  const data = decodeBase64(text);
  if (encodeBase64(data) !== text) throw new MalformedInput(`${what} is not canonical base64`);
  return checkLength(data, what, length);
}

function decodeBase64(text: string): Bytes {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const data = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  let bits = 0;
  let held = 0;
  for (const character of text) {
    const value = DIGITS.get(character);
    if (value === undefined) break;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8 && at < data.length) {
      bits -= 8;
      data[at] = (held >> bits) & 0xff;
      at += 1;
    }
  }
  return data;
}

/** Lower-case hexadecimal without prefix, of `length` bytes where one is given. */
export function parseHex(text: string, what: string, length?: number): Bytes {
  if (!HEX.test(text) || text.endsWith("\n")) {
    throw new MalformedInput(`${what} is not canonical lower-case hexadecimal`);
  }
  const data = new Uint8Array(text.length / 2);
  for (let at = 0; at < data.length; at += 1) {
    data[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return checkLength(data, what, length);
}

/** Exactly `0x` and lower-case hexadecimal digits of `length` bytes. */
export function parsePrefixedHex(text: string, what: string, length: number): Bytes {
  if (!text.startsWith("0x")) throw new MalformedInput(`${what} does not start with 0x`);
  return parseHex(text.slice(2), what, length);
}

export function withPrefix(data: Uint8Array): string {
  return `0x${toHex(data)}`;
}

/** UTF-8 without surrogates or overlong forms. A byte order mark stays a character. */
export function parseUtf8(data: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new MalformedInput(`${what} is not UTF-8`);
  }
}

function checkLength(data: Bytes, what: string, length: number | undefined): Bytes {
  if (length !== undefined && data.length !== length) {
    throw new MalformedInput(`${what} has ${data.length} bytes instead of ${length}`);
  }
  return data;
}
