/** The vectors that the Python verifier made, for the tests beside this file. */

import { concat } from "./bytes.ts";
import { parseBase64 } from "./encoding.ts";
import { PARTS, type Part, type ProofFiles } from "./files.ts";
import basesText from "./vectors/bases.json?raw";
import casesText from "./vectors/cases.json?raw";
import flipsText from "./vectors/flips.json?raw";
import type { Profile } from "./verifier.ts";

const TEXTS = { bases: basesText, cases: casesText, flips: flipsText };

export interface Expected {
  readonly refused?: string;
  readonly exit_code: number;
  readonly overall: string;
  readonly verdicts: Readonly<Record<string, readonly [string, string]>>;
  readonly ignored?: number;
  readonly facts?: Readonly<Record<string, string>>;
}

/** Kept in front, kept at the end, and the base64 of what is between. */
type Difference = readonly [number, number, string];

interface StoredCase {
  readonly base: string;
  readonly files: Readonly<Partial<Record<Part, Difference | null>>>;
  readonly profile?: Profile;
  readonly not_checked_here?: readonly string[];
  readonly expected: Expected;
}

export interface Case {
  readonly name: string;
  readonly files: ProofFiles;
  readonly profile: Profile | null;
  readonly notCheckedHere: readonly string[];
  readonly expected: Expected;
}

export type Base = Record<Part, Uint8Array>;

function read<Document>(name: keyof typeof TEXTS): Document {
  return JSON.parse(TEXTS[name]);
}

export function readBases(): Record<string, Base> {
  const stored = read<Record<string, Record<Part, string>>>("bases");
  return Object.fromEntries(
    Object.entries(stored).map(([name, files]) => [
      name,
      Object.fromEntries(PARTS.map((part) => [part, parseBase64(files[part], part)])) as Base,
    ]),
  );
}

export function baseOf(name: string): Base {
  const base = readBases()[name];
  if (base === undefined) throw new RangeError(`no base ${name}`);
  return base;
}

export function readCases(): Case[] {
  const bases = readBases();
  return Object.entries(read<Record<string, StoredCase>>("cases")).map(([name, stored]) => {
    const base = bases[stored.base] as Base;
    const changed = Object.entries(stored.files) as [Part, Difference | null][];
    const files = changed.map(([part, difference]) => [
      part,
      difference === null ? null : applyDifference(base[part], difference),
    ]);
    return {
      name,
      files: { ...base, ...Object.fromEntries(files) },
      profile: stored.profile ?? null,
      notCheckedHere: stored.not_checked_here ?? [],
      expected: stored.expected,
    };
  });
}

function applyDifference(base: Uint8Array, [head, tail, between]: Difference): Uint8Array {
  const middle = parseBase64(between, "the difference");
  return concat(base.subarray(0, head), middle, base.subarray(base.length - tail));
}

export interface Flips {
  /** The six statuses of each letter. */
  readonly classes: readonly string[];
  /** By `base/part/mask`: a letter for each offset. */
  readonly runs: Readonly<Record<string, string>>;
}

export function readFlips(): Flips {
  return read<Flips>("flips");
}
