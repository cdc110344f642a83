import type { Branch, Step, Timeline } from "../../api/models.ts";
import { BRANCH_NAMES, reasonsInWords } from "./words.ts";

export type Row =
  | { kind: "step"; key: string; step: Step }
  | { kind: "branch"; key: string; label: string; words: string; branch: Branch };

/**
 * The timeline as rows from top to bottom: the steps in their order, and each branch below the
 * last step that was done when it happened. Repeated waits for one reason are one row.
 */
export function timelineRows(timeline: Timeline): readonly Row[] {
  const below = new Map<number, Branch[]>();
  for (const branch of withoutRepeats(timeline.branches)) {
    const place = placeOf(branch, timeline.steps);
    below.set(place, [...(below.get(place) ?? []), branch]);
  }
  return [
    ...(below.get(-1) ?? []).map(branchRow),
    ...timeline.steps.flatMap((step, index) => [
      { kind: "step", key: step.name, step } as const,
      ...(below.get(index) ?? []).map(branchRow),
    ]),
  ];
}

function placeOf(branch: Branch, steps: readonly Step[]): number {
  const at = Date.parse(branch.at);
  let place = -1;
  steps.forEach((step, index) => {
    if (step.at !== null && Date.parse(step.at) <= at) place = index;
  });
  return place;
}

function branchRow(branch: Branch): Row {
  const words = branch.kind === "pending" ? reasonsInWords(branch.detail) : branch.detail;
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  const key = [branch.kind, branch.at, branch.event_id, branch.detail].join("|");
  return { kind: "branch", key, label: BRANCH_NAMES[branch.kind], words: sentence, branch };
}

function withoutRepeats(branches: readonly Branch[]): readonly Branch[] {
  return branches.filter((branch, index) => {
    const before = branches[index - 1];
    const repeat = branch.kind === "pending" && before?.kind === "pending";
    return !(repeat && before.detail === branch.detail);
  });
}
