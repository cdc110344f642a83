import { StateWord, type Tone } from "../../components/StateWord.tsx";
import type { Checked } from "./review.ts";

const TONES: Record<Checked["status"], Tone> = { pass: "good", fail: "bad", wait: "neutral" };

/** What was compared, and how it came out. */
export function CheckList({ checks }: { checks: readonly Checked[] }) {
  return (
    <ul className="space-y-2">
      {checks.map(({ name, status, detail }) => (
        <li key={name} data-status={status} className="flex gap-3">
          <span className="w-10 shrink-0">
            <StateWord tone={TONES[status]}>{status}</StateWord>
          </span>
          <span className="min-w-0">
            <span className="block">{name}</span>
            <span className="block text-xs break-words text-muted">{detail}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
