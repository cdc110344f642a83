import { describe, expect, it } from "vitest";
import type { Account, Holding, NavDay } from "../../api/models.ts";
import { navSentence } from "./NavFigure.tsx";
import { daysOf, periodOf, periodStart } from "./periods.ts";
import { valuation } from "./valuation.ts";

const day = (on: string, value: string): NavDay => ({
  on,
  value,
  cash: "0",
  securities: value,
  cost: "0",
  unrealised: "0",
  inflow: "0",
  outflow: "0",
  day_return: null,
  accumulated_return: "0",
  stale_days: 0,
});

describe("periods", () => {
  it("begin at the end of the day before them", () => {
    expect(periodStart("1W", "2012-09-06")).toBe("2012-08-30");
    expect(periodStart("1M", "2012-09-06")).toBe("2012-08-06");
    expect(periodStart("YTD", "2012-09-06")).toBe("2011-12-31");
    expect(periodStart("1Y", "2012-09-06")).toBe("2011-09-06");
    expect(periodStart("Max", "2012-09-06")).toBeNull();
  });

  it("that a URL names wrongly are all there is", () => {
    expect(periodOf("1W")).toBe("1W");
    expect(periodOf("5Y")).toBe("Max");
    expect(periodOf(null)).toBe("Max");
  });

  it("cut the days, and give all of a portfolio that is younger", () => {
    const days = [day("2012-08-29", "1"), day("2012-08-30", "2"), day("2012-09-06", "3")];
    expect(daysOf("1W", days).days.map((each) => each.on)).toEqual(["2012-08-30", "2012-09-06"]);
    expect(daysOf("1W", days).first).toBe("2012-08-30");
    expect(daysOf("1Y", days)).toEqual({ days, first: null });
    expect(daysOf("1Y", [])).toEqual({ days: [], first: null });
  });
});

describe("the sentence of a curve", () => {
  it("names first, last, lowest and highest by value, not by text", () => {
    const days = [
      day("2012-08-31", "999.00"),
      day("2012-09-04", "1000973.5"),
      day("2012-09-06", "1000.00"),
    ];
    expect(navSentence(days, "USD")).toBe(
      "31 Aug 2012 to 6 Sep 2012: from 999.00 to 1,000.00 USD; lowest 999.00 on 31 Aug 2012, " +
        "highest 1,000,973.50 on 4 Sep 2012.",
    );
  });
});

const holding = (security: string, value: string | null, currency = "USD") =>
  ({ security_id: security, market_value: value, currency }) as Holding;
const account = (balance: string, currency = "USD") => ({ balance, currency }) as Account;

describe("weights", () => {
  it("are parts of securities and cash together, the largest first", () => {
    // Birch Partners after the demonstration's first day: 91,524 cash, 608,643 AAPL, 62,690 MSFT.
    const found = valuation(
      [holding("msft", "62690.00"), holding("aapl", "608643.00")],
      [account("91524.00")],
    );
    expect(found.total).toBe("762857");
    expect(found.parts.map((part) => [part.key, part.weight])).toEqual([
      ["aapl", "0.797847"],
      ["msft", "0.082178"],
      ["cash", "0.119975"],
    ]);
  });

  it("of one security in two accounts are added", () => {
    const found = valuation([holding("aapl", "1"), holding("aapl", "2")], [account("1")]);
    expect(found.parts[0]).toMatchObject({ key: "aapl", value: "3", weight: "0.75" });
  });

  it("are not told without a price or across currencies", () => {
    const unpriced = valuation([holding("aapl", null)], [account("1")]);
    expect(unpriced.total).toBeNull();
    expect(unpriced.parts.every((part) => part.weight === null)).toBe(true);
    expect(valuation([holding("asml", "5", "EUR")], [account("1")]).total).toBeNull();
  });
});
