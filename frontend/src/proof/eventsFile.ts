/**
 * Many entries in one file, NAME.events: concatenated 16-bit big-endian length and entry. Twin of
 * anchoring/events_file.py.
 */

import { MalformedInput } from "./errors.ts";

export const MAX_ENTRIES = 100_000;
export const MAX_EVENTS_FILE_BYTES = 64 * 2 ** 20;
const LENGTH_BYTES = 2;

/** The entries of a file of events; throws MalformedInput. */
export function parseEvents(data: Uint8Array): Uint8Array[] {
  if (data.length > MAX_EVENTS_FILE_BYTES) {
    throw new MalformedInput("the file of events is longer than 64 MiB");
  }
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < data.length) {
    if (entries.length === MAX_ENTRIES) {
      throw new MalformedInput("the file of events holds more than 100,000 entries");
    }
    const start = at + LENGTH_BYTES;
    const end = start + (((data[at] ?? 0) << 8) | (data[at + 1] ?? 0));
    if (start > data.length || end > data.length) {
      throw new MalformedInput("the file of events ends within an entry");
    }
    entries.push(data.subarray(start, end));
    at = end;
  }
  if (entries.length === 0) throw new MalformedInput("the file of events is empty");
  return entries;
}
