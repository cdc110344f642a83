import { useMemo, useState } from "react";
import type { BlockWitness } from "../../proof/confirm.ts";
import { type Outcome, type Part, type ProofFiles, verifyFiles } from "../../proof/files.ts";
import type { Trust } from "../../proof/trust.ts";
import { anchoredBlock } from "./blockSources.ts";
import { type Headline, headlineOf } from "./headline.ts";

export interface Verification {
  readonly outcome: Outcome;
  readonly headline: Headline;
  /** The anchor's block, while nobody has confirmed it. */
  readonly openBlock: bigint | null;
  readonly witness: (found: BlockWitness) => void;
}

/** Verify files whenever they or the words about their block change; all of it on this device. */
export function useVerification(
  files: ProofFiles,
  fromServer: readonly Part[],
  trust: Trust | null,
): Verification {
  const [said, setSaid] = useState<{ files: ProofFiles; blocks: readonly BlockWitness[] } | null>(
    null,
  );
  const blocks = said?.files === files ? said.blocks : NOBODY;
  const outcome = useMemo(() => verifyFiles(files, { blocks, trust }), [files, blocks, trust]);
  const headline = headlineOf(outcome, Boolean(files.anchor), fromServer);
  const anchor = outcome.kind === "report" ? outcome.report.verdicts.at(-1) : undefined;
  const openBlock = anchor?.status === "not-anchored" ? anchoredBlock(files.anchor) : null;
  const witness = (found: BlockWitness) => setSaid({ files, blocks: [found] });
  return { outcome, headline, openBlock, witness };
}

const NOBODY: readonly BlockWitness[] = [];
