/**
 * One signature line by a known key: plain Ed25519 (signed-note) and cosignatures (tlog-cosignature).
 * Twin of anchoring/cosignature.py.
 *
 * The bytes of a cosignature are a 64-bit big-endian time (seconds since 1970) and the signature.
 * Ed25519 (0x04) signs `"cosignature/v1\ntime T\n" || note text`. ML-DSA-44 (0x06, FIPS 204) signs
 * `"subtree/v1\n\0" || len || cosigner || time || len || origin || start || end || hash`; a checkpoint
 * is the subtree (0, size).
 */

import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { type Bytes, concat, fromBigInt, toBigInt, utf8 } from "./bytes.ts";
import { parseCheckpointText } from "./checkpointText.ts";
import { isSignedBy } from "./ed25519.ts";
import { MAX_UINT63, parseUtf8 } from "./encoding.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { ALG_ED25519, ALG_MLDSA44_COSIGNATURE, type VerifierKey } from "./vkey.ts";

const TIME_BYTES = 8;
const MLDSA44_SIGNATURE_BYTES = 2420;
const SUBTREE_CONTEXT = utf8("subtree/v1\n\0");

/** What an Ed25519 cosigner signs for the note text `text`. */
export function cosignatureMessage(timestamp: bigint, text: Uint8Array): Bytes {
  return concat(utf8(`cosignature/v1\ntime ${timestamp}\n`), text);
}

/** What an ML-DSA-44 cosigner signs for the checkpoint `text`; throws MalformedInput for another. */
export function mldsa44Message(cosigner: string, timestamp: bigint, text: Uint8Array): Bytes {
  const checkpoint = parseCheckpointText(parseUtf8(text, "the checkpoint"));
  return concat(
    SUBTREE_CONTEXT,
    shortString(cosigner),
    fromBigInt(timestamp, 8),
    shortString(checkpoint.origin),
    fromBigInt(0n, 8),
    fromBigInt(checkpoint.size, 8),
    checkpoint.root,
  );
}

/** Throws VerificationFailed unless the line's signature by `key` is over `text`. */
export function verifySignatureLine(
  key: VerifierKey,
  text: Uint8Array,
  signature: Uint8Array,
): void {
  if (key.algorithm === ALG_ED25519) {
    requireEd25519(key, signature, text);
    return;
  }
  const { timestamp, raw } = splitTimestamp(signature);
  if (key.algorithm !== ALG_MLDSA44_COSIGNATURE) {
    requireEd25519(key, raw, cosignatureMessage(timestamp, text));
    return;
  }
  const message = mldsa44Message(key.name, timestamp, text);
  const hasLength = raw.length === MLDSA44_SIGNATURE_BYTES;
  if (!hasLength || !ml_dsa44.verify(raw, message, key.key)) {
    throw new VerificationFailed(`the ML-DSA-44 cosignature of ${key.name} does not verify`);
  }
}

function splitTimestamp(signature: Uint8Array): { timestamp: bigint; raw: Uint8Array } {
  const timestamp = toBigInt(signature.subarray(0, TIME_BYTES));
  if (signature.length <= TIME_BYTES || timestamp > MAX_UINT63) {
    throw new VerificationFailed("a cosignature is too short or its time too large");
  }
  return { timestamp, raw: signature.subarray(TIME_BYTES) };
}

function shortString(text: string): Bytes {
  const data = utf8(text);
  if (data.length === 0 || data.length > 255) {
    throw new MalformedInput("a cosigned name has 1 to 255 bytes");
  }
  return concat(Uint8Array.of(data.length), data);
}

function requireEd25519(key: VerifierKey, signature: Uint8Array, message: Uint8Array): void {
  if (!isSignedBy(key.key, signature, message)) {
    throw new VerificationFailed("the Ed25519 signature does not verify");
  }
}
