// @vitest-environment node
import { describe, expect, it, vi } from "vitest";
import { parseAnchor } from "../../proof/anchor.ts";
import type { BlockWitness } from "../../proof/confirm.ts";
import { type Part, type ProofFiles, verifyFiles } from "../../proof/files.ts";
import { parseTrust } from "../../proof/trust.ts";
import { baseOf, readCases } from "../../proof/vectors.testing.ts";
import { SERVER_SOURCE } from "./blockSources.ts";
import { headlineOf } from "./headline.ts";
import { spoil } from "./sample.ts";

vi.setConfig({ testTimeout: 60_000 }); // hundreds of bundles, and a loaded machine

const base = baseOf("witnessed");
const trust = { ...parseTrust(base.trust), blocks: new Map() };
const { blockNumber: number, blockHash: hash } = parseAnchor(base.anchor);

function said(files: ProofFiles, fromServer: Part[] = [], blocks: BlockWitness[] = []): string {
  const outcome = verifyFiles(files, { blocks, trust });
  return headlineOf(outcome, Boolean(files.anchor), fromServer).text;
}

const word = (source: string, finalized: bigint | null = null): BlockWitness => ({
  source,
  chainId: 31337n,
  number,
  hash,
  finalized,
});

describe("the headline", () => {
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
    expect(said({ ...base, trust: null }, [], [wrong])).toBe("Failed: anchor");
    const chain = { ...word("the node of Wallet"), chainId: 1n };
    expect(said({ ...base, trust: null }, [], [chain])).toBe("Failed: anchor");
    expect(said({ ...base, event: base.event.slice(1) })).toContain("Malformed");
    expect(said({ ...base, policy: null })).toBe(
      "Cannot be checked: no policy file: give --policy",
    );
  });

  it("never says verified where the command line does not", () => {
    for (const { name, files, profile, expected } of readCases()) {
      const outcome = verifyFiles(files, { profile });
      const { text, tone } = headlineOf(outcome, Boolean(files.anchor), []);
      if (expected.exit_code !== 0) expect([name, tone]).not.toEqual([name, "good"]);
      else expect([name, tone, text.length > 0]).toEqual([name, "good", true]);
    }
  });
});
