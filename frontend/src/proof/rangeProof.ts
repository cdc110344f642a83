/**
 * A contiguous range of entries, proven by subtree consistency, NAME.tlog-range. Twin of
 * anchoring/range_proof.py.
 *
 * Two subtrees cover any range (draft-ietf-plants-merkle-tree-certs section 4.5.1); the first may
 * begin before the range, and the first hashes of the file stand for what lies there.
 */

import type { Bytes } from "./bytes.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { MAX_ENTRIES } from "./eventsFile.ts";
import { bitCount, bitLength, HASH_BYTES } from "./merkle.ts";
import { hasWord, parseHashes, parseSpan, type Span, splitProof } from "./proofText.ts";
import { subtreeHash, verifySubtreeConsistency } from "./subtree.ts";

export const RANGE_HEADER = "tallystick/range@v1";
const MAX_SUBTREE_HASHES = 64;

/** What a range proof says; nothing of it is verified. `checkpoint` is a signed note. */
export interface RangeProof {
  readonly start: bigint;
  readonly end: bigint;
  /** The perfect subtrees between the first subtree's begin and the range's. */
  readonly left: readonly Bytes[];
  /** A subtree consistency proof for each subtree. */
  readonly subtrees: readonly (readonly Bytes[])[];
  readonly checkpoint: Uint8Array;
}

/** The one or two subtrees that cover [start, end); requires 0 <= start < end. */
export function findSubtrees(start: bigint, end: bigint): Span[] {
  if (end - start === 1n) return [[start, end]];
  const last = end - 1n;
  const below = (1n << BigInt(bitLength(start ^ last) - 1)) - 1n;
  const middle = last & ~below;
  const low = start & ~((1n << BigInt(bitLength(~start & below))) - 1n);
  return [
    [low, middle],
    [middle, end],
  ];
}

export function parseRangeProof(data: Uint8Array): RangeProof {
  const { lines, checkpoint } = splitProof(data, RANGE_HEADER);
  if (lines.length === 0) throw new MalformedInput("the proof has no range line");
  const [start, end] = parseSpan(lines[0], "range");
  if (end - start > BigInt(MAX_ENTRIES)) {
    throw new MalformedInput("a range proof is of at most 100,000 entries");
  }
  const marks = lines.flatMap((line, at) => (hasWord(line, "subtree") ? [at] : []));
  const spans = findSubtrees(start, end);
  const named = marks.map((mark) => parseSpan(lines[mark], "subtree"));
  const same = spans.every(([low, high], at) => named[at]?.[0] === low && named[at]?.[1] === high);
  if (named.length !== spans.length || !same) {
    throw new MalformedInput("the subtrees are not those that cover the range");
  }
  const left = parseHashes(lines.slice(1, marks[0]));
  if (left.length !== bitCount(start - (spans[0] as Span)[0])) {
    throw new MalformedInput("the hashes left of the range are not as many as it takes");
  }
  const parts = marks.map((mark, at) => lines.slice(mark + 1, marks[at + 1]));
  if (parts.some((part) => part.length > MAX_SUBTREE_HASHES)) {
    throw new MalformedInput(`a subtree has more than ${MAX_SUBTREE_HASHES} hashes`);
  }
  return { start, end, left, subtrees: parts.map(parseHashes), checkpoint };
}

/** Throws VerificationFailed unless `leaves` stand at the proof's start and after in the tree. */
export function verifyRange(
  leaves: readonly Uint8Array[],
  start: bigint,
  size: bigint,
  { left, subtrees }: Pick<RangeProof, "left" | "subtrees">,
  root: Uint8Array,
): void {
  const end = start + BigInt(leaves.length);
  if (leaves.length === 0 || start < 0n || end > size) {
    throw new VerificationFailed(`[${start}, ${end}) is no range of ${size} leaves`);
  }
  const spans = findSubtrees(start, end);
  const before = start - (spans[0] as Span)[0];
  if (left.length !== bitCount(before) || subtrees.length !== spans.length) {
    throw new VerificationFailed("the proof has another shape than its range");
  }
  if ([...leaves, ...left].some((hash) => hash.length !== HASH_BYTES)) {
    throw new VerificationFailed("a hash does not have 32 bytes");
  }
  for (const [at, [low, high]] of spans.entries()) {
    const from = low < start ? start : low;
    const part = leaves.slice(Number(from - start), Number(high - start));
    const hash = subtreeHash(from - low, at === 0 ? left : [], part);
    verifyPart([low, high], size, subtrees[at] ?? [], hash, root);
  }
}

function verifyPart(
  [low, high]: Span,
  size: bigint,
  proof: readonly Uint8Array[],
  subtree: Uint8Array,
  root: Uint8Array,
): void {
  try {
    verifySubtreeConsistency(low, high, size, proof, subtree, root);
  } catch (error) {
    if (!(error instanceof VerificationFailed)) throw error;
    throw new VerificationFailed(`the subtree [${low}, ${high}): ${error.message}`);
  }
}
