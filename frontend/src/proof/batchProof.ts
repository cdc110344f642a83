/**
 * One inclusion proof for many entries, NAME.tlog-batch. Twin of anchoring/batch_proof.py.
 *
 * The tree of the checkpoint's size is walked from the root, depth first, left before right: a
 * subtree without a listed index takes one hash, its MTH; a single listed leaf takes none; any other
 * is split at the largest power of two smaller than its width.
 */

import { type Bytes, equal } from "./bytes.ts";
import { MAX_UINT63 } from "./encoding.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { MAX_ENTRIES } from "./eventsFile.ts";
import { bitLength, HASH_BYTES, nodeHash } from "./merkle.ts";
import { hasWord, parseHashes, parseNumber, splitProof } from "./proofText.ts";

export const BATCH_HEADER = "tallystick/batch@v1";

/** What a batch proof says; nothing of it is verified. `checkpoint` is a signed note. */
export interface BatchProof {
  readonly indices: readonly bigint[];
  readonly hashes: readonly Bytes[];
  readonly checkpoint: Uint8Array;
}

export function parseBatchProof(data: Uint8Array): BatchProof {
  const { lines, checkpoint } = splitProof(data, BATCH_HEADER);
  const found = lines.findIndex((line) => !hasWord(line, "index"));
  const count = found < 0 ? lines.length : found;
  if (count < 1 || count > MAX_ENTRIES) {
    throw new MalformedInput("a batch proof has 1 to 100,000 index lines");
  }
  const indices = lines.slice(0, count).map((line) => parseNumber(line, "index"));
  if (!ascends(indices)) throw new MalformedInput("the indices do not ascend strictly");
  return { indices, hashes: parseHashes(lines.slice(count)), checkpoint };
}

/** Throws VerificationFailed unless `leaves` stand at `indices` of the tree (size, root). */
export function verifyBatch(
  leaves: readonly Uint8Array[],
  indices: readonly bigint[],
  size: bigint,
  hashes: readonly Uint8Array[],
  root: Uint8Array,
): void {
  const refuse = (message: string) => new VerificationFailed(message);
  if (size <= 0n || size > MAX_UINT63) {
    throw refuse("the tree's size is outside 1 to 2^63-1");
  }
  if (leaves.length === 0 || leaves.length !== indices.length) {
    throw refuse(`${leaves.length} entries cannot stand at ${indices.length} indices`);
  }
  if ((indices[0] as bigint) < 0n || !ascends(indices)) {
    throw refuse("the indices do not ascend strictly");
  }
  const last = indices.at(-1) as bigint;
  if (last >= size) throw refuse(`leaf ${last} is outside [0, ${size})`);
  if ([...leaves, ...hashes, root].some((hash) => hash.length !== HASH_BYTES)) {
    throw refuse("a hash does not have 32 bytes");
  }
  const fold = new Fold(leaves, indices, hashes);
  const found = fold.root(0, indices.length, 0n, size);
  if (!fold.isUsedUp) throw refuse("the proof has more hashes than it needs");
  if (!equal(found, root)) throw refuse("the proof leads to another root");
}

class Fold {
  private used = 0;

  constructor(
    private readonly leaves: readonly Uint8Array[],
    private readonly indices: readonly bigint[],
    private readonly hashes: readonly Uint8Array[],
  ) {}

  get isUsedUp(): boolean {
    return this.used === this.hashes.length;
  }

  /** The hash of the leaves [low, high), of which the listed ones are first to before last. */
  root(first: number, last: number, low: bigint, high: bigint): Uint8Array {
    if (first === last) {
      const given = this.hashes[this.used];
      if (given === undefined) {
        throw new VerificationFailed("the proof has fewer hashes than it needs");
      }
      this.used += 1;
      return given;
    }
    if (high - low === 1n) return this.leaves[first] as Uint8Array;
    const middle = low + (1n << BigInt(bitLength(high - low - 1n) - 1));
    const cut = this.firstFrom(middle, first, last);
    const left = this.root(first, cut, low, middle);
    return nodeHash(left, this.root(cut, last, middle, high));
  }

  /** Where, from `first` to before `last`, the indices of at least `least` begin. */
  private firstFrom(least: bigint, first: number, last: number): number {
    let [from, to] = [first, last];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.indices[middle] as bigint) < least) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function ascends(indices: readonly bigint[]): boolean {
  return indices.every((index, at) => at === 0 || index > (indices[at - 1] as bigint));
}
