/**
 * The verifier of proof bundles: reads everything, trusts only what the user names.
 *
 * Twin of anchoring/verifier.py: the same sub-verdicts, each on its own, the same two profiles, and
 * the same overall verdict. `tallystick` refuses any changed byte of the bundle; `c2sp` reads foreign
 * proofs, ignores and counts unknown lines, and gives the entry no meaning.
 */

import { parseAnchor, verifyAnchor } from "./anchor.ts";
import { type AnyBundle, type Bundle, isSingle } from "./bundle.ts";
import { equal, toHex } from "./bytes.ts";
import { parseCheckpoint } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpointText.ts";
import { ERASURE_EVENT, parseErasure, personalFields } from "./commitment.ts";
import { confirmEvidence } from "./confirm.ts";
import { judgePersonal, parseDisclosure, type VerifiedErasure } from "./disclosure.ts";
import { withPrefix } from "./encoding.ts";
import { type ParsedEntry, parseEntry, verifyEntry } from "./envelope.ts";
import {
  MalformedInput,
  NotAnchored,
  PolicyNotMet,
  ProofError,
  Skipped,
  UnknownKey,
  VerificationFailed,
} from "./errors.ts";
import { parseEvents } from "./eventsFile.ts";
import { judge, requireAll } from "./judging.ts";
import { type EventKeys, lookupKey, parseEventKeys } from "./keys.ts";
import { leafHash } from "./merkle.ts";
import { type Note, type OpenedNote, openNote } from "./note.ts";
import { cosigned, displayName, isLogKey, isMet, logKeys } from "./policy.ts";
import { type Claim, readEntryClaim, readManyClaim } from "./proofKinds.ts";
import { CHECKS, type Check, EXTRA_CHECKS, makeReport, type Report } from "./report.ts";
import {
  describeCompleteness,
  parseStreamProof,
  requireAsked,
  verifyStream,
} from "./streamProof.ts";
import type { Profile, TrustInputs } from "./verifierInputs.ts";
import { sameKey } from "./vkey.ts";

/** Check a bundle completely; never throws for what the bundle's bytes hold. */
export function verifyBundle(
  bundle: AnyBundle,
  inputs: TrustInputs,
  profile: Profile = "tallystick",
): Report {
  return new Verification(bundle, inputs, profile).run();
}

/**
 * The profile to use when the user names none: strict whenever event keys are given, the event has
 * our form, or the proof is of a kind that only we have, so that no change of a byte can choose the
 * lenient reading.
 */
export function chooseProfile(bundle: AnyBundle, keys: Uint8Array | null): Profile {
  if (keys !== null || !isSingle(bundle)) return "tallystick";
  try {
    parseEntry(bundle.event);
    return "tallystick";
  } catch (error) {
    if (error instanceof MalformedInput) return "c2sp";
    throw error;
  }
}

/** One run: what earlier checks established is kept for the later ones. */
class Verification {
  entries: readonly ParsedEntry[] | null = null;
  claim: Claim | null = null;
  private readonly facts: Record<string, string> = {};
  private readonly strict: boolean;
  private readonly single: boolean;
  private readonly stream: Uint8Array | null;
  private raw: readonly Uint8Array[] = [];
  private leaves: readonly Uint8Array[] = [];
  private head: { checkpoint: Checkpoint; note: Note } | null = null;
  private opened: OpenedNote | null = null;

  constructor(
    private readonly bundle: AnyBundle,
    private readonly inputs: TrustInputs,
    private readonly profile: Profile,
  ) {
    this.strict = profile === "tallystick";
    this.single = isSingle(bundle);
    this.stream = isSingle(bundle) ? null : bundle.stream;
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
    if (this.stream !== null) {
      const { stream } = this;
      found.set(
        "completeness",
        judge("completeness", () => this.checkCompleteness(stream)),
      );
    }
    if (this.hasPersonal())
      found.set(
        "personal",
        judge("personal", () => this.checkPersonal()),
      );
    const verdicts = [...CHECKS, ...EXTRA_CHECKS].flatMap((check) => found.get(check) ?? []);
    return makeReport(verdicts, this.facts, this.opened?.unknown.length ?? 0);
  }

  /** The signed head of the tree, once the proof is read. */
  get checkpoint(): Checkpoint | null {
    return this.head?.checkpoint ?? null;
  }

  private checkInclusion(): string {
    const claim = this.single
      ? readEntryClaim(this.bundle.proof)
      : readManyClaim(this.bundle.proof, this.stream !== null);
    const head = parseCheckpoint(claim.checkpoint);
    const { checkpoint } = head;
    if (this.strict && (claim.hasExtra || checkpoint.extensions.length > 0)) {
      throw new MalformedInput("our proofs have no extra line and no extension lines");
    }
    this.claim = claim;
    this.head = head;
    Object.assign(this.facts, {
      origin: checkpoint.origin,
      size: String(checkpoint.size),
      root: toHex(checkpoint.root),
    });
    this.leaves = this.readEntries().map(leafHash);
    const place = this.notePlace(claim, checkpoint.size);
    claim.check(this.leaves, checkpoint);
    return place;
  }

  private notePlace({ indices }: Claim, size: bigint): string {
    const [count, first, last] = [indices.length, indices[0], indices.at(-1)];
    if (this.leaves.length !== count) {
      throw new MalformedInput(`${this.leaves.length} entries lie beside a proof of ${count}`);
    }
    if (this.single) {
      const leaf_hash = toHex(this.leaves[0] as Uint8Array);
      Object.assign(this.facts, { index: String(first), leaf_hash });
      return `entry ${first} of ${size}`;
    }
    const [first_index, last_index] = [String(first), String(last)];
    Object.assign(this.facts, { entries: String(count), first_index, last_index });
    return `${count} entries, ${first} to ${last}, of ${size}`;
  }

  private readEntries(): readonly Uint8Array[] {
    if (this.raw.length === 0) {
      this.raw = isSingle(this.bundle) ? [this.bundle.event] : parseEvents(this.bundle.events);
    }
    return this.raw;
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
    const signed = keys.filter((key) => opened.verified.some((other) => sameKey(key, other)));
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
    return `signed by ${checkpoint.origin}`;
  }

  private checkWitnesses(): string {
    if (this.opened === null) throw new Skipped("the checkpoint's signatures did not verify");
    const { policy } = this.inputs;
    const { verified } = this.opened;
    const names = [...cosigned(policy, verified)].map(displayName).sort();
    this.facts.witnesses = names.join(", ");
    if (!isMet(policy, verified)) {
      throw new PolicyNotMet(`the quorum is not reached: ${names.join(", ") || "no witness"}`);
    }
    if (policy.quorum === null) return `the policy asks for none; ${names.length} signed`;
    return `quorum reached by ${names.join(", ")}`;
  }

  private checkEntry(): string {
    if (!this.strict) throw new Skipped("a foreign entry: its bytes are not interpreted");
    const entries = this.forEach(this.readEntries(), parseEntry);
    this.entries = entries;
    const { envelope } = entries[0] as ParsedEntry;
    if (this.single) {
      Object.assign(this.facts, {
        event_id: envelope.event_id,
        type: envelope.type,
        stream: `${envelope.stream_id}@${envelope.stream_version}`,
        recorded_at: envelope.recorded_at,
      });
    }
    this.forEach(entries, (entry) => {
      if (this.head !== null && entry.envelope.origin !== this.head.checkpoint.origin) {
        throw new VerificationFailed("the event is of another log");
      }
    });
    if (!this.single) return `${entries.length} entries`;
    return `${envelope.type}, ${envelope.stream_id} version ${envelope.stream_version}`;
  }

  /** Run `step` for each entry; of many, the first that is refused is named. */
  private forEach<Item, Result>(
    items: readonly Item[],
    step: (item: Item, at: number) => Result,
  ): Result[] {
    return items.map((item, at) => {
      try {
        return step(item, at);
      } catch (error) {
        if (this.single || !(error instanceof ProofError)) throw error;
        throw error.at(this.place(at));
      }
    });
  }

  private place(at: number): string {
    const index = this.claim?.indices[at];
    return index === undefined ? `entry number ${at + 1} of the file` : `entry ${index}`;
  }

  private checkSignature(): string {
    if (!this.strict) throw new Skipped("a foreign entry: it has no signature that we know");
    const { entries, claim } = this;
    if (entries === null || claim === null) {
      throw new Skipped("the entry or the proof is malformed");
    }
    if (entries.length !== claim.indices.length) {
      throw new Skipped("the entries are not as many as the proof's indices");
    }
    const keys = this.readEventKeys();
    const used = new Set<string>();
    this.forEach(entries, (entry, at) => {
      const key = lookupKey(keys, entry.envelope.key_id, claim.indices[at] as bigint);
      verifyEntry(entry, key.publicKey);
      used.add(key.keyId);
    });
    const by = `by event key ${[...used].join(", ")}`;
    return this.single ? by : `${entries.length} signatures ${by}`;
  }

  private readEventKeys(): EventKeys {
    const { checkpoint } = this.requireHead();
    if (this.inputs.keys === null) throw new UnknownKey("no keys file is given");
    const { keys, note } = parseEventKeys(this.inputs.keys);
    if (keys.origin !== checkpoint.origin) {
      throw new VerificationFailed("the keys file is of another log");
    }
    openNote(note, logKeys(this.inputs.policy, keys.origin));
    return keys;
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

  private checkCompleteness(stream: Uint8Array): string {
    if (!this.strict) {
      throw new MalformedInput("a stream proof has a meaning in the profile tallystick only");
    }
    const proof = parseStreamProof(stream);
    requireAsked(proof, this.inputs.asked ?? {});
    if (this.entries === null || this.claim === null || this.leaves.length === 0) {
      throw new Skipped("the entries or their proof are malformed");
    }
    const shown = verifyStream(proof, this.entries, this.leaves, this.claim.indices);
    Object.assign(this.facts, {
      tenant: shown.tenantId,
      stream: shown.streamId,
      count: String(shown.count),
      index_size: String(shown.size),
      index_position: String(shown.position),
    });
    return describeCompleteness(shown);
  }

  private hasPersonal(): boolean {
    const { personal, erasures } = this.bundle;
    if (personal || erasures?.length) return true;
    return this.entries?.some(({ envelope }) => "personal" in envelope.payload) ?? false;
  }

  private checkPersonal(): string {
    if (!this.strict) throw new Skipped("a foreign entry: its bytes are not interpreted");
    const { entries, claim } = this;
    if (entries === null || claim === null) {
      throw new Skipped("the entry or the proof is malformed");
    }
    const { personal, erasures = [] } = this.bundle;
    const disclosure = personal ? parseDisclosure(personal) : new Map();
    const fields = entries.map(personalFields);
    const beside = erasures.map((each) => this.verifyErasure(each));
    const within = entries.flatMap((entry, at): VerifiedErasure[] => {
      const index = claim.indices[at];
      if (entry.envelope.type !== ERASURE_EVENT || index === undefined) return [];
      return [{ commitments: parseErasure(entry), index }];
    });
    const places = isSingle(this.bundle) ? [] : claim.indices;
    return judgePersonal(fields, disclosure, beside, within, places).join("; ") || "no fields";
  }

  /** Check an erasure's own bundle as this one; only its anchor may be missing. */
  private verifyErasure({ event, proof, anchor }: Bundle): VerifiedErasure {
    const run = new Verification({ event, proof, anchor }, this.inputs, this.profile);
    requireAll(run.run(), "the erasure's ");
    const { checkpoint } = this.requireHead();
    const [entry, index] = [run.entries?.[0], run.claim?.indices[0]];
    if (entry === undefined || index === undefined || run.checkpoint === null) {
      throw new Skipped("the erasure is malformed");
    }
    if (run.checkpoint.origin !== checkpoint.origin) {
      throw new VerificationFailed("the erasure is of another log");
    }
    return { commitments: parseErasure(entry), index };
  }

  private requireHead(): { checkpoint: Checkpoint; note: Note } {
    if (this.head === null) throw new Skipped("the proof is malformed");
    return this.head;
  }
}

function requireAllLines(opened: OpenedNote): void {
  const [unknown] = opened.unknown;
  if (unknown !== undefined) {
    throw new VerificationFailed(`the signature line of ${unknown.name} is unknown`);
  }
  if (opened.repeated > 0) throw new VerificationFailed("a signature line is there twice");
}
