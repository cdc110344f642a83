/** Who signed a digest. Twin of backend/settlement/signatures.py; loaded when it is first needed. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Bytes, concat, fromBigInt, toBigInt } from "../proof/bytes.ts";
import { parseHex, withPrefix } from "../proof/encoding.ts";

const ORDER = secp256k1.Point.Fn.ORDER;
const PARITY_BIT = 1n << 255n;
const HEX = /^0x(?:[0-9a-fA-F]{2})*$/;
const RECOVERY = new Map([
  [0, 0],
  [1, 1],
  [27, 0],
  [28, 1],
]);

/** The bytes are not a signature that the platform would take. */
export class SignatureInvalid extends Error {
  override name = "SignatureInvalid";
}

export interface Recovered {
  /** Lower case. */
  readonly signer: string;
  /** r || s || v with v 27 or 28, as 0x hex. */
  readonly signature: string;
}

/** The account whose key signed `digest`; `signature` is 64 (EIP-2098) or 65 bytes as 0x hex. */
export function recoverSigner(digest: string, signature: string): Recovered {
  if (!HEX.test(signature)) {
    throw new SignatureInvalid("The signature is not 0x and hex digits.");
  }
  const { r, s, parity } = split(parseHex(signature.slice(2).toLowerCase(), "the signature"));
  if (r <= 0n || r >= ORDER || s <= 0n || s >= ORDER) {
    throw new SignatureInvalid("The signature's numbers are out of range.");
  }
  if (s > ORDER / 2n) {
    throw new SignatureInvalid("The signature is in its malleable form (high s).");
  }
  const compact = concat(fromBigInt(r, 32), fromBigInt(s, 32));
  const canonical = withPrefix(concat(compact, Uint8Array.of(27 + parity)));
  return { signer: addressOf(recoverKey(compact, parity, digest)), signature: canonical };
}

function split(data: Bytes): { r: bigint; s: bigint; parity: number } {
  const r = toBigInt(data.subarray(0, 32));
  const second = toBigInt(data.subarray(32, 64));
  if (data.length === 64) {
    return { r, s: second % PARITY_BIT, parity: second >= PARITY_BIT ? 1 : 0 };
  }
  const parity = data.length === 65 ? RECOVERY.get(data[64] as number) : undefined;
  if (parity === undefined) {
    throw new SignatureInvalid("The signature is not 64 or 65 bytes r, s, v.");
  }
  return { r, s: second, parity };
}

function recoverKey(compact: Uint8Array, parity: number, digest: string): Uint8Array {
  try {
    return secp256k1.Signature.fromBytes(compact, "compact")
      .addRecoveryBit(parity)
      .recoverPublicKey(parseHex(digest.slice(2), "the digest", 32))
      .toBytes(false);
  } catch {
    throw new SignatureInvalid("No key can have made this signature.");
  }
}

function addressOf(publicKey: Uint8Array): string {
  return withPrefix(keccak_256(publicKey.subarray(1)).subarray(12));
}
