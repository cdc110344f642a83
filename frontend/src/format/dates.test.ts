import { describe, expect, it } from "vitest";
import { daysBefore, formatAge, formatDate, formatTime, monthsBefore } from "./dates.ts";

describe("dates", () => {
  it("are business dates, of no time zone", () => {
    expect(formatDate("2012-09-06")).toBe("6 Sep 2012");
    expect(formatTime("2012-08-31T20:05:01.813568Z")).toBe("31 Aug 2012, 20:05:01");
    expect(formatTime("2012-08-31T23:59:59+00:00")).toBe("31 Aug 2012, 23:59:59");
  });

  it("that cannot be read are shown as they came", () => {
    expect(formatDate("soon")).toBe("soon");
    expect(formatTime("soon")).toBe("soon");
  });

  it("go back over the ends of months and leap days", () => {
    expect(daysBefore("2012-03-01", 1)).toBe("2012-02-29");
    expect(daysBefore("2013-03-01", 1)).toBe("2013-02-28");
    expect(monthsBefore("2012-03-31", 1)).toBe("2012-02-29");
    expect(monthsBefore("2012-02-29", 12)).toBe("2011-02-28");
    expect(monthsBefore("2012-01-15", 1)).toBe("2011-12-15");
  });
});

describe("ages", () => {
  it("have two units at most and are never below zero", () => {
    const from = "2012-09-06T13:30:00Z";
    expect(formatAge(from, "2012-09-06T13:30:40Z")).toBe("40 s");
    expect(formatAge(from, "2012-09-06T13:42:10Z")).toBe("12 min");
    expect(formatAge(from, "2012-09-06T15:35:00Z")).toBe("2 h 5 min");
    expect(formatAge(from, "2012-09-09T17:30:00Z")).toBe("3 d 4 h");
    expect(formatAge(from, "2012-09-05T13:30:00Z")).toBe("0 s");
    expect(formatAge(from, "?")).toBe("unknown");
  });
});
