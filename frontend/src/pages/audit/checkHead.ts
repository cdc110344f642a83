/** Whether the log's signed head is what the server says it is, checked on this device. */

import { toHex, utf8 } from "../../proof/bytes.ts";
import { parseCheckpoint } from "../../proof/checkpoint.ts";
import { ProofError } from "../../proof/errors.ts";
import { openNote } from "../../proof/note.ts";
import { parseVkey } from "../../proof/vkey.ts";

interface Head {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly checkpoint: string;
}

export interface HeadVerdict {
  readonly ok: boolean;
  readonly detail: string;
}

export function checkHead(head: Head, vkey: string | null): HeadVerdict {
  if (vkey === null) return { ok: false, detail: "the server names no log key" };
  try {
    const { checkpoint, note } = parseCheckpoint(utf8(head.checkpoint));
    openNote(note, [parseVkey(vkey)]);
    const same =
      checkpoint.origin === head.origin &&
      checkpoint.size === BigInt(head.size) &&
      toHex(checkpoint.root) === head.root;
    if (!same) return { ok: false, detail: "the signed text names another head" };
    return {
      ok: true,
      detail: "signature checked on this device, with the log key of this server",
    };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return { ok: false, detail: error.message };
  }
}
