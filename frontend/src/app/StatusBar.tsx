import type { ReactNode } from "react";
import type { Status } from "../api/models.ts";
import { useStatus } from "../api/queries/platform.ts";
import { classes } from "../components/classes.ts";
import { formatDate, formatSeconds, formatTime } from "../format/dates.ts";
import { formatDecimal } from "../format/decimal.ts";
import type { StreamState } from "../live/stream.ts";
import { type Connection, useConnection } from "./connection.ts";

const DOT = { good: "bg-good", warn: "bg-warn", bad: "bg-bad", neutral: "bg-line-strong" };

/** Business date, chain, log and connection: always in sight, folded on small screens. */
export function StatusBar({ stream }: { stream: StreamState }) {
  const status = useStatus().data;
  const connection = useConnection(stream);
  return (
    <div className="flex min-w-0 flex-1 items-center gap-x-5 text-xs">
      <div className="hidden items-center gap-x-5 md:flex">
        <Figures status={status} />
      </div>
      <button
        type="button"
        popoverTarget="status-details"
        className="flex min-h-9 items-center gap-1.5 rounded-md px-2 hover:bg-raised"
      >
        <ConnectionWord connection={connection} />
        {status ? <span className="num text-muted md:hidden">{formatDate(status.now)}</span> : null}
      </button>
      <div
        id="status-details"
        popover="auto"
        className="menu w-72 rounded-lg border border-line bg-surface p-4 text-ink shadow-lg"
      >
        <Details status={status} connection={connection} />
      </div>
    </div>
  );
}

function ConnectionWord({ connection }: { connection: Connection }) {
  return (
    <>
      <span aria-hidden="true" className={classes("size-2 rounded-full", DOT[connection.tone])} />
      <span role="status">{connection.word}</span>
    </>
  );
}

function Figures({ status }: { status: Status | undefined }) {
  if (!status) return <span className="text-muted">Loading the status…</span>;
  const { chain, log } = status;
  return (
    <>
      <Figure name="Business date">{formatDate(status.now)}</Figure>
      <Figure name="Block">
        {chain.answering ? (
          <>
            {height(chain.head)}
            <span className="hidden text-muted xl:inline">
              {" "}
              · safe {height(chain.safe)} · final {height(chain.finalized)}
            </span>
          </>
        ) : (
          <span className="text-bad">no answer</span>
        )}
      </Figure>
      <Figure name="Log">
        {count(log.size)}
        <span className="hidden text-muted xl:inline"> · anchored {count(log.anchored_size)}</span>
      </Figure>
    </>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <span className="num">
      <span className="text-muted">{name} </span>
      {children}
    </span>
  );
}

function Details({ status, connection }: { status: Status | undefined; connection: Connection }) {
  const waiting = status?.sequencer.waiting_seconds;
  return (
    <dl className="space-y-2">
      <Detail name="Connection">
        {connection.word}. {connection.detail}
      </Detail>
      {status ? (
        <>
          <Detail name="Business time (UTC)">{formatTime(status.now)}</Detail>
          <Detail name="Chain">
            {status.chain.answering
              ? `Block ${height(status.chain.head)}, safe ${height(status.chain.safe)}, final ${height(status.chain.finalized)}`
              : (status.chain.detail ?? "The node does not answer.")}
          </Detail>
          <Detail name="Log">
            {count(status.log.size)} events, {count(status.log.anchored_size)} anchored
          </Detail>
          <Detail name="Sequencer">
            {waiting == null
              ? "Nothing waits for a place in the log."
              : `An event has waited ${formatSeconds(Math.round(Number(waiting)))} for its place.`}
          </Detail>
        </>
      ) : null}
    </dl>
  );
}

function Detail({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="text-sm">{children}</dd>
    </div>
  );
}

function height(block: { number: number } | null | undefined): string {
  return block ? count(block.number) : "none";
}

const count = (value: number) => formatDecimal(String(value));
