// @vitest-environment node
import { describe, expect, it } from "vitest";
import { TypedDataInvalid } from "../../wallet/trade.ts";
import sentences from "../../wallet/vectors/sentences.json?raw";
import { type Consent, type Context, reviewConsent } from "./review.ts";
import { walletChecks } from "./walletChecks.ts";

const vectors = JSON.parse(sentences) as Record<string, Consent & { party: string }>;
const whole = vectors["whole, seller"] as Consent & { party: string };

const context: Context = {
  direction: "DELI",
  quantity: "100",
  amount: "66524.00",
  chainId: 31337,
  contract: "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0",
  wallets: [whole.party],
  now: "2012-09-03T12:00:00Z",
};

function failed(consent: Consent, where: Context): string[] {
  const { checks } = reviewConsent(consent, where);
  return checks.filter(({ status }) => status !== "pass").map(({ name }) => name);
}

describe("a consent that is what it seems", () => {
  it("passes every check", () => {
    expect(failed(whole, context)).toEqual([]);
    const review = reviewConsent(whole, context);
    expect(review.sentence).toBe(whole.sentence);
    expect(review.party).toBe(whole.party);
  });

  it("is the buyer's where the instruction receives", () => {
    const buyers = vectors["whole, buyer"] as Consent & { party: string };
    const where = { ...context, direction: "RECE", wallets: [buyers.party] };
    expect(failed(buyers, where)).toEqual([]);
  });
});

describe("one difference is enough to refuse", () => {
  const SAME = "Built here and sent by the server are the same";
  it.each<[string, Partial<Consent>, Partial<Context>, string]>([
    ["another sentence", { sentence: `${whole.sentence} ` }, {}, SAME],
    ["another digest", { digest: `0x${"00".repeat(32)}` }, {}, SAME],
    ["another struct hash", { struct_hash: `0x${"00".repeat(32)}` }, {}, SAME],
    ["another domain separator", { domain_separator: `0x${"00".repeat(32)}` }, {}, SAME],
    ["another chain", {}, { chainId: 1 }, "The chain is the platform's"],
    [
      "another contract",
      {},
      { contract: `0x${"11".repeat(20)}` },
      "The contract is the settlement contract",
    ],
    ["another party", {}, { wallets: [] }, "You are the party of the trade"],
    ["another quantity", {}, { quantity: "10" }, "The amounts are the instruction's"],
    ["another amount", {}, { amount: "66524.01" }, "The amounts are the instruction's"],
    ["past the deadline", {}, { now: "2012-09-10T00:00:01Z" }, "It can still settle in time"],
    ["no business time yet", {}, { now: null }, "It can still settle in time"],
  ])("%s", (_name, change, where, name) => {
    expect(failed({ ...whole, ...change }, { ...context, ...where })).toEqual([name]);
  });

  it("a trade that may settle in part", () => {
    const partial = vectors["partial, seller"] as Consent;
    expect(failed(partial, context)).toEqual(["All or nothing"]);
  });

  it("typed data of something else", () => {
    const consent = { ...whole, typed_data: { primaryType: "Permit" } };
    expect(() => reviewConsent(consent, context)).toThrow(TypedDataInvalid);
  });
});

describe("the window in words", () => {
  const last = (now: string) => reviewConsent(whole, { ...context, now }).checks.at(-1)?.detail;
  it("says when it opens and when it ends", () => {
    expect(last("2012-09-02T00:00:00Z")).toContain("opens in 1 d (2012-09-03 00:00:00 UTC)");
    expect(last("2012-09-09T23:00:00Z")).toContain("open, deadline in 1 h");
    expect(last("2012-09-10T00:00:00Z")).toContain("deadline in 0 s");
  });
});

describe("the wallet", () => {
  const { trade, domain } = reviewConsent(whole, context);
  const statuses = (account: string | null, chainId: bigint | null) =>
    walletChecks({ party: trade.seller, domain }, { account: account as never, chainId }).map(
      ({ status }) => status,
    );
  it("waits, passes or fails by account and by chain", () => {
    expect(statuses(null, null)).toEqual(["wait", "wait"]);
    expect(statuses(trade.seller.toLowerCase(), 31337n)).toEqual(["pass", "pass"]);
    expect(statuses(trade.buyer, 1n)).toEqual(["fail", "fail"]);
  });
});
