/** The verdicts of a verification and what they make together. Twin of anchoring/report.py. */

/** The names of the sub-verdicts that every proof has, in the order in which they are shown. */
export const CHECKS = [
  "entry",
  "signature",
  "inclusion",
  "checkpoint",
  "witnesses",
  "anchor",
] as const;

/** Sub-verdicts that follow where they apply: to proofs of a stream, to events with personal data. */
export const EXTRA_CHECKS = ["completeness", "personal"] as const;

export type Check = (typeof CHECKS)[number] | (typeof EXTRA_CHECKS)[number];

/** What became of one check, in the words of `tally verify`. */
export type Status = "ok" | "failed" | "malformed" | "not-met" | "not-anchored" | "not-checked";

export interface Verdict {
  readonly check: Check;
  readonly status: Status;
  readonly detail: string;
}

export type Facts = Readonly<Record<string, string>>;

export interface Report {
  readonly verdicts: readonly Verdict[];
  /** What the bytes say, by name; numbers are decimal strings. */
  readonly facts: Facts;
  readonly ignoredSignatures: number;
  readonly overall: string;
  /** The exit code of `tally verify`. */
  readonly exitCode: number;
}

// In order of precedence: the first status that any verdict has decides.
const PRECEDENCE: readonly (readonly [Status, number, string])[] = [
  ["malformed", 2, "malformed input"],
  ["failed", 1, "failed"],
  ["not-met", 3, "policy not met"],
  ["not-anchored", 4, "valid but not anchored"],
];

export function makeReport(
  verdicts: readonly Verdict[],
  facts: Facts,
  ignoredSignatures: number,
): Report {
  const found = new Set(verdicts.map((verdict) => verdict.status));
  const decisive = PRECEDENCE.find(([status]) => found.has(status));
  const [exitCode, overall] = decisive ? [decisive[1], decisive[2]] : [0, "verified"];
  return { verdicts, facts, ignoredSignatures, overall, exitCode };
}

export function verdictOf(report: Report, check: Check): Verdict {
  const found = report.verdicts.find((verdict) => verdict.check === check);
  if (found === undefined) throw new RangeError(`no verdict for ${check}`);
  return found;
}
