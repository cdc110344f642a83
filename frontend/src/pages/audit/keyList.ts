/** The log's event keys, with the note that lists them checked on this device. */

import { ProofError } from "../../proof/errors.ts";
import { parseEventKeys } from "../../proof/keys.ts";
import { openNote } from "../../proof/note.ts";
import { logKeys, parsePolicy } from "../../proof/policy.ts";

export interface ListedKey {
  readonly keyId: string;
  readonly first: string;
  /** The last entry that it may sign; null while it is in use. */
  readonly last: string | null;
}

/** The keys, and why the list is not to be believed (null: the log key of the policy signed it). */
export interface KeyList {
  readonly keys: readonly ListedKey[];
  readonly refused: string | null;
}

export function readKeyList(keysFile: Uint8Array, policyFile: Uint8Array): KeyList {
  try {
    const { keys, note } = parseEventKeys(keysFile);
    const listed = keys.keys.map(({ keyId, first, last }) => ({
      keyId,
      first: String(first),
      last: last === null ? null : String(last),
    }));
    return {
      keys: listed,
      refused: reasonAgainst(() => openNote(note, logKeys(parsePolicy(policyFile), keys.origin))),
    };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return { keys: [], refused: error.message };
  }
}

function reasonAgainst(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof ProofError) return error.message;
    throw error;
  }
}
