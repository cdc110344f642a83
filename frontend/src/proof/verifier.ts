/**
 * The verifier of proof bundles: reads everything, trusts only what the user names.
 *
 * Twin of anchoring/verifier.py: the same six sub-verdicts, each on its own, the same two profiles,
 * and the same overall verdict. `tallystick` refuses any changed byte of the three files; `c2sp`
 * reads foreign proofs, ignores and counts unknown lines, and gives the entry no meaning.
 */

import { parseAnchor, verifyAnchor } from "./anchor.ts";
import { equal, toHex } from "./bytes.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { type BlockWitness, confirmEvidence } from "./confirm.ts";
import { withPrefix } from "./encoding.ts";
import { type ParsedEntry, parseEntry, verifyEntry } from "./envelope.ts";
import {
  MalformedInput,
  NotAnchored,
  NotCheckedHere,
  PolicyNotMet,
  ProofError,
  Skipped,
  UnknownKey,
  VerificationFailed,
} from "./errors.ts";
import { lookupKey, parseEventKeys } from "./keys.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";
import { type Note, type OpenedNote, openNote } from "./note.ts";
import { cosigned, displayName, isLogKey, isMet, logKeys, type Policy } from "./policy.ts";
import {
  CHECKS,
  type Check,
  makeReport,
  type Report,
  type Status,
  type Verdict,
} from "./report.ts";
import { parseTlogProof, type TlogProof } from "./tlogProof.ts";
import type { Trust } from "./trust.ts";
import { sameKey } from "./vkey.ts";

/** How strictly a bundle is read. */
export type Profile = "tallystick" | "c2sp";

/** The bytes of one proof: the log entry, its proof, and the chain evidence if there is any. */
export interface Bundle {
  readonly event: Uint8Array;
  readonly proof: Uint8Array;
  readonly anchor: Uint8Array | null;
}

/** What the user takes as given. `keys` are the bytes of a `keys` file. */
export interface TrustInputs {
  readonly policy: Policy;
  readonly keys: Uint8Array | null;
  readonly trust: Trust | null;
  readonly blocks: readonly BlockWitness[];
}

/** Check a bundle completely; never throws for what the bundle's bytes hold. */
export function verifyBundle(
  bundle: Bundle,
  inputs: TrustInputs,
  profile: Profile = "tallystick",
): Report {
  return new Verification(bundle, inputs, profile).run();
}

/**
 * The profile to use when the user names none: strict whenever event keys are given or the event has
 * our form, so that no change of a byte can choose the lenient reading.
 */
export function chooseProfile(bundle: Bundle, keys: Uint8Array | null): Profile {
  if (keys !== null) return "tallystick";
  try {
    parseEntry(bundle.event);
    return "tallystick";
  } catch (error) {
    if (error instanceof MalformedInput) return "c2sp";
    throw error;
  }
}

function statusOf(error: ProofError): Status {
  if (error instanceof MalformedInput) return "malformed";
  if (error instanceof PolicyNotMet) return "not-met";
  if (error instanceof NotAnchored) return "not-anchored";
  if (error instanceof NotCheckedHere) return "unsupported";
  if (error instanceof Skipped) return "not-checked";
  return "failed";
}

/** One run: what earlier checks established is kept for the later ones. */
class Verification {
  private readonly facts: Record<string, string> = {};
  private readonly strict: boolean;
  private entry: ParsedEntry | null = null;
  private proof: TlogProof | null = null;
  private head: { checkpoint: Checkpoint; note: Note } | null = null;
  private opened: OpenedNote | null = null;

  constructor(
    private readonly bundle: Bundle,
    private readonly inputs: TrustInputs,
    profile: Profile,
  ) {
    this.strict = profile === "tallystick";
  }

  run(): Report {
    const steps: readonly (readonly [Check, () => string])[] = [
      ["inclusion", () => this.checkInclusion()],
      ["checkpoint", () => this.checkCheckpoint()],
      ["witnesses", () => this.checkWitnesses()],
      ["entry", () => this.checkEntry()],
      ["signature", () => this.checkSignature()],
      ["anchor", () => this.checkAnchor()],
    ];
    const found = new Map(steps.map(([check, step]) => [check, judge(check, step)]));
    const verdicts = CHECKS.map((check) => found.get(check) as Verdict);
    return makeReport(verdicts, this.facts, this.opened?.unknown.length ?? 0);
  }

  private checkInclusion(): string {
    const proof = parseTlogProof(this.bundle.proof);
    const head = parseCheckpoint(proof.checkpoint);
    const { checkpoint } = head;
    if (this.strict && (proof.extra !== null || checkpoint.extensions.length > 0)) {
      throw new MalformedInput("our proofs have no extra line and no extension lines");
    }
    this.proof = proof;
    this.head = head;
    const leaf = leafHash(this.bundle.event);
    Object.assign(this.facts, {
      origin: checkpoint.origin,
      size: String(checkpoint.size),
      root: toHex(checkpoint.root),
      index: String(proof.index),
      leaf_hash: toHex(leaf),
    });
    verifyInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root);
    return `entry ${proof.index} of ${checkpoint.size}`;
  }

  private checkCheckpoint(): string {
    const { checkpoint, note } = this.requireHead();
    const { policy } = this.inputs;
    const keys = logKeys(policy, checkpoint.origin);
    if (keys.length === 0) {
      throw new VerificationFailed("the policy knows no log of this origin");
    }
    const witnesses = [...policy.witnesses.values()].filter((key) => !isLogKey(policy, key));
    const opened = openNote(note, [...keys, ...witnesses]);
    this.opened = opened;
    const present = [...opened.verified, ...opened.notCheckedHere];
    const signed = keys.filter((key) => present.some((other) => sameKey(key, other)));
    if (signed.length === 0) {
      throw new VerificationFailed("no log key of the policy signed it");
    }
    if (this.strict) {
      requireAllLines(opened);
      const algorithms = new Set(signed.map((key) => key.algorithm));
      if (keys.some((key) => !algorithms.has(key.algorithm))) {
        throw new VerificationFailed("a signature of the log's is missing");
      }
    }
    const [unchecked] = opened.notCheckedHere;
    if (unchecked !== undefined) {
      throw new NotCheckedHere(`the ML-DSA-44 signature of ${unchecked.name} is not checked here`);
    }
    return `signed by ${checkpoint.origin}`;
  }

  private checkWitnesses(): string {
    if (this.opened === null) throw new Skipped("the checkpoint's signatures did not verify");
    const { policy } = this.inputs;
    const { verified, notCheckedHere } = this.opened;
    const names = [...cosigned(policy, verified)].map(displayName).sort();
    this.facts.witnesses = names.join(", ");
    if (!isMet(policy, verified)) {
      if (isMet(policy, [...verified, ...notCheckedHere])) {
        throw new NotCheckedHere("the quorum needs an ML-DSA-44 cosignature: not checked here");
      }
      throw new PolicyNotMet(`the quorum is not reached: ${names.join(", ") || "no witness"}`);
    }
    if (policy.quorum === null) return `the policy asks for none; ${names.length} signed`;
    return `quorum reached by ${names.join(", ")}`;
  }

  private checkEntry(): string {
    if (!this.strict) throw new Skipped("a foreign entry: its bytes are not interpreted");
    this.entry = parseEntry(this.bundle.event);
    const { envelope } = this.entry;
    Object.assign(this.facts, {
      event_id: envelope.event_id,
      type: envelope.type,
      stream: `${envelope.stream_id}@${envelope.stream_version}`,
      recorded_at: envelope.recorded_at,
    });
    if (this.head !== null && envelope.origin !== this.head.checkpoint.origin) {
      throw new VerificationFailed("the event is of another log");
    }
    return `${envelope.type}, ${envelope.stream_id} version ${envelope.stream_version}`;
  }

  private checkSignature(): string {
    if (!this.strict) throw new Skipped("a foreign entry: it has no signature that we know");
    if (this.entry === null || this.proof === null) {
      throw new Skipped("the entry or the proof is malformed");
    }
    const { checkpoint } = this.requireHead();
    if (this.inputs.keys === null) throw new UnknownKey("no keys file is given");
    const { keys, note } = parseEventKeys(this.inputs.keys);
    if (keys.origin !== checkpoint.origin) {
      throw new VerificationFailed("the keys file is of another log");
    }
    const opened = openNote(note, logKeys(this.inputs.policy, keys.origin));
    const key = lookupKey(keys, this.entry.envelope.key_id, this.proof.index);
    verifyEntry(this.entry, key.publicKey);
    if (opened.notCheckedHere.length > 0) {
      throw new NotCheckedHere("the keys file has an ML-DSA-44 signature: not checked here");
    }
    return `by event key ${key.keyId}`;
  }

  private checkAnchor(): string {
    if (this.bundle.anchor === null) throw new NotAnchored("there is no chain evidence");
    const evidence = parseAnchor(this.bundle.anchor);
    const { checkpoint } = this.requireHead();
    if (evidence.size !== checkpoint.size || !equal(evidence.root, checkpoint.root)) {
      throw new VerificationFailed("the evidence is for another checkpoint");
    }
    const state = verifyAnchor(evidence);
    const { trust, blocks } = this.inputs;
    const source = confirmEvidence(evidence, state.codeHash, trust, blocks);
    Object.assign(this.facts, {
      chain_id: String(evidence.chainId),
      registry: withPrefix(evidence.registry),
      block_number: String(evidence.blockNumber),
      block_hash: withPrefix(evidence.blockHash),
      anchored_at: String(state.time),
    });
    return `block ${evidence.blockNumber} of chain ${evidence.chainId}, trusted by ${source}`;
  }

  private requireHead(): { checkpoint: Checkpoint; note: Note } {
    if (this.head === null) throw new Skipped("the proof is malformed");
    return this.head;
  }
}

function judge(check: Check, step: () => string): Verdict {
  try {
    return { check, status: "ok", detail: step() };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return { check, status: statusOf(error), detail: error.message };
  }
}

function requireAllLines(opened: OpenedNote): void {
  const [unknown] = opened.unknown;
  if (unknown !== undefined) {
    throw new VerificationFailed(`the signature line of ${unknown.name} is unknown`);
  }
  if (opened.repeated > 0) throw new VerificationFailed("a signature line is there twice");
}
