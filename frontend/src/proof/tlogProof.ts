/** The proof file, c2sp.org/tlog-proof: a leaf's index, its inclusion proof, and a checkpoint. */

import type { Bytes } from "./bytes.ts";
import { parseBase64, parseDecimal, parseUtf8 } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";
import { HASH_BYTES } from "./merkle.ts";
import { splitHead } from "./proofText.ts";

export const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const MAX_PROOF_HASHES = 63;
export const MAX_PROOF_FILE_BYTES = 1_100_000;

/** What a proof file says; nothing of it is verified. `checkpoint` is a signed note. */
export interface TlogProof {
  readonly index: bigint;
  readonly hashes: readonly Bytes[];
  readonly checkpoint: Uint8Array;
  readonly extra: Bytes | null;
}

export function parseTlogProof(data: Uint8Array): TlogProof {
  if (data.length > MAX_PROOF_FILE_BYTES) {
    throw new MalformedInput("the proof file is longer than 1,100,000 bytes");
  }
  const { head, checkpoint } = splitHead(data);
  const [header, ...lines] = parseUtf8(head, "the proof").split("\n");
  if (header !== PROOF_HEADER)
    throw new MalformedInput(`the proof does not start with ${PROOF_HEADER}`);
  let extra: Bytes | null = null;
  if (lines[0]?.startsWith("extra ")) {
    extra = parseBase64((lines.shift() ?? "").slice("extra ".length), "the proof's extra data");
  }
  const indexLine = lines.shift();
  if (!indexLine?.startsWith("index ")) throw new MalformedInput("the proof has no index line");
  const index = parseDecimal(indexLine.slice("index ".length), "the proof's index");
  if (lines.length > MAX_PROOF_HASHES) {
    throw new MalformedInput(`the proof has more than ${MAX_PROOF_HASHES} hashes`);
  }
  const hashes = lines.map((line) => parseBase64(line, "a proof hash", HASH_BYTES));
  return { index, hashes, checkpoint, extra };
}
