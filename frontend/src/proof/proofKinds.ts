/**
 * The kinds of proof, told apart by the first line of the file, under one face. Twin of
 * anchoring/proof_kinds.py. Whatever the kind, a proof says: these entries stand at these indices of
 * this checkpoint's tree.
 */

import { BATCH_HEADER, parseBatchProof, verifyBatch } from "./batchProof.ts";
import type { Checkpoint } from "./checkpointText.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { verifyInclusion } from "./merkle.ts";
import { firstLine } from "./proofText.ts";
import { parseRangeProof, RANGE_HEADER, verifyRange } from "./rangeProof.ts";
import { STREAM_HEADER } from "./streamProof.ts";
import { PROOF_HEADER, parseTlogProof } from "./tlogProof.ts";

export type ProofKind = "entry" | "batch" | "range" | "stream";

const KINDS: ReadonlyMap<string, ProofKind> = new Map([
  [PROOF_HEADER, "entry"],
  [BATCH_HEADER, "batch"],
  [RANGE_HEADER, "range"],
  [STREAM_HEADER, "stream"],
]);

/** The kind that the first line names; null for any other line. */
export function proofKind(data: Uint8Array): ProofKind | null {
  return KINDS.get(firstLine(data) ?? "") ?? null;
}

/** As proofKind; throws MalformedInput where it gives null. */
export function requireKind(data: Uint8Array): ProofKind {
  const kind = proofKind(data);
  if (kind !== null) return kind;
  throw new MalformedInput("the proof's first line names no kind of proof that is known here");
}

/** What a proof file says. `check` verifies leaf hashes against a checkpoint's tree. */
export interface Claim {
  readonly indices: readonly bigint[];
  readonly checkpoint: Uint8Array;
  readonly check: (leaves: readonly Uint8Array[], head: Checkpoint) => void;
  readonly hasExtra: boolean;
}

/** Parse a batch or a range proof; a stream file is neither: its batch proof lies beside it. */
export function readManyClaim(data: Uint8Array, isStream: boolean): Claim {
  const kind = requireKind(data);
  if (kind === "entry") throw new MalformedInput("many entries cannot have the proof of one");
  if (isStream && kind !== "batch") {
    throw new MalformedInput("a stream's entries are proven by a batch proof");
  }
  if (kind === "batch") return readBatch(data);
  if (kind === "range") return readRange(data);
  throw new MalformedInput("a stream file is no proof by itself: its batch proof lies beside it");
}

/** Parse the proof of one entry. */
export function readEntryClaim(data: Uint8Array): Claim {
  const { index, hashes, checkpoint, extra } = parseTlogProof(data);
  return {
    indices: [index],
    checkpoint,
    check: ([leaf = new Uint8Array()], head) =>
      verifyInclusion(leaf, index, head.size, hashes, head.root),
    hasExtra: extra !== null,
  };
}

function readBatch(data: Uint8Array): Claim {
  const { indices, hashes, checkpoint } = parseBatchProof(data);
  return {
    indices,
    checkpoint,
    check: (leaves, head) => verifyBatch(leaves, indices, head.size, hashes, head.root),
    hasExtra: false,
  };
}

function readRange(data: Uint8Array): Claim {
  const proof = parseRangeProof(data);
  const { start, end, checkpoint } = proof;
  return {
    indices: Array.from({ length: Number(end - start) }, (_, at) => start + BigInt(at)),
    checkpoint,
    check: (leaves, head) => {
      if (BigInt(leaves.length) !== end - start) {
        throw new VerificationFailed("the range has another number of entries");
      }
      verifyRange(leaves, start, head.size, proof, head.root);
    },
    hasExtra: false,
  };
}
