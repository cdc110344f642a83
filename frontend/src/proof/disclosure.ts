/**
 * NAME.personal: salts and values that open an event's commitments, and what became of each field.
 * Twin of anchoring/disclosure.py.
 */

import type { Bytes } from "./bytes.ts";
import { isObject, type JsonValue, parseCanonicalObject } from "./canonical.ts";
import { commit, SALT_BYTES } from "./commitment.ts";
import { parseHex } from "./encoding.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";

export const MAX_PERSONAL_FILE_BYTES = 1_000_000;

/** A value and the salt that went into its commitment. */
export interface Disclosed {
  readonly salt: Bytes;
  readonly value: string;
}

/** Values by field. */
export type Disclosure = ReadonlyMap<string, Disclosed>;

/** An erasure event that was verified, and where it stands in the log. */
export interface VerifiedErasure {
  readonly commitments: ReadonlySet<string>;
  readonly index: bigint;
}

export function parseDisclosure(data: Uint8Array): Map<string, Disclosed> {
  if (data.length > MAX_PERSONAL_FILE_BYTES) {
    throw new MalformedInput("the personal file is longer than 1,000,000 bytes");
  }
  const { disclosed, ...others } = parseCanonicalObject(data, "the personal file");
  if (!isObject(disclosed) || Object.keys(others).length > 0) throw wrongShape("disclosed");
  const fields = Object.entries(disclosed).map(([field, item]) => [field, parseItem(field, item)]);
  if (fields.length === 0) throw new MalformedInput("the personal file discloses nothing");
  return new Map(fields as [string, Disclosed][]);
}

function parseItem(field: string, item: JsonValue): Disclosed {
  if (!isObject(item) || Object.keys(item).length !== 2) throw wrongShape(field);
  const { salt, value } = item;
  if (typeof salt !== "string" || typeof value !== "string") throw wrongShape(field);
  return { salt: parseHex(salt, `the salt of ${field}`, SALT_BYTES), value };
}

function wrongShape(where: string): MalformedInput {
  return new MalformedInput(`the personal file has another shape: ${where}`);
}

/**
 * One sentence for each field of `events` (commitments in hex by field): shown, erased, or neither.
 * `beside` are the erasures given with the proof, `within` those among the proven events themselves.
 * Where `places` gives the events' indices it names the first entry that has the commitment: beside
 * many events, one person's value must not be taken for another's.
 */
export function judgePersonal(
  events: readonly ReadonlyMap<string, string>[],
  disclosure: Disclosure,
  beside: readonly VerifiedErasure[],
  within: readonly VerifiedErasure[],
  places: readonly VerifiedErasure["index"][] = [],
): string[] {
  const sorted = events.map((event) => [...event].sort(([one], [other]) => order(one, other)));
  const pairs = sorted.flat();
  const found = new Set(pairs.map(pairKey));
  const opened = [...disclosure].map(
    ([field, { salt, value }]) => [field, commit(field, value, salt)] as const,
  );
  for (const pair of opened.toSorted(([one], [other]) => order(one, other))) {
    if (found.has(pairKey(pair))) continue;
    const [field] = pair;
    if (pairs.some(([name]) => name === field)) {
      throw new VerificationFailed(`${field}: the value is not of its commitment`);
    }
    throw new VerificationFailed(`the event has no personal field ${field}`);
  }
  for (const { commitments, index } of beside) {
    if (!pairs.some(([, item]) => commitments.has(item))) {
      throw new VerificationFailed(`entry ${index} erases nothing shown here`);
    }
  }
  const erased = erasedBy([...beside, ...within]);
  const shown = new Set(opened.map(pairKey));
  const once = new Map<string, { name: string; item: string }>();
  for (const [at, event] of sorted.entries()) {
    const where = places[at] === undefined ? "" : ` of entry ${places[at]}`;
    for (const pair of event) {
      const key = pairKey(pair);
      if (!once.has(key)) once.set(key, { name: pair[0] + where, item: pair[1] });
    }
  }
  return [...once].map(([key, { name, item }]) => {
    const states = shown.has(key) ? ["disclosed"] : [];
    const by = erased.get(item);
    if (by !== undefined) states.push(`erased by entry ${by}`);
    return `${name} ${states.join(" and ") || "withheld"}`;
  });
}

type Pair = readonly [field: string, commitment: string];

const pairKey = ([field, commitment]: Pair) => `${field} ${commitment}`;
const order = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

/** By commitment, the entry that says its value was erased; the first that says so counts. */
function erasedBy(erasures: readonly VerifiedErasure[]): Map<string, bigint> {
  const erased = new Map<string, bigint>();
  for (const { commitments, index } of erasures) {
    for (const item of commitments) if (!erased.has(item)) erased.set(item, index);
  }
  return erased;
}
