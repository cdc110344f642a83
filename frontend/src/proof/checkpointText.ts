/** The text of a checkpoint, c2sp.org/tlog-checkpoint v1.0.0: origin, size, root, extensions. */

import type { Bytes } from "./bytes.ts";
import { parseBase64, parseDecimal } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";
import { HASH_BYTES } from "./merkle.ts";

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
