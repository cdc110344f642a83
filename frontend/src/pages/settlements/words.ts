import type { Branch, Instruction, Step } from "../../api/models.ts";
import type { Tone } from "../../components/StateWord.tsx";

interface Word {
  word: string;
  tone: Tone;
}

const STATES: Record<string, Word> = {
  INSTRUCTED: { word: "Waiting for signatures", tone: "warn" },
  SIGNED: { word: "Matched", tone: "neutral" },
  SUBMITTED: { word: "Submitted", tone: "neutral" },
  INCLUDED: { word: "Included", tone: "accent" },
  SAFE: { word: "Safe", tone: "accent" },
  REORGED: { word: "Reorganised", tone: "warn" },
  FINAL: { word: "Final", tone: "good" },
  FAILED: { word: "Failed", tone: "bad" },
};

/** A settlement's state for people. A state that is not known here is shown as it is. */
export function stateWord(state: string): Word {
  return STATES[state] ?? { word: state.toLowerCase().replaceAll("_", " "), tone: "neutral" };
}

const ENDED = new Set(["FINAL", "FAILED"]);

/** Whether nothing more will happen. */
export function hasEnded(state: string): boolean {
  return ENDED.has(state);
}

/** Whether the party has still to sign. */
export function needsSignature(instruction: Instruction): boolean {
  return instruction.status === "RECEIVED" && !hasEnded(instruction.settlement_state);
}

export const STEP_NAMES: Record<Step["name"], string> = {
  instructed: "Instructed",
  signed_seller: "Signed by the seller",
  signed_buyer: "Signed by the buyer",
  matched: "Matched",
  submitted: "Submitted to the chain",
  included: "Included in a block",
  safe: "Safe",
  final: "Final",
};

export const STEP_MEANS: Record<Step["name"], string> = {
  instructed: "Both sides have their instruction, and the terms are fixed.",
  signed_seller: "The seller's wallet consents to the terms.",
  signed_buyer: "The buyer's wallet consents to the terms.",
  matched: "With both consents the trade can no longer be withdrawn.",
  submitted: "A signed transaction, on record before the node gets it.",
  included: "Securities and cash change hands in one transaction.",
  safe: "The block is unlikely to leave the chain.",
  final: "The block cannot leave the chain. The books follow.",
};

export const STEP_STATES: Record<Step["state"], string> = {
  done: "done",
  current: "waiting for this",
  upcoming: "to come",
  failed: "failed",
  skipped: "not needed",
};

export const BRANCH_NAMES: Record<Branch["kind"], string> = {
  reorganised: "Reorganised",
  replaced: "Replaced",
  retried: "Tried again",
  pending: "Waiting",
  refused: "Refused",
};

const REASONS: Record<string, string> = {
  ID_USED: "the trade's number is used on chain",
  NOT_YET_VALID: "the settlement date has not come",
  EXPIRED: "the deadline has passed",
  BAD_SELLER_SIGNATURE: "the seller's signature is not accepted",
  BAD_BUYER_SIGNATURE: "the buyer's signature is not accepted",
  SELLER_LACKS_UNITS: "the seller's wallet lacks the units",
  BUYER_LACKS_CASH: "the buyer's wallet lacks the cash",
  SELLER_ALLOWANCE: "the seller's wallet has not allowed the transfer",
  BUYER_ALLOWANCE: "the buyer's wallet has not allowed the transfer",
  ASSET_REFUSES: "the security's token refuses the transfer",
  CASH_REFUSES: "the cash token refuses the transfer",
  ZERO_AMOUNT: "an amount is zero",
  NOT_ALL_OR_NONE: "the transfer was not whole",
  SAME_PARTY: "seller and buyer are the same wallet",
  ASSET_NOT_A_TOKEN: "the security's address holds no token",
  CASH_NOT_A_TOKEN: "the cash address holds no token",
  HALTED: "a circuit breaker is open",
  REFUSED: "the chain refuses without a reason",
  // ISO 20022 codes: what a party is told of its counterparty.
  CLAC: "the counterparty lacks the securities, or has not allowed the transfer",
  CMON: "the counterparty lacks the cash, or has not allowed the transfer",
};

/** Names of the contract's reasons as words: "NOT_YET_VALID, HALTED" as a sentence's end. */
export function reasonsInWords(names: string): string {
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map((name) => REASONS[name] ?? name)
    .join("; ");
}
