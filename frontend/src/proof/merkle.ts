/**
 * Merkle inclusion: RFC 9162 section 2.1.3.2. Twin of anchoring/merkle.py and merkle_proof.py.
 *
 * A leaf hashes as SHA-256(0x00 || entry), a node as SHA-256(0x01 || left || right); the prefixes
 * keep a node from passing for a leaf. Index, size and root come from the trusted side.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal } from "./bytes.ts";
import { MAX_UINT63 } from "./encoding.ts";
import { VerificationFailed } from "./errors.ts";

export const HASH_BYTES = 32;
export const EMPTY_ROOT = sha256(new Uint8Array()) as Bytes;

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

export function leafHash(entry: Uint8Array): Bytes {
  return sha256(concat(LEAF_PREFIX, entry)) as Bytes;
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return sha256(concat(NODE_PREFIX, left, right)) as Bytes;
}

/** Throws VerificationFailed unless `leaf` stands at `index` of the tree (size, root). */
export function verifyInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (size < 0n || size > MAX_UINT63) {
    throw new VerificationFailed("a tree size is outside 0 to 2^63-1");
  }
  if (index < 0n || index >= size) {
    throw new VerificationFailed(`leaf ${index} is outside [0, ${size})`);
  }
  if ([leaf, root, ...proof].some((hash) => hash.length !== HASH_BYTES)) {
    throw new VerificationFailed("a hash does not have 32 bytes");
  }
  const expected = proofLength(index, size);
  if (proof.length !== expected) {
    throw new VerificationFailed(`the proof has ${proof.length} hashes instead of ${expected}`);
  }
  if (!equal(rootFromInclusion(leaf, index, size, proof), root)) {
    throw new VerificationFailed("the proof leads to another root");
  }
}

/** How many hashes an inclusion proof has; requires 0 <= index < size. */
export function proofLength(index: bigint, size: bigint): number {
  const inner = bitLength(index ^ (size - 1n));
  return inner + bitCount(index >> BigInt(inner));
}

function rootFromInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
): Uint8Array {
  let [fn, sn, result] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if ((fn & 1n) === 1n || fn === sn) {
      result = nodeHash(sibling, result);
      while (fn !== 0n && (fn & 1n) === 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      result = nodeHash(result, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return result;
}

/** How many binary digits a number has; 0 has none. */
export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** How many binary digits of a number are 1. */
export function bitCount(value: bigint): number {
  return value.toString(2).replaceAll("0", "").length;
}
