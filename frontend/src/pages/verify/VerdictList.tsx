import { StateWord } from "../../components/StateWord.tsx";
import type { Report, Verdict } from "../../proof/report.ts";
import { CLAIMS, STATUS_WORDS } from "./words.ts";

/** The verdicts, each on its own. */
export function VerdictList({ report }: { report: Report }) {
  return (
    <ol className="divide-y divide-line">
      {report.verdicts.map((verdict, at) => (
        <Row key={verdict.check} verdict={verdict} number={at + 1} />
      ))}
    </ol>
  );
}

function Row({ verdict, number }: { verdict: Verdict; number: number }) {
  const { word, tone } = STATUS_WORDS[verdict.status];
  return (
    <li
      data-check={verdict.check}
      data-status={verdict.status}
      className="flex flex-col gap-1 py-2 sm:flex-row sm:gap-3"
    >
      <span className="shrink-0 sm:w-28">
        <StateWord tone={tone}>{word}</StateWord>
      </span>
      <span className="min-w-0">
        <span className="block">
          {number}. {CLAIMS[verdict.check]}
        </span>
        <span className="block text-xs break-words text-muted">
          {verdict.check}: {verdict.detail}
        </span>
      </span>
    </li>
  );
}
