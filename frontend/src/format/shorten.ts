/** A long hex value as its beginning and end: `0xde8c63…6aC8`. */
export function shorten(value: string, start = 8, end = 4): string {
  return value.length <= start + end + 1 ? value : `${value.slice(0, start)}…${value.slice(-end)}`;
}

/** A sentence with its hashes and addresses shortened. */
export function shortenHex(text: string): string {
  return text.replace(/0x[0-9a-fA-F]{40,}/g, (found) => shorten(found, 10, 6));
}
