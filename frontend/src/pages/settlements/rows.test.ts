import { describe, expect, it } from "vitest";
import { branchAt, timelineAt } from "../../testing/timelines.ts";
import { timelineRows } from "./rows.ts";
import { reasonsInWords, stateWord } from "./words.ts";

const shown = (...parameters: Parameters<typeof timelineRows>) =>
  timelineRows(...parameters).map((row) => (row.kind === "step" ? row.step.name : row.label));

describe("the rows of a timeline", () => {
  it("are the eight steps in their order", () => {
    expect(shown(timelineAt(3))).toEqual([
      "instructed",
      "signed_seller",
      "signed_buyer",
      "matched",
      "submitted",
      "included",
      "safe",
      "final",
    ]);
  });

  it("put a branch below the last step done when it happened", () => {
    const branches = [
      branchAt("reorganised", "2012-09-06T13:30:05.500Z", "Block 35 left the chain."),
    ];
    const rows = shown(timelineAt(6, { branches }));
    expect(rows.slice(5, 8)).toEqual(["included", "Reorganised", "safe"]);
  });

  it("say why something waits in words, and once for the same reason", () => {
    const branches = [
      branchAt("pending", "2012-09-06T13:30:04Z", "NOT_YET_VALID"),
      branchAt("pending", "2012-09-06T13:30:05Z", "NOT_YET_VALID"),
      branchAt("pending", "2012-09-06T13:30:06Z", "BUYER_LACKS_CASH, HALTED"),
    ];
    const rows = timelineRows(timelineAt(4, { branches }));
    expect(rows.flatMap((row) => (row.kind === "branch" ? [row.words] : []))).toEqual([
      "The settlement date has not come",
      "The buyer's wallet lacks the cash; a circuit breaker is open",
    ]);
  });

  it("have keys of their own", () => {
    const twice = branchAt("replaced", "2012-09-06T13:30:04Z", "Sent again with higher fees.");
    const keys = timelineRows(timelineAt(5, { branches: [twice] })).map((row) => row.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("words", () => {
  it("show what is not known here as it is", () => {
    expect(stateWord("FINAL").word).toBe("Final");
    expect(stateWord("PARTLY_DONE").word).toBe("partly done");
    expect(reasonsInWords("CMON, NOT_YET_VALID")).toBe(
      "the counterparty lacks the cash, or has not allowed the transfer; the settlement date has not come",
    );
    expect(reasonsInWords("SOMETHING_NEW")).toBe("SOMETHING_NEW");
    expect(reasonsInWords("")).toBe("");
  });
});
