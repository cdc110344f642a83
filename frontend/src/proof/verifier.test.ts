// @vitest-environment node
import { describe, expect, it, vi } from "vitest";
import { verifyFiles } from "./files.ts";
import { checkFlips } from "./flips.testing.ts";
import { type Case, readCases, readFlips } from "./vectors.testing.ts";

vi.setConfig({ testTimeout: 60_000 });

// What each JSON reader says of bytes it cannot read, and how each language quotes, differ; the
// status never does.
const OWN_WORDS =
  /is not JSON|not UTF-8|another shape|canonical profile|plain decimal|policy line|not hexadecimal|not canonical lower-case/;

function check({ files, profile, expected }: Case): void {
  const outcome = verifyFiles(files, { profile });
  if (outcome.kind === "refused") {
    expect(expected.refused).toBeDefined();
    if (!OWN_WORDS.test(`${expected.refused}`)) expect(outcome.detail).toBe(expected.refused);
    return;
  }
  const { report } = outcome;
  for (const verdict of report.verdicts) {
    const [status, detail] = expected.verdicts?.[verdict.check] ?? ["refused", expected.refused];
    expect(`${verdict.check} ${verdict.status}`).toBe(`${verdict.check} ${status}`);
    if (!OWN_WORDS.test(`${detail}`)) expect(verdict.detail).toBe(detail);
  }
  expect([report.exitCode, report.overall]).toEqual([expected.exit_code, expected.overall]);
  expect(report.ignoredSignatures).toBe(expected.ignored ?? 0);
  if (expected.facts) expect(report.facts).toEqual(expected.facts);
}

describe("the verdicts are those of the Python verifier", () => {
  it.each(readCases().map((each) => [each.name, each] as const))("%s", (_name, each) => {
    check(each);
  });
});

describe("a changed byte leads where the Python verifier says", () => {
  const { runs } = readFlips();
  it.each(Object.keys(runs))("%s, every 97th", (key) => checkFlips(key, 97));
});
