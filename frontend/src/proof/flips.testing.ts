/** Change bytes of a real bundle and compare with what the Python verifier made of each. */

import { expect } from "vitest";
import { type Part, type ProofFiles, verifyFiles } from "./files.ts";
import type { Report } from "./report.ts";
import { readBases, readFlips } from "./vectors.testing.ts";

/** `key` is `base/part/mask`; looks at the offsets 0, step, 2 step, and so on. */
export function checkFlips(key: string, step: number): void {
  const { classes, runs } = readFlips();
  const [name = "", part, mask] = key.split("/") as [string, Part, string];
  const files = readBases()[name] as ProofFiles;
  const run = runs[key] as string;
  const original = files[part] as Uint8Array;
  expect(run.length).toBe(original.length);
  for (let at = 0; at < run.length; at += step) {
    const changed = original.slice();
    changed[at] = (changed[at] as number) ^ Number(mask);
    const outcome = verifyFiles({ ...files, [part]: changed });
    const found = outcome.kind === "refused" ? "refused" : statuses(outcome.report);
    const expected = classes[run.charCodeAt(at) - "A".charCodeAt(0)];
    if (found !== expected) expect(`at ${at}: ${found}`).toBe(`at ${at}: ${expected}`);
  }
}

function statuses(report: Report): string {
  return [...report.verdicts]
    .sort((left, right) => (left.check < right.check ? -1 : 1))
    .map((verdict) => `${verdict.check}=${verdict.status}`)
    .join(" ");
}
