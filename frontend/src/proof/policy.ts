/**
 * Trust policies, c2sp.org/tlog-policy: which logs, which witnesses, and how many must sign.
 * Twin of anchoring/policy.py, with its two added rules: the key of a log never counts as a witness,
 * and groups are nested at most 64 deep.
 *
 * Names are opaque bytes, kept one character per byte.
 */

import { equal, fromLatin1, toLatin1 } from "./bytes.ts";
import { parseDecimal, parseUtf8 } from "./encoding.ts";
import { MalformedInput } from "./errors.ts";
import {
  ALG_ED25519,
  ALG_ED25519_COSIGNATURE,
  ALG_MLDSA44_COSIGNATURE,
  parseVkey,
  sameKey,
  type VerifierKey,
} from "./vkey.ts";

const LOG_TYPES = [ALG_ED25519, ALG_MLDSA44_COSIGNATURE];
const WITNESS_TYPES = [ALG_ED25519_COSIGNATURE, ALG_MLDSA44_COSIGNATURE];
const NONE = "none";
/** The quorum is counted by recursion. */
const MAX_DEPTH = 64;

interface Group {
  readonly threshold: bigint;
  readonly members: readonly string[];
}

/** A parsed policy; `quorum` is null for `quorum none`. */
export interface Policy {
  readonly logs: VerifierKey[];
  readonly witnesses: Map<string, VerifierKey>;
  readonly groups: Map<string, Group>;
  quorum: string | null;
}

export function logKeys(policy: Policy, origin: string): VerifierKey[] {
  return policy.logs.filter((key) => key.name === origin);
}

/** Whether a key is also the key of a log, under whatever name and type. */
export function isLogKey(policy: Policy, key: VerifierKey): boolean {
  return policy.logs.some((log) => equal(log.key, key.key));
}

/** The names of the witnesses among `signed`, as text, leaving out keys of logs. */
export function cosigned(policy: Policy, signed: readonly VerifierKey[]): Set<string> {
  const present = signed.filter((key) => !isLogKey(policy, key));
  const names = [...policy.witnesses.entries()]
    .filter(([, key]) => present.some((other) => sameKey(key, other)))
    .map(([name]) => name);
  return new Set(names);
}

/** Whether the keys in `signed`, whose lines are verified, reach the quorum. */
export function isMet(policy: Policy, signed: readonly VerifierKey[]): boolean {
  if (policy.quorum === null) return true;
  return isWitnessed(policy, policy.quorum, cosigned(policy, signed));
}

function isWitnessed(policy: Policy, name: string, signed: ReadonlySet<string>): boolean {
  const group = policy.groups.get(name);
  if (group === undefined) return signed.has(name);
  const count = group.members.filter((member) => isWitnessed(policy, member, signed)).length;
  return BigInt(count) >= group.threshold;
}

/** A witness's name for people. */
export function displayName(name: string): string {
  return new TextDecoder().decode(fromLatin1(name));
}

export function parsePolicy(data: Uint8Array): Policy {
  if (data.some((byte) => (byte < 0x20 && byte !== 0x09 && byte !== 0x0a) || byte === 0x7f)) {
    throw new MalformedInput("the policy holds a control character");
  }
  const content = toLatin1(data);
  if (!content.endsWith("\n")) throw new MalformedInput("the policy's last line has no newline");
  const reader = new PolicyReader();
  for (const [at, line] of content.slice(0, -1).split("\n").entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words[0] === undefined || words[0].startsWith("#")) continue;
    try {
      reader.read(words);
    } catch (error) {
      if (!(error instanceof MalformedInput)) throw error;
      throw new MalformedInput(`policy line ${at + 1}: ${error.message}`);
    }
  }
  if (!reader.hasQuorum) throw new MalformedInput("the policy has no quorum line");
  return reader.policy;
}

class PolicyReader {
  readonly policy: Policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: null };
  hasQuorum = false;
  private readonly grouped = new Set<string>();
  private readonly depths = new Map<string, number>();

  read(words: readonly string[]): void {
    const [kind, first = "", second = "", ...rest] = words;
    const count = words.length;
    if (kind === "log" && (count === 2 || count === 3)) this.addLog(first);
    else if (kind === "witness" && (count === 3 || count === 4)) this.addWitness(first, second);
    else if (kind === "group" && count > 3) this.addGroup(first, second, rest);
    else if (kind === "quorum" && count === 2) this.setQuorum(first);
    else throw new MalformedInput("not a log, witness, group or quorum line");
  }

  private addLog(word: string): void {
    const key = parseKey(word, LOG_TYPES);
    if (this.policy.logs.some((known) => equal(known.key, key.key))) {
      throw new MalformedInput("this log key is listed twice");
    }
    this.policy.logs.push(key);
  }

  private addWitness(name: string, word: string): void {
    const key = parseKey(word, WITNESS_TYPES);
    this.checkNew(name);
    if ([...this.policy.witnesses.values()].some((known) => equal(known.key, key.key))) {
      throw new MalformedInput("this witness key is listed twice");
    }
    this.policy.witnesses.set(name, key);
  }

  private addGroup(name: string, threshold: string, members: readonly string[]): void {
    this.checkNew(name);
    for (const member of members) {
      if (!this.isDefined(member)) {
        throw new MalformedInput(`'${displayName(member)}' is not defined on an earlier line`);
      }
      if (this.grouped.has(member)) {
        throw new MalformedInput(`'${displayName(member)}' is a member twice`);
      }
      this.grouped.add(member);
    }
    const depth = 1 + members.reduce((most, each) => Math.max(most, this.depths.get(each) ?? 0), 0);
    if (depth > MAX_DEPTH) throw new MalformedInput("groups are nested deeper than 64");
    this.depths.set(name, depth);
    this.policy.groups.set(name, { threshold: parseThreshold(threshold, members.length), members });
  }

  private setQuorum(name: string): void {
    if (this.hasQuorum) throw new MalformedInput("a second quorum line");
    if (name !== NONE && !this.isDefined(name)) {
      throw new MalformedInput(`'${displayName(name)}' is not defined on an earlier line`);
    }
    this.hasQuorum = true;
    this.policy.quorum = name === NONE ? null : name;
  }

  private isDefined(name: string): boolean {
    return this.policy.witnesses.has(name) || this.policy.groups.has(name);
  }

  private checkNew(name: string): void {
    if (name === NONE || this.isDefined(name)) {
      throw new MalformedInput(`the name '${displayName(name)}' is taken`);
    }
  }
}

function parseKey(word: string, types: readonly number[]): VerifierKey {
  const key = parseVkey(parseUtf8(fromLatin1(word), "a verifier key"));
  if (!types.includes(key.algorithm)) {
    const type = `0x${key.algorithm.toString(16).padStart(2, "0")}`;
    throw new MalformedInput(`a key of type ${type} cannot serve here`);
  }
  return key;
}

function parseThreshold(word: string, members: number): bigint {
  if (word === "all" || word === "any") return word === "all" ? BigInt(members) : 1n;
  const threshold = parseDecimal(word, "the threshold");
  if (threshold < 1n || threshold > BigInt(members)) {
    throw new MalformedInput(`a threshold of ${threshold} among ${members} members`);
  }
  return threshold;
}
