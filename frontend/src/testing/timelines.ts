import type { Branch, Step, Timeline } from "../api/models.ts";

const NAMES = [
  "instructed",
  "signed_seller",
  "signed_buyer",
  "matched",
  "submitted",
  "included",
  "safe",
  "final",
] as const;

/** For tests: a timeline of which the first `done` steps are done. */
export function timelineAt(done: number, more: Partial<Timeline> = {}): Timeline {
  const steps = NAMES.map((name, index): Step => {
    const state = index < done ? "done" : index === done ? "current" : "upcoming";
    const at = state === "done" ? `2012-09-06T13:30:0${index}Z` : null;
    const event_id = at === null ? null : `event-${index}`;
    return { name, state, at, event_id, position: at === null ? null : index, detail: null };
  });
  return {
    trade_id: "trade-1",
    outcome: done === NAMES.length ? "settled" : "under_way",
    steps,
    branches: [],
    attempt: done > 4 ? 1 : 0,
    last_error: null,
    next_retry_at: null,
    ...more,
  };
}

/** For tests: something that happened beside the steps. */
export function branchAt(kind: Branch["kind"], at: string, detail: string): Branch {
  return { kind, at, detail, event_id: null };
}
