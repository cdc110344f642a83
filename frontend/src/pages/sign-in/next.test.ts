import { describe, expect, it } from "vitest";
import { safeNext } from "./next.ts";

describe("where to go after signing in", () => {
  it("is a path of this site", () => {
    expect(safeNext("/orders?state=filled")).toBe("/orders?state=filled");
    expect(safeNext(null)).toBe("/");
  });

  it("is never another site", () => {
    for (const next of [
      "//evil.example",
      "/\\evil.example",
      "/\t/evil.example",
      "/\n/evil.example",
      "/.//evil.example",
      "https://evil.example",
      "//[",
      "javascript:x",
    ]) {
      expect(safeNext(next), next).toBe("/");
    }
  });
});
