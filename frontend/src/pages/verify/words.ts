import type { Tone } from "../../components/StateWord.tsx";
import type { Check, Status } from "../../proof/report.ts";

/** What each check asks, as a statement that passes or fails. */
export const CLAIMS: Record<Check, string> = {
  entry: "The event is readable, to the byte, and of this log",
  signature: "An event key of the log signed it",
  inclusion: "It stands at its place in the log's tree",
  checkpoint: "The log signed the head of that tree",
  witnesses: "Witnesses signed the head as the policy asks",
  anchor: "The registry on chain holds this head",
};

export const STATUS_WORDS: Record<Status, { readonly word: string; readonly tone: Tone }> = {
  ok: { word: "pass", tone: "good" },
  failed: { word: "fail", tone: "bad" },
  malformed: { word: "malformed", tone: "bad" },
  "not-met": { word: "not met", tone: "warn" },
  "not-anchored": { word: "not checked", tone: "warn" },
  "not-checked": { word: "not checked", tone: "neutral" },
  unsupported: { word: "not checked here", tone: "warn" },
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
};
