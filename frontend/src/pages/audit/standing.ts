/** Where the log stands, in words: what waits for the chain, and what the platform's audit found. */

import type { Log } from "../../api/models.ts";
import type { Tone } from "../../components/StateWord.tsx";
import { formatSeconds, formatTime } from "../../format/dates.ts";
import { formatDecimal } from "../../format/decimal.ts";
import { topicOf } from "./auditTopics.ts";

type Anchoring = Log["anchoring"];
type Audit = NonNullable<Log["audit"]>;

export interface Said {
  readonly word: string;
  readonly tone: Tone;
  readonly detail: string;
}

const REASONS: Readonly<Record<string, string>> = {
  "fee-cap": "the chain asks more for gas than the operator's limit",
  "daily-budget": "it could pass the operator's budget for 24 hours",
};
/** The platform looks every minute; after so long it does not. */
const STALE_MILLISECONDS = 10 * 60_000;

/** How many entries wait for the chain, and for how long. */
export function waitingWords({ unanchored_entries, oldest_unanchored_seconds }: Anchoring): string {
  if (unanchored_entries === 0) return "nothing";
  const entries = counted(unanchored_entries);
  return oldest_unanchored_seconds === null
    ? `${entries}, all of them about anchors and the index: they start no anchor`
    : `${entries}, the oldest for ${formatSeconds(oldest_unanchored_seconds)}`;
}

/** Whether that is longer than the operator allows. */
export function lagWords({ lagging }: Anchoring): Said {
  return lagging
    ? { word: "lagging", tone: "bad", detail: "longer than the operator's limit" }
    : { word: "in time", tone: "good", detail: "within the operator's limit" };
}

/** Whether the next anchor is held back, and why. */
export function deferralWords({ deferred }: Anchoring): Said {
  if (deferred === null) return { word: "no", tone: "good", detail: "no limit of cost is reached" };
  return { word: "deferred", tone: "warn", detail: REASONS[deferred] ?? deferred };
}

/** What the last round of the platform's own audit says; `now` in milliseconds. */
export function auditWords(audit: Audit, now: number): Said {
  const { size, findings, checked_at } = audit;
  const at = `${formatTime(checked_at)} UTC`;
  if (findings.length > 0) {
    const things = findings.length === 1 ? "1 thing is" : `${count(findings.length)} things are`;
    const upTo = size === 0 ? "" : ` The hashes of entries 0 to ${count(size - 1)} hold.`;
    return { word: "wrong", tone: "bad", detail: `Looked at ${at}: ${things} wrong.${upTo}` };
  }
  if (now - Date.parse(checked_at) > STALE_MILLISECONDS) {
    return { word: "late", tone: "warn", detail: `No round has ended since ${at}.` };
  }
  if (size === 0)
    return { word: "empty", tone: "neutral", detail: `At ${at} no entry was published.` };
  const detail = `Entries 0 to ${count(size - 1)} checked again at ${at}: nothing wrong.`;
  return { word: "in order", tone: "good", detail };
}

/** What a finding is about, in plain words. */
export function findingTitle(check: string): string {
  return topicOf(check).title;
}

/** The place in the guide that says what it means and what to do. */
export function findingGuide(check: string): string {
  return `/audit/guide#${topicOf(check).id}`;
}

const count = (value: number) => formatDecimal(String(value));
const counted = (entries: number) => (entries === 1 ? "1 entry" : `${count(entries)} entries`);
