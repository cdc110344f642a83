import Big from "big.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatAmount,
  formatDecimal,
  formatPercent,
  isPositiveDecimal,
  minus,
  NotADecimal,
  normaliseInput,
  ratio,
  shift,
  sum,
  times,
} from "./decimal.ts";

/** Decimal strings as the API sends them: up to 30 digits, up to 18 of them decimals. */
const decimals = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.integer({ min: 0, max: 18 }))
  .map(([negative, digits, scale]) => {
    const text = digits.toString().padStart(scale + 1, "0");
    const point = text.length - scale;
    const plain = scale === 0 ? text : `${text.slice(0, point)}.${text.slice(point)}`;
    return negative && digits !== 0n ? `-${plain}` : plain;
  });

/** What a person reads, as a decimal string again. */
const readBack = (shown: string) => shown.replace("\u2212", "-").replaceAll(",", "");

describe("formatting a decimal string", () => {
  it("never changes its value", () => {
    fc.assert(
      fc.property(decimals, (value) => {
        expect(new Big(readBack(formatDecimal(value))).eq(value)).toBe(true);
        expect(new Big(readBack(formatAmount(value))).eq(value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("would change it as a number", () => {
    const value = "12345678901234567.89";
    expect(formatAmount(value)).toBe("12,345,678,901,234,567.89");
    expect(new Intl.NumberFormat("en-US").format(Number(value))).not.toContain(".89");
  });

  it("shows two decimals of money, and more where there are more", () => {
    expect(formatAmount("933476")).toBe("933,476.00");
    expect(formatAmount("665.240000")).toBe("665.24");
    expect(formatAmount("31.345")).toBe("31.345");
    expect(formatAmount("-1890.00")).toBe("\u22121,890.00");
    expect(formatAmount("1103", "exceptZero")).toBe("+1,103.00");
    expect(formatAmount("0", "exceptZero")).toBe("0.00");
  });

  it("refuses what is no plain decimal", () => {
    for (const text of ["", "1e5", "NaN", "1,000", ".5", "1.", "0x10", " 1"]) {
      expect(() => formatDecimal(text), text).toThrow(NotADecimal);
    }
  });
});

describe("percentages", () => {
  it("move the point, and round only what is shown", () => {
    expect(formatPercent("0.001103000000")).toBe("0.11\u00a0%");
    expect(formatPercent("-0.00005", 2, "exceptZero")).toBe("\u22120.01\u00a0%");
    expect(formatPercent("1")).toBe("100.00\u00a0%");
    expect(formatPercent("0.20", 0)).toBe("20\u00a0%");
  });

  it("shift like a multiplication by a power of ten", () => {
    fc.assert(
      fc.property(decimals, fc.integer({ min: 0, max: 6 }), (value, places) => {
        expect(
          new Big(shift(value, places)).eq(new Big(value).times(new Big(10).pow(places))),
        ).toBe(true);
      }),
    );
  });
});

describe("sums", () => {
  it("are exact where floating point is not", () => {
    expect(sum(["0.1", "0.2"])).toBe("0.3");
    expect(minus("751880.00", "554603")).toBe("197277");
    expect(times("100", "665.24")).toBe("66524");
    expect(sum([])).toBe("0");
  });

  it("of any order are the same", () => {
    fc.assert(
      fc.property(fc.array(decimals, { maxLength: 12 }), (values) => {
        expect(sum([...values].reverse())).toBe(sum(values));
      }),
    );
  });

  it("give no ratio to nothing", () => {
    expect(ratio("1", "0")).toBeNull();
    expect(ratio("1", "3")).toBe("0.333333");
  });
});

describe("typed numbers", () => {
  it("lose spaces and thousands commas, nothing else", () => {
    expect(normaliseInput(" 1,000 ")).toBe("1000");
    expect(normaliseInput("1 000.50")).toBe("1000.50");
    expect(normaliseInput("-12,345,678.9")).toBe("-12345678.9");
    expect(normaliseInput("12\u202f345")).toBe("12345");
    expect(normaliseInput("1e3")).toBe("1e3");
  });

  it("are left alone, and so refused, where the groups are not of three digits", () => {
    for (const text of [
      "12,50",
      "1,0000",
      "1 2",
      "1,000 000",
      "0,5",
      "1,000,00",
      ",500",
      "1000,5",
    ]) {
      expect(normaliseInput(text), text).toBe(text);
      expect(isPositiveDecimal(normaliseInput(text)), text).toBe(false);
    }
  });

  it("count only above zero", () => {
    expect(isPositiveDecimal("0.01")).toBe(true);
    for (const text of ["0", "0.00", "-1", "", "abc", "1e3"]) {
      expect(isPositiveDecimal(text), text).toBe(false);
    }
  });
});
