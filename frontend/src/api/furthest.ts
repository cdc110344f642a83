import type { Branch, Step, Timeline } from "./models.ts";

const RANK: Record<Step["state"], number> = {
  upcoming: 0,
  current: 1,
  skipped: 2,
  failed: 3,
  done: 4,
};

interface Merged {
  timeline: Timeline;
  /** The second answer was read before the first: only the first one's facts hold. */
  older: boolean;
}

/**
 * Two answers about one trade as one timeline that never goes back.
 *
 * Answers can arrive out of order: a slow request, a second tab's proxy. A step keeps the furthest
 * state that any answer gave it, branches are kept, and what an older answer says beside is not used.
 */
export function furthest(previous: Timeline, next: Timeline): Merged {
  if (previous.trade_id !== next.trade_id) return { timeline: next, older: false };
  const older = isOlder(previous, next);
  const newest = older ? previous : next;
  const steps = next.steps.map((step) => {
    const before = previous.steps.find((each) => each.name === step.name);
    if (before === undefined) return step;
    if (RANK[before.state] === RANK[step.state]) return older ? before : step;
    return RANK[before.state] > RANK[step.state] ? before : step;
  });
  const ended = previous.outcome === "under_way" ? next.outcome : previous.outcome;
  return {
    older,
    timeline: {
      ...newest,
      outcome: ended,
      attempt: Math.max(previous.attempt, next.attempt),
      steps,
      branches: joined(previous.branches, next.branches),
    },
  };
}

/** Whether `next` knows less than `previous` in some way, and more in none. */
function isOlder(previous: Timeline, next: Timeline): boolean {
  const before = progress(previous);
  const after = progress(next);
  return (
    after.some((value, index) => value < (before[index] ?? 0)) &&
    after.every((value, index) => value <= (before[index] ?? 0))
  );
}

/** Everything about a trade that only ever grows. */
function progress(timeline: Timeline): number[] {
  return [
    timeline.outcome === "under_way" ? 0 : 1,
    timeline.attempt,
    timeline.branches.length,
    ...timeline.steps.map((step) => RANK[step.state]),
  ];
}

function joined(previous: readonly Branch[], next: readonly Branch[]): Branch[] {
  const all = new Map<string, Branch>();
  for (const each of [...previous, ...next]) {
    all.set([each.kind, each.at, each.event_id, each.detail].join("|"), each);
  }
  return [...all.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
