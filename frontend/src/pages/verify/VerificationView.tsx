import { classes } from "../../components/classes.ts";
import type { ProofFiles } from "../../proof/files.ts";
import { BlockCheck } from "./BlockCheck.tsx";
import { FactList } from "./FactList.tsx";
import { RawFiles } from "./RawFiles.tsx";
import type { Verification } from "./useVerification.ts";
import { VerdictList } from "./VerdictList.tsx";
import { completenessSentence } from "./words.ts";

const TONES = {
  good: "border-good/40 bg-accent-soft text-good",
  warn: "border-warn/40 bg-warn-soft text-warn",
  bad: "border-bad/40 bg-bad-soft text-bad",
};

/** The headline, the verdicts behind it, and what remains to be checked. */
export function VerificationView({ found, files }: { found: Verification; files: ProofFiles }) {
  const { outcome, headline, openBlock, witness } = found;
  const complete = outcome.kind === "report" ? completenessSentence(outcome.report) : null;
  const origin = outcome.kind === "report" ? outcome.report.facts.origin : undefined;
  return (
    <div className="space-y-3">
      <p
        role="status"
        data-headline
        className={classes("rounded-md border px-3 py-2 font-semibold", TONES[headline.tone])}
      >
        {headline.text}
      </p>
      {origin === undefined ? null : (
        <p className="break-words">
          The proof names the log <code data-origin>{origin}</code>.
        </p>
      )}
      {complete === null ? null : (
        <p className="break-words" data-complete>
          {complete}
        </p>
      )}
      {outcome.kind === "report" ? <VerdictList report={outcome.report} /> : null}
      {openBlock === null ? null : <BlockCheck block={openBlock} onWitness={witness} />}
      {outcome.kind === "report" && outcome.report.ignoredSignatures > 0 ? (
        <p className="text-xs text-muted">
          {outcome.report.ignoredSignatures} signature lines by unknown keys were not looked at.
        </p>
      ) : null}
      {outcome.kind === "report" ? (
        <details>
          <summary className="min-h-6">What the bytes say</summary>
          <div className="pt-2">
            <FactList facts={outcome.report.facts} />
          </div>
        </details>
      ) : null}
      <RawFiles files={files} />
    </div>
  );
}
