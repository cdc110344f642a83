import { useMemo, useState } from "react";
import type { BlockWitness } from "../../proof/confirm.ts";
import { type Outcome, type ProofFiles, verifyFiles } from "../../proof/files.ts";
import { verdictOf } from "../../proof/report.ts";
import type { Asked } from "../../proof/streamProof.ts";
import type { Trust } from "../../proof/trust.ts";
import { anchoredBlock } from "./blockSources.ts";
import { type Headline, headlineOf, type Origin } from "./headline.ts";

export interface Verification {
  readonly outcome: Outcome;
  readonly headline: Headline;
  /** The anchor's block, while nobody has confirmed it or somebody was asked. */
  readonly openBlock: bigint | null;
  readonly witness: (found: BlockWitness) => void;
}

type Said = { anchor: ProofFiles["anchor"]; blocks: readonly BlockWitness[] };

/** Verify files whenever they or the words about their block change; all of it on this device. */
export function useVerification(
  files: ProofFiles,
  origin: Origin,
  trust: Trust | null,
  { tenantId = null, streamId = null }: Asked = {},
): Verification {
  const { anchor = null } = files;
  const [said, setSaid] = useState<Said | null>(null);
  // Words about a block stay while the evidence of it does, whatever else is given or fetched anew.
  const blocks = said?.anchor === anchor ? said.blocks : NOBODY;
  const outcome = useMemo(
    () => verifyFiles(files, { blocks, trust, asked: { tenantId, streamId } }),
    [files, blocks, trust, tenantId, streamId],
  );
  const headline = headlineOf(outcome, Boolean(anchor), origin);
  const isUnanchored =
    outcome.kind === "report" && verdictOf(outcome.report, "anchor").status === "not-anchored";
  const isOpen = isUnanchored || blocks.length > 0;
  const openBlock = isOpen ? anchoredBlock(anchor) : null;
  const witness = (found: BlockWitness) => setSaid({ anchor, blocks: [found] });
  return { outcome, headline, openBlock, witness };
}

const NOBODY: readonly BlockWitness[] = [];
