import type { Check } from "../../api/models.ts";
import { checkInWords, checkName } from "./words.ts";

/** Compliance checks: passed or failed, and what was compared. */
export function Checks({ checks }: { checks: readonly Check[] }) {
  return (
    <ul className="space-y-1.5">
      {checks.map((check) => (
        <li key={check.name} className="flex gap-2">
          <span
            className={`w-12 shrink-0 text-xs leading-5 font-medium ${check.passed ? "text-good" : "text-bad"}`}
          >
            {check.passed ? "passed" : "failed"}
          </span>
          <span className="min-w-0">
            {checkName(check)}
            <span className="block text-xs break-words text-muted">{checkInWords(check)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
