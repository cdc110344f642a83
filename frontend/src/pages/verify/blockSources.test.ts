// @vitest-environment node
import { afterEach, describe, expect, it, vi } from "vitest";
import { baseOf } from "../../proof/vectors.testing.ts";
import type { Provider } from "../../wallet/eip1193.ts";
import {
  anchoredBlock,
  askServer,
  askWallet,
  BlockSourceError,
  readPastedHash,
} from "./blockSources.ts";

const HASH = `0x${"ab".repeat(32)}`;
const blockOf = (number: string) => ({ number, hash: HASH });

function wallet(answers: Record<string, unknown>): Provider {
  return {
    request: async ({ method, params }) => answers[`${method} ${params?.[0] ?? ""}`.trim()],
  };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the wallet's own node", () => {
  const good = {
    eth_chainId: "0x7a69",
    "eth_getBlockByNumber 0x30": blockOf("0x30"),
    "eth_getBlockByNumber finalized": blockOf("0x40"),
  };
  it("is asked for chain, block and finality", async () => {
    const found = await askWallet(wallet(good), "Fake", 48n);
    expect(found).toMatchObject({ source: "the node of Fake", chainId: 31337n, finalized: 64n });
    expect(found.hash).toHaveLength(32);
  });
  it.each([
    ["no such block", { "eth_getBlockByNumber 0x30": null }],
    ["no final block", { "eth_getBlockByNumber finalized": null }],
    ["a short hash", { "eth_getBlockByNumber 0x30": { number: "0x30", hash: "0xab" } }],
    ["a chain that is no number", { eth_chainId: 31337 }],
  ])("with %s is refused", async (_name, change) => {
    await expect(askWallet(wallet({ ...good, ...change }), "Fake", 48n)).rejects.toThrow(
      BlockSourceError,
    );
  });
});

describe("other sources", () => {
  it("a pasted hash may have spaces around and capitals", () => {
    expect(readPastedHash(` 0x${"AB".repeat(32)}\n`, 1n).hash).toHaveLength(32);
    for (const text of ["", "0x12", "ab".repeat(32), `0x${"zz".repeat(32)}`]) {
      expect(() => readPastedHash(text, 1n)).toThrow(BlockSourceError);
    }
  });
  it("the server says that it is not independent", async () => {
    vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ number: 1, hash: HASH })));
    expect((await askServer(1n)).source).toBe("this server (not independent)");
    vi.stubGlobal("fetch", async () => new Response("", { status: 503 }));
    await expect(askServer(1n)).rejects.toThrow("The server answered 503.");
  });
  it("the block is the one the evidence names", () => {
    const { anchor } = baseOf("witnessed");
    expect(anchoredBlock(anchor)).toBeGreaterThan(0n);
    expect(anchoredBlock(anchor.slice(1))).toBeNull();
    expect(anchoredBlock(null)).toBeNull();
  });
});
