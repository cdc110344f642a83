import type { Tone } from "../../components/StateWord.tsx";

interface AnchorState {
  readonly state: string;
  readonly block_number: number | null;
}

interface Word {
  readonly word: string;
  readonly tone: Tone;
}

const WORDS: Readonly<Record<string, Word>> = {
  FINAL: { word: "finalized", tone: "good" },
  INCLUDED: { word: "included", tone: "accent" },
  SUBMITTED: { word: "submitted", tone: "neutral" },
};

/** How far an anchor has come, in one word; an included one is safe once the chain's safe head is. */
export function anchorWord({ state, block_number }: AnchorState, safe: number | null): Word {
  const isSafe = block_number !== null && safe !== null && block_number <= safe;
  if (state === "INCLUDED" && isSafe) return { word: "safe", tone: "accent" };
  return WORDS[state] ?? { word: state.toLowerCase(), tone: "neutral" };
}
