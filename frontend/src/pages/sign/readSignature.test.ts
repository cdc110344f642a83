// @vitest-environment node
import { expect, it } from "vitest";
import { readSignature } from "./readSignature.ts";

const WHOLE = `0x${"ab".repeat(64)}1b`;

it.each([
  ["alone", WHOLE],
  ["printed", `Signed by 0x${"11".repeat(20)}:\n${WHOLE}\n`],
  ["printed in a narrow terminal", `Signed by 0x11:\n${WHOLE.slice(0, 80)}\n${WHOLE.slice(80)}\n`],
  ["as JSON", JSON.stringify({ hashes: { digest: `0x${"22".repeat(32)}` }, signature: WHOLE })],
])("%s", (_name, text) => {
  expect(readSignature(text)).toBe(WHOLE);
});

it("takes the compact form, and nothing else", () => {
  const compact = `0x${"ab".repeat(64)}`;
  expect(readSignature(compact)).toBe(compact);
  for (const text of ["", "0x", `0x${"ab".repeat(63)}`, `0x${"ab".repeat(66)}`, "ab".repeat(65)]) {
    expect(readSignature(text)).toBeNull();
  }
});
