import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import type { Schemas } from "../../api/client.ts";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { formatDecimal } from "../../format/decimal.ts";
import { EventFilters } from "./EventFilters.tsx";
import { ProofPanel } from "./ProofPanel.tsx";
import { useEvents } from "./queries.ts";

type LoggedEvent = Schemas["EventOut"];

/** The caller's events, the newest first, each with its proof one click away. */
export function EventsCard() {
  const [parameters, setParameters] = useSearchParams();
  const filter = { type: parameters.get("type") ?? "", stream: parameters.get("stream") ?? "" };
  const events = useEvents(filter);
  const [proven, setProven] = useState<LoggedEvent | null>(null);
  const isFiltered = filter.type !== "" || filter.stream !== "";
  return (
    <Card title="Events" flush>
      <EventFilters
        filter={filter}
        onChange={(next) => setParameters(compact(next), { replace: true })}
      />
      <Loaded query={events} what="the events" lines={8}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.items);
          if (rows.length === 0) return <Nothing isFiltered={isFiltered} />;
          return (
            <Table
              caption="Your events, the newest first"
              columns={columnsFor(setProven)}
              rows={rows}
              rowKey={(row) => row.event_id}
            />
          );
        }}
      </Loaded>
      <LoadMore query={events} />
      <Dialog
        open={proven !== null}
        title={`Proof of ${proven?.type ?? ""}`}
        onClose={() => setProven(null)}
      >
        {proven ? <ProofPanel eventId={proven.event_id} position={proven.position} /> : null}
        <div className="mt-4 text-right">
          <Button onClick={() => setProven(null)}>Close</Button>
        </div>
      </Dialog>
    </Card>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <EmptyState title="No event is like this">Change or clear the filter.</EmptyState>
  ) : (
    <EmptyState title="No events yet">
      Every order, trade and settlement of yours will stand here, each with its proof.
    </EmptyState>
  );
}

function columnsFor(prove: (event: LoggedEvent) => void): Column<LoggedEvent>[] {
  return [
    {
      key: "position",
      header: "Entry",
      number: true,
      cell: ({ position }) => (position === null ? "–" : formatDecimal(String(position))),
    },
    {
      key: "type",
      header: "Type",
      cell: ({ event_id, type }) => (
        <Link className="link break-all" to={`/audit/events/${event_id}`}>
          {type}
        </Link>
      ),
    },
    {
      key: "stream",
      header: "Stream",
      from: "md",
      cell: ({ stream_id }) => (
        <Link className="link break-all" to={`/audit?stream=${encodeURIComponent(stream_id)}`}>
          {stream_id}
        </Link>
      ),
    },
    {
      key: "time",
      header: "Effective",
      from: "sm",
      cell: ({ effective_at }) => <Time value={effective_at} />,
    },
    {
      key: "proof",
      header: "Proof",
      cell: (event) => (
        <Button
          aria-label={`Proof of ${event.type}, entry ${event.position ?? "not in the log yet"}`}
          onClick={() => prove(event)}
        >
          Proof
        </Button>
      ),
    },
  ];
}

function compact({ type, stream }: { type: string; stream: string }): Record<string, string> {
  return { ...(type === "" ? {} : { type }), ...(stream === "" ? {} : { stream }) };
}
