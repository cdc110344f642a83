import { Link } from "react-router";
import type { Step, Timeline } from "../../api/models.ts";
import { classes } from "../../components/classes.ts";
import { StateWord } from "../../components/StateWord.tsx";
import { Time } from "../../components/Time.tsx";
import { shortenHex } from "../../format/shorten.ts";
import { type Row, timelineRows } from "./rows.ts";
import { STEP_MEANS, STEP_NAMES, STEP_STATES } from "./words.ts";

/** The way of a trade, one step a line, with what happened beside it. */
export function TimelineList({ timeline }: { timeline: Timeline }) {
  const rows = timelineRows(timeline);
  return (
    <ol>
      {rows.map((row, index) => (
        <li key={row.key} className="relative flex gap-3 pb-4 last:pb-0">
          {index < rows.length - 1 ? (
            <span
              aria-hidden="true"
              className={classes(
                "absolute bottom-0 left-[9px] w-px",
                row.kind === "step" ? "top-5" : "top-0",
                passed(row) ? "bg-accent" : "bg-line-strong/50",
              )}
            />
          ) : null}
          {row.kind === "step" ? <StepRow step={row.step} /> : <BranchRow row={row} />}
        </li>
      ))}
    </ol>
  );
}

function passed(row: Row): boolean {
  return row.kind === "branch" || row.step.state === "done";
}

function StepRow({ step }: { step: Step }) {
  const waiting = step.state === "upcoming" || step.state === "skipped";
  return (
    <>
      <Marker state={step.state} />
      <div className="min-w-0 flex-1 sm:flex sm:justify-between sm:gap-4">
        <div className="min-w-0">
          <p className={classes("font-medium", waiting && "text-muted")}>
            {STEP_NAMES[step.name]}
            {step.state === "done" ? (
              <span className="sr-only">, done</span>
            ) : (
              <span className={classes("ml-2 text-xs font-normal", wordTint(step.state))}>
                {STEP_STATES[step.state]}
              </span>
            )}
          </p>
          <p className="text-xs break-words text-muted" title={step.detail ?? undefined}>
            {step.detail === null ? STEP_MEANS[step.name] : shortenHex(step.detail)}
          </p>
        </div>
        <When at={step.at} eventId={step.event_id} position={step.position} />
      </div>
    </>
  );
}

function BranchRow({ row }: { row: Extract<Row, { kind: "branch" }> }) {
  return (
    <>
      <span aria-hidden="true" className="relative grid w-5 shrink-0 place-items-center">
        <span className="size-2 rounded-full bg-warn" />
      </span>
      <div className="min-w-0 flex-1 rounded-md border border-line px-3 py-1.5 sm:flex sm:justify-between sm:gap-4">
        <p className="min-w-0 break-words">
          <StateWord tone="warn">{row.label}</StateWord> <span>{row.words}</span>
        </p>
        <When at={row.branch.at} eventId={row.branch.event_id} position={null} />
      </div>
    </>
  );
}

interface WhenProps {
  at: string | null;
  eventId: string | null;
  position: number | null;
}

function When({ at, eventId, position }: WhenProps) {
  if (at === null) return null;
  return (
    <p className="shrink-0 text-xs text-muted sm:text-right">
      <Time value={at} />
      {eventId ? (
        <>
          <span className="sm:hidden"> · </span>
          <Link to={`/audit/events/${eventId}`} className="link sm:block">
            {position === null ? "Event" : `Event ${position}`}
          </Link>
        </>
      ) : null}
    </p>
  );
}

function wordTint(state: Step["state"]): string {
  return {
    done: "",
    current: "text-accent",
    upcoming: "text-muted",
    failed: "text-bad",
    skipped: "text-muted",
  }[state];
}

function Marker({ state }: { state: Step["state"] }) {
  return (
    <svg viewBox="0 0 20 20" className="relative mt-0.5 size-5 shrink-0" aria-hidden="true">
      {state === "done" ? (
        <>
          <circle cx="10" cy="10" r="9" fill="var(--accent)" />
          <path d="m6 10.500 2.700 2.700L14 7.500" stroke="var(--accent-ink)" {...STROKE} />
        </>
      ) : null}
      {state === "current" ? (
        <>
          <circle cx="10" cy="10" r="8" stroke="var(--accent)" {...STROKE} />
          <circle
            cx="10"
            cy="10"
            r="4"
            fill="var(--accent)"
            className="motion-safe:animate-pulse"
          />
        </>
      ) : null}
      {state === "failed" ? (
        <>
          <circle cx="10" cy="10" r="9" fill="var(--bad)" />
          <path d="m7 7 6 6m0-6-6 6" stroke="var(--surface)" {...STROKE} />
        </>
      ) : null}
      {state === "upcoming" || state === "skipped" ? (
        <circle
          cx="10"
          cy="10"
          r="8"
          stroke="var(--line-strong)"
          strokeDasharray={state === "skipped" ? "3 3" : undefined}
          fill="none"
        />
      ) : null}
    </svg>
  );
}

const STROKE = { fill: "none", strokeWidth: 2, strokeLinecap: "round" } as const;
