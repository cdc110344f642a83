import { api, unwrap } from "../../api/client.ts";
import { toLatin1 } from "../../proof/bytes.ts";
import type { ProofFiles } from "../../proof/files.ts";
import { IntakeError, proofDocumentFiles } from "./bundleFiles.ts";

const RECORDED = '"recorded_at":"';
const TIME_LENGTH = "2012-09-06T13:30:02.000000".length;

/** The bundle of the newest event of one's own that an anchor covers, else of the newest. */
export async function fetchSample(): Promise<ProofFiles> {
  const { anchored_size } = await unwrap(api.GET("/api/v1/log"));
  const query = { limit: 100, order: "desc" as const };
  const { items } = await unwrap(api.GET("/api/v1/events", { params: { query } }));
  const published = items.filter((event) => event.position !== null);
  const chosen = published.find((event) => (event.position ?? 0) < anchored_size) ?? published[0];
  if (chosen === undefined) throw new IntakeError("The log holds no event of yours yet.");
  return proofDocumentFiles(await fetchProof(chosen.event_id));
}

/** An event's proof bundle, as the API gives it. */
export function fetchProof(eventId: string) {
  const path = { event_id: eventId };
  return unwrap(api.GET("/api/v1/events/{event_id}/proof", { params: { path } }));
}

/** The same bundle with one byte of the event changed: the last digit of its recording time. */
export function spoil(files: ProofFiles): ProofFiles {
  const event = files.event?.slice();
  const start = event ? toLatin1(event).indexOf(RECORDED) : -1;
  if (!event || start < 0) throw new IntakeError("The sample has no recording time to change.");
  const at = start + RECORDED.length + TIME_LENGTH - 1;
  event[at] = (event[at] as number) ^ 1; // of a digit this makes its neighbour
  return { ...files, event };
}
