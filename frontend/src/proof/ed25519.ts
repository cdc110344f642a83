/**
 * Ed25519 (RFC 8032), accepting exactly the signatures that OpenSSL accepts.
 *
 * The equation is the one without the cofactor: R must be the canonical encoding of [S]B - [k]A.
 * noble's own `verify` multiplies by the cofactor, so it would accept signatures that the command
 * line refuses. A test holds the set of accepted edge cases to the one pinned for Python.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, equal } from "./bytes.ts";

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

/** Whether `signature` (64 bytes) is over `message` by the key `publicKey` (32 bytes). */
export function isSignedBy(
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  const encodedR = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= ORDER) return false;
  const key = decodePoint(publicKey);
  if (key === null) return false;
  const k = littleEndian(sha512(concat(encodedR, publicKey, message))) % ORDER;
  const found = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
  return equal(found.toBytes(), encodedR);
}

/** OpenSSL reduces a y above the field's order instead of refusing it, as ZIP 215 does. */
function decodePoint(data: Uint8Array): InstanceType<typeof Point> | null {
  try {
    return Point.fromBytes(data, true);
  } catch {
    return null;
  }
}

function littleEndian(data: Uint8Array): bigint {
  let value = 0n;
  for (let at = data.length - 1; at >= 0; at -= 1) value = (value << 8n) | BigInt(data[at] ?? 0);
  return value;
}
