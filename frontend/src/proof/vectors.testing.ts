/** The vectors that the Python verifier made, for the tests beside this file. */

import { concat } from "./bytes.ts";
import { parseBase64 } from "./encoding.ts";
import type { Part, ProofFiles } from "./files.ts";
import basesText from "./vectors/bases.json?raw";
import casesText from "./vectors/cases.json?raw";
import flipsText from "./vectors/flips.json?raw";
import type { Profile } from "./verifierInputs.ts";

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
  readonly expected: Expected;
}

export interface Case {
  readonly name: string;
  readonly files: ProofFiles;
  readonly profile: Profile | null;
  readonly expected: Expected;
}

/** The files of a proof of one entry, with everything beside it. */
export const BASE_PARTS = ["event", "proof", "anchor", "policy", "keys", "trust"] as const;

export type Base = Record<(typeof BASE_PARTS)[number], Uint8Array>;

function read<Document>(name: keyof typeof TEXTS): Document {
  return JSON.parse(TEXTS[name]);
}

/** A verified bundle of each kind, by name; two of them are real ones of one entry. */
export function readBases(): Record<string, ProofFiles> {
  const stored = read<Record<string, Record<string, string>>>("bases");
  return Object.fromEntries(
    Object.entries(stored).map(([name, files]) => [
      name,
      Object.fromEntries(
        Object.entries(files).map(([part, text]) => [part, parseBase64(text, part)]),
      ) as ProofFiles,
    ]),
  );
}

/** A real bundle of one entry. */
export function baseOf(name: "platform" | "witnessed"): Base {
  return readBases()[name] as Base;
}

export function readCases(): Case[] {
  const bases = readBases();
  return Object.entries(read<Record<string, StoredCase>>("cases")).map(([name, stored]) => {
    const base = bases[stored.base] as ProofFiles;
    const changed = Object.entries(stored.files) as [Part, Difference | null][];
    const files = changed.map(([part, difference]) => [
      part,
      difference === null ? null : applyDifference(base[part] ?? new Uint8Array(), difference),
    ]);
    return {
      name,
      files: { ...base, ...Object.fromEntries(files) },
      profile: stored.profile ?? null,
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
