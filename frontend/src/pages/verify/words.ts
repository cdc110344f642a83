import type { Tone } from "../../components/StateWord.tsx";
import type { Check, Report, Status } from "../../proof/report.ts";

/** What each check asks, as a statement that passes or fails. */
export const CLAIMS: Record<Check, string> = {
  entry: "The event is readable, to the byte, and of this log",
  signature: "An event key of the log signed it",
  inclusion: "It stands at its place in the log's tree",
  checkpoint: "The log signed the head of that tree",
  witnesses: "Witnesses signed the head as the policy asks",
  anchor: "The registry on chain holds this head",
  completeness: "No event of the stream is missing, as the log's index commits",
  personal: "Personal data shown is what was committed to; what is erased is named",
};

export const STATUS_WORDS: Record<Status, { readonly word: string; readonly tone: Tone }> = {
  ok: { word: "pass", tone: "good" },
  failed: { word: "fail", tone: "bad" },
  malformed: { word: "malformed", tone: "bad" },
  "not-met": { word: "not met", tone: "warn" },
  "not-anchored": { word: "not checked", tone: "warn" },
  "not-checked": { word: "not checked", tone: "neutral" },
};

/** Names of facts for people. */
export const FACT_NAMES: Record<string, string> = {
  origin: "Log",
  size: "Tree size",
  root: "Root",
  index: "Entry",
  leaf_hash: "Leaf hash",
  witnesses: "Witnesses",
  event_id: "Event id",
  type: "Type",
  stream: "Stream",
  recorded_at: "Recorded",
  chain_id: "Chain",
  registry: "Registry",
  block_number: "Block",
  block_hash: "Block hash",
  anchored_at: "Anchored",
  entries: "Entries",
  first_index: "First entry",
  last_index: "Last entry",
  tenant: "Tenant",
  count: "Events of the stream",
  index_size: "Entries covered by the index",
  index_position: "Index event at entry",
};

/** What a stream proof says for people; null where completeness is not shown. */
export function completenessSentence({ verdicts, facts }: Report): string | null {
  const verdict = verdicts.find(({ check }) => check === "completeness");
  const { count, stream, index_size } = facts;
  if (verdict?.status !== "ok" || stream === undefined) return null;
  const among = `among the first ${index_size} entries of the log`;
  const later = "What was logged later is not covered.";
  if (count === "0") return `The stream ${stream} has no event ${among}. ${later}`;
  if (count === "1") return `This event is all that the stream ${stream} has ${among}. ${later}`;
  return `These ${count} events are all that the stream ${stream} has ${among}. ${later}`;
}
