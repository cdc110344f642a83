import { Link, useParams } from "react-router";
import type { Schemas } from "../../api/client.ts";
import { Card } from "../../components/Card.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Time } from "../../components/Time.tsx";
import { formatDecimal } from "../../format/decimal.ts";
import { ProofPanel } from "./ProofPanel.tsx";
import { useEvent } from "./queries.ts";
import { StreamLinks } from "./StreamLinks.tsx";

type LoggedEvent = Schemas["EventOut"];

/** One event: what it says, who said it, what came before and after, and its proof. */
export default function EventPage() {
  const { eventId = "" } = useParams();
  const event = useEvent(eventId);
  return (
    <>
      <PageHeader
        title={<span className="break-all">{event.data?.type ?? "Event"}</span>}
        lead={
          <Link className="link" to="/audit">
            All events
          </Link>
        }
      />
      <Loaded query={event} what="the event" lines={8}>
        {(found) => (
          <div className="grid gap-4 lg:grid-cols-2">
            <div className="min-w-0 space-y-4">
              <Particulars event={found} />
              <Card title="Payload">
                <pre className="text-xs break-all whitespace-pre-wrap">
                  {JSON.stringify(found.payload, null, 2)}
                </pre>
              </Card>
            </div>
            <Card title="Proof">
              <ProofPanel eventId={found.event_id} position={found.position} />
            </Card>
          </div>
        )}
      </Loaded>
    </>
  );
}

function Particulars({ event }: { event: LoggedEvent }) {
  return (
    <Card title="Event">
      <Facts
        items={[
          [
            "Entry",
            event.position === null ? "not in the log yet" : formatDecimal(String(event.position)),
          ],
          ["Event id", <Hash key="i" value={event.event_id} label="event id" full />],
          [
            "Actor",
            <span key="a" className="break-all">
              {event.actor}
            </span>,
          ],
          ["Effective", <Time key="e" value={event.effective_at} />],
          ["Recorded", <Time key="r" value={event.recorded_at} />],
          ["Stream", <StreamLinks key="s" event={event} />],
          ["Leaf hash", <Hash key="l" value={event.leaf_hash} label="leaf hash" full />],
          ["Correlation", <Id key="c" value={event.correlation_id} label="correlation id" />],
          ["Caused by", <Id key="u" value={event.causation_id} label="causation id" />],
        ]}
      />
    </Card>
  );
}

function Id({ value, label }: { value: string | null; label: string }) {
  return value === null ? (
    <span className="text-muted">–</span>
  ) : (
    <Hash value={value} label={label} full />
  );
}
