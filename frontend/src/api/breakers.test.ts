import { describe, expect, it } from "vitest";
import { blockedBy, breakerFor } from "./breakers.ts";
import type { Breaker } from "./models.ts";

const breaker = (scope: string, state: Breaker["state"]): Breaker => ({
  scope,
  state,
  changed_at: "2012-08-31T20:05:01Z",
});

describe("a circuit breaker", () => {
  it("of the venue stops every security", () => {
    const found = breakerFor([breaker("venue", "open")], "aapl");
    expect(blockedBy(found)).toBe("The circuit breaker is open.");
  });

  it("of a security stops that one only", () => {
    const open = [breaker("venue", "closed"), breaker("aapl", "open")];
    expect(breakerFor(open, "aapl")?.scope).toBe("aapl");
    expect(breakerFor(open, "msft")).toBeNull();
  });

  it("that is closed, or not known yet, stops nothing", () => {
    expect(blockedBy(breakerFor([breaker("venue", "closed")], "aapl"))).toBeNull();
    expect(blockedBy(breakerFor(undefined, "aapl"))).toBeNull();
  });
});
