/** From errors to verdicts, and from the verdicts of an erasure's own bundle back to an error. */

import {
  MalformedInput,
  NotAnchored,
  PolicyNotMet,
  ProofError,
  Skipped,
  VerificationFailed,
} from "./errors.ts";
import type { Check, Report, Status, Verdict } from "./report.ts";

function statusOf(error: ProofError): Status {
  if (error instanceof MalformedInput) return "malformed";
  if (error instanceof PolicyNotMet) return "not-met";
  if (error instanceof NotAnchored) return "not-anchored";
  if (error instanceof Skipped) return "not-checked";
  return "failed";
}

/** Run one check; what it throws is its verdict. */
export function judge(check: Check, step: () => string): Verdict {
  try {
    return { check, status: "ok", detail: step() };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return { check, status: statusOf(error), detail: error.message };
  }
}

/** Throws for the gravest verdict of `report`; a missing anchor is none. */
export function requireAll(report: Report, whose: string): void {
  const graves = [
    ["malformed", MalformedInput],
    ["failed", VerificationFailed],
    ["not-met", PolicyNotMet],
  ] as const;
  for (const [status, Raised] of graves) {
    const found = report.verdicts.find((verdict) => verdict.status === status);
    if (found !== undefined) throw new Raised(`${whose}${found.check}: ${found.detail}`);
  }
}
