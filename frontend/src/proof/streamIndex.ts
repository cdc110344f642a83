/**
 * The index of streams: a binary trie from stream to (count, head) under one root. Twin of the
 * verifying half of anchoring/stream_index.py, whose docstring is the specification.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal, fromBigInt, toBigInt, utf8 } from "./bytes.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { bitLength } from "./merkle.ts";

export const INDEX_CONTEXT = "tallystick/index/v1";
export const INDEX_EVENT = "index.committed";
export const INDEX_STREAM = "index-log";
export const KEY_BITS = 256;

const EMPTY = new Uint8Array(32);
const LEAF_PREFIX = Uint8Array.of(2);
const NODE_PREFIX = Uint8Array.of(3);

/** What the index says of one stream: `count` events, the last with leaf hash `head`. */
export interface StreamHead {
  readonly key: Bytes;
  readonly count: bigint;
  readonly head: Uint8Array;
}

/** Sibling hashes, the deepest first, and the leaf of another stream that stands in the place. */
export interface IndexPath {
  readonly siblings: readonly Uint8Array[];
  readonly neighbour: StreamHead | null;
}

export function streamKey(tenantId: string, streamId: string): Bytes {
  if (tenantId.includes("\n")) throw new MalformedInput("a tenant id holds a line break");
  return sha256(utf8(`${INDEX_CONTEXT}\n${tenantId}\n${streamId}`)) as Bytes;
}

/** Throws VerificationFailed unless the index with `root` holds `claimed` (null: nothing) at `key`. */
export function verifyIndexPath(
  root: Uint8Array,
  key: Bytes,
  claimed: StreamHead | null,
  path: IndexPath,
): void {
  const depth = path.siblings.length;
  if (depth > KEY_BITS) throw new VerificationFailed("the path is longer than a key");
  const { neighbour } = path;
  if (claimed !== null) {
    if (!equal(claimed.key, key) || neighbour !== null) {
      throw new VerificationFailed("the path is of another stream");
    }
  } else if (neighbour !== null) {
    if (equal(neighbour.key, key) || sharedBits(neighbour.key, key) < depth) {
      throw new VerificationFailed("the neighbour does not stand in that place");
    }
  }
  if (!equal(rootFromPath(key, claimed ?? neighbour, path.siblings), root)) {
    throw new VerificationFailed("the path does not lead to the index's root");
  }
}

function rootFromPath(
  key: Uint8Array,
  place: StreamHead | null,
  siblings: readonly Uint8Array[],
): Uint8Array {
  let result: Uint8Array = place === null ? EMPTY : headHash(place);
  for (const [at, sibling] of siblings.entries()) {
    const depth = siblings.length - 1 - at;
    const isRight = (((key[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1) === 1;
    const [left, right] = isRight ? [sibling, result] : [result, sibling];
    result = sha256(concat(NODE_PREFIX, left, right));
  }
  return result;
}

function headHash({ key, count, head }: StreamHead): Uint8Array {
  return sha256(concat(LEAF_PREFIX, key, fromBigInt(count, 8), head));
}

/** How many leading bits two keys have in common. */
function sharedBits(one: Uint8Array, other: Uint8Array): number {
  return KEY_BITS - bitLength(toBigInt(one) ^ toBigInt(other));
}
