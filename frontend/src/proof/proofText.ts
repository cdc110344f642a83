/**
 * What our proof files have in common: a header, lines, an empty line, and a checkpoint. Twin of
 * anchoring/proof_text.py.
 */

import { type Bytes, toLatin1 } from "./bytes.ts";
import { parseBase64, parseDecimal, parseUtf8 } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";
import { HASH_BYTES } from "./merkle.ts";

export const MAX_PROOF_TEXT_BYTES = 64 * 2 ** 20;
const NEWLINE = 0x0a;

/** From a first to before a last, both indices of leaves. */
export type Span = readonly [bigint, bigint];

/** The lines between header and empty line, and the checkpoint, which is verbatim. */
export function splitProof(
  data: Uint8Array,
  header: string,
): { lines: string[]; checkpoint: Uint8Array } {
  if (data.length > MAX_PROOF_TEXT_BYTES) {
    throw new MalformedInput("the proof file is longer than 64 MiB");
  }
  const { head, checkpoint } = splitHead(data);
  const [first, ...lines] = parseUtf8(head, "the proof").split("\n");
  if (first !== header) throw new MalformedInput(`the proof does not start with ${header}`);
  return { lines, checkpoint };
}

/** Cut at the first empty line; what follows it is a signed checkpoint. */
export function splitHead(data: Uint8Array): { head: Uint8Array; checkpoint: Uint8Array } {
  let at = data.indexOf(NEWLINE);
  while (at >= 0 && data[at + 1] !== NEWLINE) at = data.indexOf(NEWLINE, at + 1);
  if (at < 0 || at + 2 >= data.length) {
    throw new MalformedInput("the proof has no checkpoint after an empty line");
  }
  return { head: data.subarray(0, at), checkpoint: data.subarray(at + 2) };
}

/** The first line of a file, null where it has no end as far as a header is long. */
export function firstLine(data: Uint8Array): string | null {
  const end = data.subarray(0, 64).indexOf(NEWLINE);
  return end < 0 ? null : toLatin1(data.subarray(0, end));
}

export function hasWord(line: string | undefined, word: string): line is string {
  return line?.startsWith(`${word} `) ?? false;
}

/** N of the line `word N`. */
export function parseNumber(line: string | undefined, word: string): bigint {
  if (!hasWord(line, word)) {
    throw new MalformedInput(`the proof has no ${word} line where one belongs`);
  }
  return parseDecimal(line.slice(word.length + 1), `the proof's ${word}`);
}

/** A and B of the line `word A B`, where A < B. */
export function parseSpan(line: string | undefined, word: string): Span {
  if (!hasWord(line, word)) {
    throw new MalformedInput(`the proof has no ${word} line where one belongs`);
  }
  const rest = line.slice(word.length + 1);
  const space = rest.indexOf(" ");
  const [first, second] = space < 0 ? [rest, ""] : [rest.slice(0, space), rest.slice(space + 1)];
  const start = parseDecimal(first, `the start of the ${word}`);
  const end = parseDecimal(second, `the end of the ${word}`);
  if (start >= end) throw new MalformedInput(`the ${word} from ${start} to ${end} is empty`);
  return [start, end];
}

export function parseHashes(lines: readonly string[]): Bytes[] {
  return lines.map((line) => parseBase64(line, "a proof hash", HASH_BYTES));
}
