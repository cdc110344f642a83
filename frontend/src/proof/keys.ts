/**
 * The `keys` file: a note signed by the log key that lists the event keys and the entries each may
 * sign. Twin of anchoring/keys.py.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, toHex, utf8 } from "./bytes.ts";
import { parseBase64, parseDecimal } from "./encoding.ts";
import { MalformedInput, UnknownKey } from "./errors.ts";
import { type Note, parseNote } from "./note.ts";

const ORIGIN_SUFFIX = "/keys";
const KEY_ID_CONTEXT = utf8("tallystick/key/v1\ned25519\n");

/** An event key and the entries it may sign: first to last index, both included. */
export interface EventKey {
  readonly keyId: string;
  readonly publicKey: Bytes;
  readonly first: bigint;
  readonly last: bigint | null;
}

export interface EventKeys {
  readonly origin: string;
  readonly keys: readonly EventKey[];
}

/** The id of an Ed25519 event key: 32 lower-case hex digits of a SHA-256. */
export function keyIdOf(publicKey: Uint8Array): string {
  return toHex(sha256(concat(KEY_ID_CONTEXT, publicKey)).subarray(0, 16));
}

/** A `keys` file taken apart; its signature is not verified. */
export function parseEventKeys(data: Uint8Array): { keys: EventKeys; note: Note } {
  const note = parseNote(data);
  return { keys: parseEventKeysText(note.text), note };
}

export function parseEventKeysText(text: string): EventKeys {
  const [header = "", ...lines] = text.split("\n");
  if (!header.endsWith(ORIGIN_SUFFIX) || header === ORIGIN_SUFFIX) {
    throw new MalformedInput("the keys file does not start with the line <origin>/keys");
  }
  if (lines.pop() !== "") throw new MalformedInput("the keys file's last line has no newline");
  const keys = lines.map(parseLine);
  if (new Set(keys.map((key) => key.keyId)).size !== keys.length) {
    throw new MalformedInput("the keys file lists a key twice");
  }
  return { origin: header.slice(0, -ORIGIN_SUFFIX.length), keys };
}

function parseLine(line: string): EventKey {
  const words = line.split(" ");
  if (words.length !== 5 || words[1] !== "ed25519") {
    throw new MalformedInput("a keys line is <key id> ed25519 <public key> <first> <last or ->");
  }
  const [keyId = "", , encoded = "", firstWord = "", lastWord = ""] = words;
  const publicKey = parseBase64(encoded, "an event key", 32);
  const first = parseDecimal(firstWord, "a key's first index");
  const last = lastWord === "-" ? null : parseDecimal(lastWord, "a key's last index");
  if (last !== null && last < first) {
    throw new MalformedInput("a key's last index is before its first");
  }
  if (keyId !== keyIdOf(publicKey)) {
    throw new MalformedInput("a key id does not belong to its public key");
  }
  return { keyId, publicKey, first, last };
}

/** The key `keyId` if it may sign entry `index`; throws UnknownKey. */
export function lookupKey(keys: EventKeys, keyId: string, index: bigint): EventKey {
  const found = keys.keys.find((key) => key.keyId === keyId);
  if (found === undefined) {
    throw new UnknownKey(`the keys file lists no key ${keyId.slice(0, 40)}`);
  }
  if (index < found.first || (found.last !== null && index > found.last)) {
    throw new UnknownKey(`the key ${keyId} is not valid for entry ${index}`);
  }
  return found;
}
