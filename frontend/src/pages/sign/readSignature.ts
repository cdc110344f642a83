const SIGNATURE = /0x(?:[0-9a-fA-F]{130}|[0-9a-fA-F]{128})(?![0-9a-fA-F])/;

/**
 * The signature in what `tally sign` prints, with or without --json; null where there is none.
 * A terminal breaks long lines, so white space within it carries no meaning.
 */
export function readSignature(text: string): string | null {
  return SIGNATURE.exec(text.replace(/\s+/g, ""))?.[0] ?? null;
}
