import { Link } from "react-router";
import type { Schemas } from "../../api/client.ts";
import { useStream } from "./queries.ts";
import { streamPath } from "./streamPath.ts";

type LoggedEvent = Schemas["EventOut"];

/** The stream, and its events before and after this one. */
export function StreamLinks({ event }: { event: LoggedEvent }) {
  const stream = useStream(event.stream_id).data?.items ?? [];
  const at = (version: number) => stream.find((each) => each.stream_version === version);
  const version = event.stream_version;
  return (
    <>
      <Link className="link break-all" to={`/audit?stream=${encodeURIComponent(event.stream_id)}`}>
        {event.stream_id}
      </Link>{" "}
      version {version}
      <span className="mt-1 flex flex-wrap gap-x-4">
        <Neighbour event={at(version - 1)} label="Previous" />
        <Neighbour event={at(version + 1)} label="Next" />
      </span>
      <Link className="link mt-1 inline-block min-h-6" to={streamPath(event.stream_id)}>
        Prove the stream complete
      </Link>
    </>
  );
}

function Neighbour({ event, label }: { event: LoggedEvent | undefined; label: string }) {
  if (event === undefined) return null;
  return (
    <Link className="link inline-block min-h-6 break-all" to={`/audit/events/${event.event_id}`}>
      {label}: {event.type}
    </Link>
  );
}
