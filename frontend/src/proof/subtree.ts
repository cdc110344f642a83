/**
 * Subtrees of a log's tree (draft-ietf-plants-merkle-tree-certs section 4): their hash out of leaves,
 * and the proof that one is part of a tree. Twin of parts of anchoring/merkle.py and merkle_proof.py.
 */

import { equal } from "./bytes.ts";
import { MAX_UINT63 } from "./encoding.ts";
import { VerificationFailed } from "./errors.ts";
import { bitLength, HASH_BYTES, nodeHash } from "./merkle.ts";

/** The hash of the subtree of `before` leaves, given as its perfect parts, and of `leaves`. */
export function subtreeHash(
  before: bigint,
  parts: readonly Uint8Array[],
  leaves: readonly Uint8Array[],
): Uint8Array {
  const stack = [...parts];
  let count = before;
  for (const leaf of leaves) {
    let hash = leaf;
    for (let rest = count; (rest & 1n) === 1n; rest >>= 1n) {
      hash = nodeHash(stack.pop() as Uint8Array, hash);
    }
    stack.push(hash);
    count += 1n;
  }
  return stack.reduceRight((right, left) => nodeHash(left, right));
}

/** Whether [start, end) is a subtree: start is a multiple of the power of two >= width. */
function isSubtree(start: bigint, end: bigint): boolean {
  if (start < 0n || start >= end) return false;
  return start % (1n << BigInt(bitLength(end - start - 1n))) === 0n;
}

/** Throws VerificationFailed unless [start, end) with hash `subtree` is part of the tree (size, root). */
export function verifySubtreeConsistency(
  start: bigint,
  end: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
  subtree: Uint8Array,
  root: Uint8Array,
): void {
  if ([start, end, size].some((each) => each < 0n || each > MAX_UINT63)) {
    throw new VerificationFailed("a tree size is outside 0 to 2^63-1");
  }
  if (end > size || !isSubtree(start, end)) {
    throw new VerificationFailed(`[${start}, ${end}) is not a subtree of ${size} leaves`);
  }
  if (start === 0n && end === size) {
    if (proof.length === 0 && equal(subtree, root)) return;
    throw new VerificationFailed("equal sizes have equal roots and no proof");
  }
  if ([subtree, root, ...proof].some((hash) => hash.length !== HASH_BYTES)) {
    throw new VerificationFailed("a hash does not have 32 bytes");
  }
  checkPath(start, end, size, [...proof], subtree, root);
}

function checkPath(
  start: bigint,
  end: bigint,
  size: bigint,
  path: Uint8Array[],
  subtree: Uint8Array,
  root: Uint8Array,
): void {
  let [fn, sn, tn] = [start, end - 1n, size - 1n];
  const up = () => {
    fn >>= 1n;
    sn >>= 1n;
    tn >>= 1n;
  };
  while (fn !== sn && (sn === tn || (sn & 1n) === 1n)) up();
  const seed = fn === sn ? subtree : path.shift();
  if (seed === undefined) throw new VerificationFailed("the proof is too short");
  let [first, second] = [seed, seed];
  for (const item of path) {
    if (tn === 0n) throw new VerificationFailed("the proof is too long");
    if ((sn & 1n) === 1n || sn === tn) {
      if (fn < sn) first = nodeHash(item, first);
      second = nodeHash(item, second);
      while (sn !== 0n && (sn & 1n) === 0n) up();
    } else {
      second = nodeHash(second, item);
    }
    up();
  }
  if (tn !== 0n) throw new VerificationFailed("the proof is too short");
  if (!equal(first, subtree)) {
    throw new VerificationFailed("the proof leads to another first root");
  }
  if (!equal(second, root)) throw new VerificationFailed("the proof leads to another second root");
}
