import { describe, expect, it } from "vitest";
import { affectedBy, distinct, everythingLive } from "./affected.ts";

const names = (type: string) => affectedBy(type).map((key) => String(key[0]));

describe("an event", () => {
  it("asks again for what it changes", () => {
    expect(names("order.filled")).toEqual(expect.arrayContaining(["orders", "books", "events"]));
    expect(names("settlement.included")).toEqual(
      expect.arrayContaining(["settlements", "instructions", "timeline"]),
    );
    expect(names("account.trade_booked")).toEqual(expect.arrayContaining(["holdings", "nav"]));
    expect(names("anchor.finalised")).toEqual(expect.arrayContaining(["anchors", "log"]));
  });

  it("asks for nothing else", () => {
    expect(names("order.filled")).not.toContain("nav");
    expect(names("settlement.included")).not.toContain("orders");
    expect(names("breaker.tripped")).not.toContain("holdings");
  });

  it("of a kind that is new here still belongs in the list of events", () => {
    expect(affectedBy("something.new")).toEqual([["events"]]);
    expect(affectedBy("")).toEqual([["events"]]);
  });
});

describe("polling", () => {
  it("asks for each key once", () => {
    const all = everythingLive();
    expect(distinct(all)).toHaveLength(all.length);
    expect(all.length).toBeGreaterThan(10);
  });
});
