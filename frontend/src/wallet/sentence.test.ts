// @vitest-environment node
import { hashTypedData } from "viem";
import { describe, expect, it } from "vitest";
import { hashTrade } from "./hashes.ts";
import { plainSentence, readLabels } from "./sentence.ts";
import { parseTypedData, TRADE_MEMBERS, TypedDataInvalid } from "./trade.ts";
import sentences from "./vectors/sentences.json?raw";

interface Vector {
  party: string;
  sentence: string;
  tokens: unknown[];
  typed_data: Record<string, never> & { message: Record<string, string> };
  domain_separator: string;
  struct_hash: string;
  digest: string;
}

const vectors: Record<string, Vector> = JSON.parse(sentences);
const home = vectors["whole, seller"] as Vector;

function sentenceOf(vector: Vector): string {
  const { trade, domain } = parseTypedData(vector.typed_data);
  return plainSentence(trade, domain, vector.party, readLabels(vector.tokens));
}

describe.each(Object.entries(vectors))("%s", (_name, vector) => {
  it("gives the sentence that the platform gives", () => {
    expect(sentenceOf(vector)).toBe(vector.sentence);
  });

  it("has the hashes that the platform and viem compute", () => {
    const { trade, domain } = parseTypedData(vector.typed_data);
    const { domainSeparator, structHash, digest } = hashTrade(trade, domain);
    expect(domainSeparator).toBe(vector.domain_separator);
    expect(structHash).toBe(vector.struct_hash);
    expect(digest).toBe(vector.digest);
    const { EIP712Domain: _domain, ...types } = vector.typed_data.types as unknown as object & {
      EIP712Domain: unknown;
    };
    expect(hashTypedData({ ...vector.typed_data, types } as never)).toBe(digest);
  });
});

describe("every term that is signed is in the sentence or in the digest", () => {
  it.each(TRADE_MEMBERS.map(({ name, type }) => [name, type]))("%s", (name, type) => {
    const other = type === "address" ? `0x${"11".repeat(20)}` : "4242";
    const message = { ...home.typed_data.message, [name]: other };
    const changed = { ...home.typed_data, message };
    const before = parseTypedData(home.typed_data);
    const { trade, domain } = parseTypedData(changed);
    expect(hashTrade(trade, domain).digest).not.toBe(hashTrade(before.trade, domain).digest);
    // What the seller is told: all but the least partial fill and, as "you", its own account.
    if (name === "minAssetAmount" || name === "seller") return;
    const labels = readLabels(home.tokens);
    expect(plainSentence(trade, domain, home.party, labels)).not.toBe(home.sentence);
  });
});

describe("typed data of another shape is refused", () => {
  const whole = home.typed_data as unknown as Record<string, Record<string, unknown>>;
  const withMessage = (change: object) => ({ ...whole, message: { ...whole.message, ...change } });
  const withDomain = (change: object) => ({ ...whole, domain: { ...whole.domain, ...change } });
  it.each<[string, unknown]>([
    ["nothing", null],
    ["a list", []],
    ["another primary type", { ...whole, primaryType: "Permit" }],
    ["another application", withDomain({ name: "Tallystick" })],
    ["another version", withDomain({ version: "2" })],
    ["a domain with a salt", withDomain({ salt: "0x00" })],
    ["a member more", withMessage({ note: "x" })],
    ["a whole member more", { ...whole, note: "x" }],
    ["a negative number", withMessage({ assetAmount: "-1" })],
    ["a fraction", withMessage({ assetAmount: 1.5 })],
    ["a number with a zero", withMessage({ assetAmount: "01" })],
    ["a hexadecimal number", withMessage({ assetAmount: "0x10" })],
    ["a number beyond uint256", withMessage({ assetAmount: String(2n ** 256n) })],
    ["a time beyond uint64", withMessage({ deadline: String(2n ** 64n) })],
    ["a short address", withMessage({ seller: "0x00" })],
    ["no types", { ...whole, types: {} }],
    ["types in another order", { ...whole, types: { ...whole.types, Trade: [] } }],
  ])("%s", (_name, document) => {
    expect(() => parseTypedData(document)).toThrow(TypedDataInvalid);
  });
  it("a stranger is no party", () => {
    expect(() => sentenceOf({ ...home, party: `0x${"11".repeat(20)}` })).toThrow(TypedDataInvalid);
  });
  it.each(["", "USD (token 0x1)", "US\u200bD", "U\nD", "\u202eDSU", "Ａ", "x".repeat(33), 5])(
    "a symbol that could pass for more than a symbol (%#)",
    (symbol) => {
      const label = { address: "0x", symbol, decimals: 2 };
      expect(() => readLabels([label])).toThrow(TypedDataInvalid);
      expect(readLabels([{ ...label, symbol: "BRK.B" }])).toHaveLength(1);
    },
  );

  it("labels that cannot be read", () => {
    for (const decimals of [-1, 37, 1.5, "6", undefined]) {
      expect(() => readLabels([{ address: "0x", symbol: "USD", decimals }])).toThrow(
        TypedDataInvalid,
      );
    }
  });
});
