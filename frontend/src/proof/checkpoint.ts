/** Checkpoints, c2sp.org/tlog-checkpoint v1.0.0: origin, size and root, signed as a note. */

import { type Bytes, equal } from "./bytes.ts";
import { parseBase64, parseDecimal } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";
import { EMPTY_ROOT, HASH_BYTES } from "./merkle.ts";
import { type Note, parseNote } from "./note.ts";

export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
  readonly extensions: readonly string[];
}

export function parseCheckpointText(text: string): Checkpoint {
  const lines = text.split("\n");
  if (lines.length < 4 || lines.at(-1) !== "") {
    throw new MalformedInput("a checkpoint has the lines origin, size and root");
  }
  const [origin = "", size = "", root = "", ...extensions] = lines.slice(0, -1);
  if (origin === "" || extensions.includes("")) {
    throw new MalformedInput("a checkpoint has an empty line");
  }
  return {
    origin,
    size: parseDecimal(size, "the checkpoint's size"),
    root: parseBase64(root, "the checkpoint's root", HASH_BYTES),
    extensions,
  };
}

/** A signed checkpoint taken apart; nothing of it is verified. */
export function parseCheckpoint(data: Uint8Array): { checkpoint: Checkpoint; note: Note } {
  const note = parseNote(data);
  const checkpoint = parseCheckpointText(note.text);
  if (checkpoint.size === 0n && !equal(checkpoint.root, EMPTY_ROOT)) {
    throw new MalformedInput("a checkpoint of size 0 has another root than the empty one");
  }
  return { checkpoint, note };
}
