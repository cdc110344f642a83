/** Change bytes of a real bundle and compare with what the Python verifier made of each. */

import { expect } from "vitest";
import { verifyFiles } from "./files.ts";
import type { Report } from "./report.ts";
import { type Base, readBases, readFlips } from "./vectors.testing.ts";

/** `key` is `base/part/mask`; looks at the offsets 0, step, 2 step, and so on. */
export function checkFlips(key: string, step: number): void {
  const { classes, runs } = readFlips();
  const [name = "", part, mask] = key.split("/") as [string, "event", string];
  const files = readBases()[name] as Base;
  const run = runs[key] as string;
  expect(run.length).toBe(files[part].length);
  for (let at = 0; at < run.length; at += step) {
    const changed = files[part].slice();
    changed[at] = (changed[at] as number) ^ Number(mask);
    const outcome = verifyFiles({ ...files, [part]: changed });
    if (outcome.kind === "refused") throw new Error(`${key} at ${at}: ${outcome.detail}`);
    const expected = classes[run.charCodeAt(at) - "A".charCodeAt(0)];
    if (statuses(outcome.report) !== expected) {
      expect(`at ${at}: ${statuses(outcome.report)}`).toBe(`at ${at}: ${expected}`);
    }
  }
}

function statuses(report: Report): string {
  return [...report.verdicts]
    .sort((left, right) => (left.check < right.check ? -1 : 1))
    .map((verdict) => `${verdict.check}=${verdict.status}`)
    .join(" ");
}
