/** One line over all verdicts. It never says more than the weakest of them. */

import { OTHER_BLOCK, OTHER_CHAIN } from "../../proof/confirm.ts";
import type { Outcome, Part } from "../../proof/files.ts";
import type { Report } from "../../proof/report.ts";
import { verdictOf } from "../../proof/report.ts";
import { SERVER_SOURCE } from "./blockSources.ts";

export type Tone = "good" | "warn" | "bad";

export interface Headline {
  readonly tone: Tone;
  readonly text: string;
}

/** Where the trust inputs come from: a verification is worth what they are worth. */
export interface Origin {
  /** The parts that this server gave; with any of them nothing is independent. */
  readonly fromServer: readonly Part[];
  /** Whether the reader says that the policy, keys and trust files are not the sender's. */
  readonly own: boolean;
}

/** The headline over an outcome; good only on inputs that the reader has vouched for. */
export function headlineOf(outcome: Outcome, hasAnchor: boolean, origin: Origin): Headline {
  if (outcome.kind === "refused") {
    return { tone: "bad", text: `Cannot be checked: ${outcome.detail}` };
  }
  const { report, profile } = outcome;
  switch (report.overall) {
    case "malformed input":
      return { tone: "bad", text: "Malformed: not the bytes that a proof has" };
    case "failed":
      return { tone: "bad", text: failed(report) };
    case "policy not met":
      return { tone: "warn", text: "Included, but too few witnesses signed" };
    case "valid but not anchored":
      return {
        tone: "warn",
        text: `${isComplete(report) ? "Complete and included" : "Included"}; ${
          hasAnchor ? "anchor not checked yet" : "not anchored yet"
        }`,
      };
    default:
      return verified(report, profile === "c2sp", origin);
  }
}

function verified(report: Report, foreign: boolean, { fromServer, own }: Origin): Headline {
  const borrowed = fromServer.map((part) => BORROWED[part]).filter((name) => name !== undefined);
  if (isServersWord(report)) borrowed.push("block");
  if (borrowed.length > 0) {
    const names = new Intl.ListFormat("en").format(borrowed);
    return { tone: "warn", text: `Everything fits together; ${names} on this server's word` };
  }
  if (!own) {
    const text = "Everything fits together, on the word of whoever gave policy, keys and trust";
    return { tone: "warn", text };
  }
  if (foreign)
    return { tone: "good", text: "Included and anchored; the entry was not interpreted" };
  const complete = isComplete(report) ? "complete, " : "";
  return { tone: "good", text: `Verified: ${complete}signed, included and anchored` };
}

/** Whether a stream was shown to be complete; any other verdict of it decides by itself. */
function isComplete(report: Report): boolean {
  return report.verdicts.some(({ check, status }) => check === "completeness" && status === "ok");
}

/** What the server's own trust inputs stand for. */
const BORROWED: Partial<Record<Part, string>> = {
  policy: "log key",
  keys: "event keys",
  trust: "registry",
};

/** Whether nobody but this server vouches for the block. */
function isServersWord(report: Report): boolean {
  return verdictOf(report, "anchor").detail.endsWith(`trusted by ${SERVER_SOURCE}`);
}

/** Where whoever was asked about the block contradicts the evidence, one of the two is wrong. */
function failed(report: Report): string {
  const names = namesOf(report, "failed");
  const { detail } = verdictOf(report, "anchor");
  if (names === "anchor" && detail.endsWith(OTHER_BLOCK)) {
    return capital(`${detail.slice(0, -OTHER_BLOCK.length)} has another block`);
  }
  if (names === "anchor" && detail.endsWith(OTHER_CHAIN)) return capital(detail);
  return `Failed: ${names}`;
}

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

function namesOf(report: Report, status: string): string {
  const failed = report.verdicts.filter((verdict) => verdict.status === status);
  return failed.map((verdict) => verdict.check).join(", ");
}
