/**
 * One signature line by a known key: plain Ed25519 (signed-note) and cosignatures (tlog-cosignature).
 *
 * The bytes of a cosignature are a 64-bit big-endian time (seconds since 1970) and the signature.
 * ML-DSA-44 is read but not verified here: the page carries no implementation of FIPS 204.
 */

import { type Bytes, concat, toBigInt, utf8 } from "./bytes.ts";
import { isSignedBy } from "./ed25519.ts";
import { MAX_UINT63 } from "./encoding.ts";
import { VerificationFailed } from "./errors.ts";
import { ALG_ED25519, ALG_MLDSA44_COSIGNATURE, type VerifierKey } from "./vkey.ts";

const TIME_BYTES = 8;

/** What an Ed25519 cosigner signs for the note text `text`. */
export function cosignatureMessage(timestamp: bigint, text: Uint8Array): Bytes {
  return concat(utf8(`cosignature/v1\ntime ${timestamp}\n`), text);
}

/** True when the line is valid, false when its algorithm cannot be checked here; throws otherwise. */
export function verifySignatureLine(
  key: VerifierKey,
  text: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (key.algorithm === ALG_ED25519) {
    requireSignature(isSignedBy(key.key, signature, text));
    return true;
  }
  const { timestamp, raw } = splitTimestamp(signature);
  if (key.algorithm === ALG_MLDSA44_COSIGNATURE) return false;
  requireSignature(isSignedBy(key.key, raw, cosignatureMessage(timestamp, text)));
  return true;
}

function splitTimestamp(signature: Uint8Array): { timestamp: bigint; raw: Uint8Array } {
  const timestamp = toBigInt(signature.subarray(0, TIME_BYTES));
  if (signature.length <= TIME_BYTES || timestamp > MAX_UINT63) {
    throw new VerificationFailed("a cosignature is too short or its time too large");
  }
  return { timestamp, raw: signature.subarray(TIME_BYTES) };
}

function requireSignature(valid: boolean): void {
  if (!valid) throw new VerificationFailed("the Ed25519 signature does not verify");
}
