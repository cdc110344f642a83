/**
 * Signed notes, c2sp.org/signed-note v1.0.0: a text and one line for each signature.
 * Twin of anchoring/note.py. Lines are split at U+000A and nowhere else.
 */

import { type Bytes, toHex, utf8 } from "./bytes.ts";
import { verifySignatureLine } from "./cosignature.ts";
import { parseBase64, parseUtf8 } from "./encoding.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { checkName, hasControl, type VerifierKey } from "./vkey.ts";

/** As many as Go's sumdb/note reads; the specification asks for at least 16. */
export const MAX_SIGNATURES = 100;
export const MAX_NOTE_BYTES = 1_000_000;

const SIGNATURE_PREFIX = "\u2014 ";

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Bytes;
  readonly signature: Bytes;
}

export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note with its lines sorted by what the given keys make of them. */
export interface OpenedNote {
  readonly note: Note;
  readonly verified: readonly VerifierKey[];
  readonly unknown: readonly NoteSignature[];
  readonly repeated: number;
}

export function parseNote(data: Uint8Array): Note {
  if (data.length > MAX_NOTE_BYTES) {
    throw new MalformedInput("the note is longer than 1,000,000 bytes");
  }
  const content = parseUtf8(data, "the note");
  if (hasControl(content)) throw new MalformedInput("the note holds a control character");
  const split = content.lastIndexOf("\n\n");
  if (split < 0) throw new MalformedInput("the note has no empty line before its signatures");
  const [text, block] = [content.slice(0, split + 1), content.slice(split + 2)];
  if (!block.endsWith("\n")) {
    throw new MalformedInput("the note has no signature, or its last line has no newline");
  }
  const lines = block.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) {
    throw new MalformedInput(`the note has more than ${MAX_SIGNATURES} signatures`);
  }
  return { text, signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  if (!line.startsWith(SIGNATURE_PREFIX)) {
    throw new MalformedInput("a line after the note's text is not a signature");
  }
  const rest = line.slice(SIGNATURE_PREFIX.length);
  const space = rest.indexOf(" ");
  if (space < 0) throw new MalformedInput("a signature line has no signature");
  const data = parseBase64(rest.slice(space + 1), "a note signature");
  if (data.length < 5) throw new MalformedInput("a note signature is too short");
  const name = checkName(rest.slice(0, space));
  return { name, keyId: data.slice(0, 4), signature: data.slice(4) };
}

/**
 * Verify every line whose key is known; unknown lines are kept apart, not trusted.
 *
 * Throws MalformedInput for two keys of one (name, id), and VerificationFailed when a known key's
 * line is invalid or no line is by a known key.
 */
export function openNote(note: Note, keys: readonly VerifierKey[]): OpenedNote {
  const known = indexKeys(keys);
  const verified = new Map<string, VerifierKey>();
  const unknown: NoteSignature[] = [];
  let repeated = 0;
  const text = utf8(note.text);
  for (const item of note.signatures) {
    const identity = identify(item.name, item.keyId);
    const key = known.get(identity);
    if (key === undefined) {
      unknown.push(item);
      continue;
    }
    if (verified.has(identity)) repeated += 1;
    verifySignatureLine(key, text, item.signature);
    verified.set(identity, key);
  }
  if (verified.size === 0) throw new VerificationFailed("no trusted key signed the note");
  return { note, verified: [...verified.values()], unknown, repeated };
}

function indexKeys(keys: readonly VerifierKey[]): Map<string, VerifierKey> {
  const known = new Map<string, VerifierKey>();
  for (const key of keys) {
    const identity = identify(key.name, key.keyId);
    if (known.has(identity)) {
      throw new MalformedInput(`two trusted keys share the name and id of ${key.name}`);
    }
    known.set(identity, key);
  }
  return known;
}

/** A name has no newline and an id has eight digits, so no two pairs are written alike. */
function identify(name: string, keyId: Uint8Array): string {
  return `${toHex(keyId)} ${name}`;
}
