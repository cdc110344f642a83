// @vitest-environment node
import { describe, expect, it } from "vitest";
import { toHex } from "../../proof/bytes.ts";
import { parseCheckpoint } from "../../proof/checkpoint.ts";
import { parsePolicy } from "../../proof/policy.ts";
import { parseTlogProof } from "../../proof/tlogProof.ts";
import { baseOf } from "../../proof/vectors.testing.ts";
import { anchorWord } from "./anchorWord.ts";
import { checkHead } from "./checkHead.ts";

const { proof, policy } = baseOf("platform");
const signed = parseTlogProof(proof).checkpoint;
const { checkpoint } = parseCheckpoint(signed);
const vkey = new TextDecoder().decode(policy).split(/[ \n]/)[1] ?? "";
const head = {
  origin: checkpoint.origin,
  size: Number(checkpoint.size),
  root: toHex(checkpoint.root),
  checkpoint: new TextDecoder().decode(signed),
};

describe("the head of the log", () => {
  it("is signed by the log's key", () => {
    expect(parsePolicy(policy).logs).toHaveLength(1);
    expect(checkHead(head, vkey).ok).toBe(true);
  });
  it.each<[string, Partial<typeof head>, string | null]>([
    ["another size", { size: head.size + 1 }, vkey],
    ["another root", { root: "00".repeat(32) }, vkey],
    ["another origin", { origin: "x" }, vkey],
    [
      "a changed text",
      { checkpoint: head.checkpoint.replace(`\n${head.size}\n`, `\n1${head.size}\n`) },
      vkey,
    ],
    ["a text that is none", { checkpoint: "hello" }, vkey],
    ["another key", {}, vkey.replace(/^./, "x")],
    ["no key", {}, null],
  ])("is refused with %s", (_name, change, key) => {
    expect(checkHead({ ...head, ...change }, key).ok).toBe(false);
  });
});

describe("an anchor's state", () => {
  it.each([
    ["SUBMITTED", null, 50, "submitted"],
    ["INCLUDED", 51, 50, "included"],
    ["INCLUDED", 51, null, "included"],
    ["INCLUDED", 50, 50, "safe"],
    ["FINAL", 50, 50, "finalized"],
  ])("%s in block %s with safe %s is %s", (state, block_number, safe, word) => {
    expect(anchorWord({ state, block_number }, safe).word).toBe(word);
  });
});
