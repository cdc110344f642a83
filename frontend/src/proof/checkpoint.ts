/** Checkpoints, c2sp.org/tlog-checkpoint v1.0.0: origin, size and root, signed as a note. */

import { equal } from "./bytes.ts";
import { type Checkpoint, parseCheckpointText } from "./checkpointText.ts";
import { MalformedInput } from "./errors.ts";
import { EMPTY_ROOT } from "./merkle.ts";
import { type Note, parseNote } from "./note.ts";

/** A signed checkpoint taken apart; nothing of it is verified. */
export function parseCheckpoint(data: Uint8Array): { checkpoint: Checkpoint; note: Note } {
  const note = parseNote(data);
  const checkpoint = parseCheckpointText(note.text);
  if (checkpoint.size === 0n && !equal(checkpoint.root, EMPTY_ROOT)) {
    throw new MalformedInput("a checkpoint of size 0 has another root than the empty one");
  }
  return { checkpoint, note };
}
