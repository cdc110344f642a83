// @vitest-environment node
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../proof/bytes.ts";
import { parseCheckpoint } from "../../proof/checkpoint.ts";
import { parsePolicy } from "../../proof/policy.ts";
import { parseTlogProof } from "../../proof/tlogProof.ts";
import { baseOf } from "../../proof/vectors.testing.ts";
import { anchorWord } from "./anchorWord.ts";
import { checkHead } from "./checkHead.ts";
import { readCosigners } from "./cosigners.ts";
import { readKeyList } from "./keyList.ts";

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

describe("what the log's own policy and keys say", () => {
  const witnessed = baseOf("witnessed");
  const note = new TextDecoder().decode(parseTlogProof(witnessed.proof).checkpoint);
  const text = (data: Uint8Array) => new TextDecoder().decode(data);

  it("a witness that cosigned is named with its time, one that did not without", () => {
    expect(readCosigners(note, witnessed.policy)).toEqual({
      witnesses: [
        { name: "w1", signedAt: "2023-11-14T22:13:20.000Z" },
        { name: "w2", signedAt: null },
      ],
      met: true,
      newest: "2023-11-14T22:13:20.000Z",
    });
  });

  it("a cosignature over another head is none", () => {
    const other = note.replace("\n11\n", "\n12\n");
    expect(readCosigners(other, witnessed.policy)).toMatchObject({ met: false, newest: null });
  });

  it("a quorum of nobody is not called met", () => {
    const none = utf8(text(witnessed.policy).replace("quorum w1", "quorum none"));
    expect(readCosigners(note, none)?.met).toBeNull();
  });

  it("what cannot be read is said so", () => {
    expect(readCosigners("hello", witnessed.policy)).toBeNull();
    expect(readCosigners(note, utf8("hello"))).toBeNull();
  });

  it("the keys are listed with the entries they may sign, once the log key signed the list", () => {
    const { keys, refused } = readKeyList(witnessed.keys, witnessed.policy);
    expect(refused).toBeNull();
    expect(keys).toEqual([
      { keyId: expect.stringMatching(/^[0-9a-f]{32}$/), first: "0", last: null },
    ]);
    const changed = utf8(text(witnessed.keys).replace(" 0 -", " 0 5"));
    expect(readKeyList(changed, witnessed.policy)).toMatchObject({
      keys: [{ first: "0", last: "5" }],
      refused: "the Ed25519 signature does not verify",
    });
    expect(readKeyList(utf8("hello"), witnessed.policy).keys).toEqual([]);
  });
});
