import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { branchAt, timelineAt } from "../testing/timelines.ts";
import { furthest } from "./furthest.ts";
import type { Step, Timeline } from "./models.ts";

const doneSteps = (timeline: Timeline) =>
  timeline.steps.filter((step) => step.state === "done").map((step) => step.name);

const RANK: Record<Step["state"], number> = {
  upcoming: 0,
  current: 1,
  skipped: 2,
  failed: 3,
  done: 4,
};

/** A trade's whole history as the answers one would get, each later than the one before. */
const histories = fc.integer({ min: 2, max: 8 }).chain((last) =>
  fc.array(fc.boolean(), { minLength: last + 1, maxLength: last + 1 }).map((reorganised) => {
    const branches: Timeline["branches"] = [];
    return reorganised.map((left, done) => {
      if (left)
        branches.push(branchAt("reorganised", `2012-09-06T14:00:0${done}Z`, `Block ${done}`));
      return timelineAt(done, { branches: [...branches] });
    });
  }),
);

describe("answers about one trade", () => {
  it("that come in any order never take a step back, and end at the newest", () => {
    fc.assert(
      fc.property(
        histories.chain((history) =>
          fc.tuple(
            fc.constant(history),
            fc.shuffledSubarray(history, { minLength: history.length }),
          ),
        ),
        ([history, received]) => {
          let shown = received[0] as Timeline;
          for (const next of received.slice(1)) {
            const merged = furthest(shown, next).timeline;
            merged.steps.forEach((step, index) => {
              const before = shown.steps[index] as Step;
              expect(RANK[step.state]).toBeGreaterThanOrEqual(RANK[before.state]);
            });
            shown = merged;
          }
          expect(shown).toEqual(history.at(-1));
        },
      ),
    );
  });

  it("that are older change nothing", () => {
    const now = timelineAt(6, { last_error: null });
    const merged = furthest(now, timelineAt(4, { last_error: "The node did not answer." }));
    expect(merged).toEqual({ older: true, timeline: now });
  });

  it("that say the same as before replace what may change without a step", () => {
    const before = timelineAt(4, { last_error: "The node did not answer." });
    const merged = furthest(before, timelineAt(4));
    expect(merged.older).toBe(false);
    expect(merged.timeline.last_error).toBeNull();
  });

  it("keep a step done through a reorganisation, with its branch", () => {
    const branches = [branchAt("reorganised", "2012-09-06T14:00:00Z", "Block 35 left the chain.")];
    const merged = furthest(timelineAt(6), timelineAt(6, { branches })).timeline;
    expect(doneSteps(merged)).toContain("included");
    expect(merged.branches).toEqual(branches);
  });

  it("of another trade are not mixed", () => {
    const other = timelineAt(1, { trade_id: "trade-2" });
    expect(furthest(timelineAt(6), other)).toEqual({ older: false, timeline: other });
  });
});
