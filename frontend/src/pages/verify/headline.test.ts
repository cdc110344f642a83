// @vitest-environment node
import { describe, expect, it, vi } from "vitest";
import { parseAnchor } from "../../proof/anchor.ts";
import type { BlockWitness } from "../../proof/confirm.ts";
import { type Part, type ProofFiles, verifyFiles } from "../../proof/files.ts";
import { verdictOf } from "../../proof/report.ts";
import type { Asked } from "../../proof/streamProof.ts";
import { parseTrust } from "../../proof/trust.ts";
import { baseOf, readBases, readCases } from "../../proof/vectors.testing.ts";
import { SERVER_SOURCE } from "./blockSources.ts";
import { headlineOf, type Origin } from "./headline.ts";
import { spoil } from "./sample.ts";

vi.setConfig({ testTimeout: 60_000 }); // hundreds of bundles, and a loaded machine

const base = baseOf("witnessed");
const trust = { ...parseTrust(base.trust), blocks: new Map() };
const { blockNumber: number, blockHash: hash } = parseAnchor(base.anchor);

function said(files: ProofFiles, fromServer: Part[] = [], blocks: BlockWitness[] = []): string {
  const outcome = verifyFiles(files, { blocks, trust });
  return headlineOf(outcome, Boolean(files.anchor), { fromServer, own: true }).text;
}

const word = (source: string, finalized: bigint | null = null): BlockWitness => ({
  source,
  chainId: 31337n,
  number,
  hash,
  finalized,
});

const OWN: Origin = { fromServer: [], own: true };

describe("the headline", () => {
  it("is never good before the reader has vouched for policy, keys and trust", () => {
    const text = "Everything fits together, on the word of whoever gave policy, keys and trust";
    for (const { files, profile } of [...readCases(), { files: base, profile: null }]) {
      const outcome = verifyFiles(files, { profile });
      const found = headlineOf(outcome, Boolean(files.anchor), { fromServer: [], own: false });
      expect(found.tone).not.toBe("good");
      const vouched = headlineOf(outcome, Boolean(files.anchor), OWN);
      if (vouched.tone === "good") expect(found).toEqual({ tone: "warn", text });
      else expect(found).toEqual(vouched);
    }
    const own = verifyFiles(
      { ...base, trust: null },
      { trust, blocks: [word("the node", number)] },
    );
    expect(headlineOf(own, true, { fromServer: [], own: false })).toEqual({ tone: "warn", text });
  });

  it("calls a stream complete only when it was shown to be", () => {
    const { stream = {}, absent = {}, batch = {} } = readBases();
    expect(said(stream)).toBe("Verified: complete, signed, included and anchored");
    expect(said(absent)).toBe("Verified: complete, signed, included and anchored");
    expect(said(batch)).toBe("Verified: signed, included and anchored");
    expect(said({ ...stream, anchor: null })).toBe("Complete and included; not anchored yet");
    expect(said({ ...stream, stream: absent.stream ?? null })).toBe("Failed: completeness");
  });

  it("does not take the proof of another stream for the one asked about", () => {
    const { stream = {} } = readBases();
    const statusOf = (asked: Asked) => {
      const outcome = verifyFiles(stream, { asked });
      if (outcome.kind === "refused") throw new Error(outcome.detail);
      return [outcome.report.exitCode, verdictOf(outcome.report, "completeness").detail];
    };
    expect(statusOf({ tenantId: "acme", streamId: "order-0" })[0]).toBe(0);
    expect(statusOf({ streamId: "order-1" })).toEqual([1, "the proof is of stream order-0"]);
    expect(statusOf({ tenantId: "other" })).toEqual([1, "the proof is of tenant acme"]);
  });

  it("says verified only when all of it was, on the reader's own inputs", () => {
    expect(said(base)).toBe("Verified: signed, included and anchored");
    const own = { ...base, trust: null };
    expect(said(own, [], [word("the node of Wallet", number)])).toBe(
      "Verified: signed, included and anchored",
    );
  });

  it("names what it has from the server", () => {
    expect(said(base, ["policy", "keys", "trust"])).toBe(
      "Everything fits together; log key, event keys, and registry on this server's word",
    );
    expect(said({ ...base, trust: null }, [], [word(SERVER_SOURCE)])).toBe(
      "Everything fits together; block on this server's word",
    );
  });

  it("does not speak of the anchor before a block is trusted", () => {
    expect(said({ ...base, trust: null })).toBe("Included; anchor not checked yet");
    expect(said({ ...base, anchor: null })).toBe("Included; not anchored yet");
    const early = word("the node of Wallet", number - 1n);
    expect(said({ ...base, trust: null }, [], [early])).toBe("Included; anchor not checked yet");
  });

  it("names the checks that failed", () => {
    expect(said(spoil(base))).toBe("Failed: signature, inclusion");
    const wrong = { ...word("the node of Wallet"), hash: new Uint8Array(32) };
    expect(said({ ...base, trust: null }, [], [wrong])).toBe(
      "The node of Wallet has another block",
    );
    expect(said({ ...spoil(base), trust: null }, [], [wrong])).toBe(
      "Failed: signature, inclusion, anchor",
    );
    const chain = { ...word("the node of Wallet"), chainId: 1n };
    expect(said({ ...base, trust: null }, [], [chain])).toBe(
      "The node of Wallet serves another chain",
    );
    expect(said({ ...base, event: base.event.slice(1) })).toContain("Malformed");
    expect(said({ ...base, policy: null })).toBe(
      "Cannot be checked: no policy file: give --policy",
    );
  });

  it("never says verified where the command line does not", () => {
    for (const { name, files, profile, expected } of readCases()) {
      const outcome = verifyFiles(files, { profile });
      const { text, tone } = headlineOf(outcome, Boolean(files.anchor), OWN);
      if (expected.exit_code !== 0) expect([name, tone]).not.toEqual([name, "good"]);
      else expect([name, tone, text.length > 0]).toEqual([name, "good", true]);
    }
  });
});
