/**
 * The log entry `{"event":E,"signature":"<hex>"}` and the event in it. Twin of anchoring/envelope.py.
 *
 * Ed25519 signs `"tallystick/event/v1\n" || E`, with E sliced out of the entry, so that the very
 * bytes that were logged are checked.
 */

import { type Bytes, concat, equal, toLatin1, utf8 } from "./bytes.ts";
import { isObject, type JsonObject, MAX_ENTRY_BYTES, parseCanonicalObject } from "./canonical.ts";
import { isSignedBy } from "./ed25519.ts";
import { parseHex } from "./encoding.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";

const CONTEXT = utf8("tallystick/event/v1\n");
const HEAD = utf8('{"event":');
const SIGNATURE_HEAD = utf8(',"signature":"');
const TAIL = utf8('"}');
const SIGNATURE_START = 128 + TAIL.length;
const EVENT_END = SIGNATURE_START + SIGNATURE_HEAD.length;

const TIME =
  /^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$/;
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HASH = /^[0-9a-f]{64}$/;
const SALT = /^[0-9a-f]{32}$/;

const STRING_FIELDS = [
  "actor",
  "algorithm",
  "effective_at",
  "event_id",
  "key_id",
  "origin",
  "recorded_at",
  "salt",
  "stream_id",
  "tenant_id",
  "type",
] as const;
const OPTIONAL_FIELDS = ["causation_id", "correlation_id", "previous"] as const;
const INTEGER_FIELDS = ["schema_version", "stream_version"] as const;
const NAMED_FIELDS = ["actor", "key_id", "origin", "stream_id", "type"] as const;

type Strings = Record<(typeof STRING_FIELDS)[number], string>;
type Optionals = Record<(typeof OPTIONAL_FIELDS)[number], string | null>;
type Integers = Record<(typeof INTEGER_FIELDS)[number], number>;

export type Envelope = Readonly<Strings & Optionals & Integers & { payload: JsonObject }>;

export interface ParsedEntry {
  readonly envelope: Envelope;
  readonly eventBytes: Uint8Array;
  readonly signature: Bytes;
}

/** Take a log entry apart; throws MalformedInput unless every byte is canonical. Verifies nothing. */
export function parseEntry(entry: Uint8Array): ParsedEntry {
  if (entry.length > MAX_ENTRY_BYTES) {
    throw new MalformedInput(`an entry of ${entry.length} bytes is longer than 65,535`);
  }
  if (entry.length <= HEAD.length + EVENT_END) {
    throw new MalformedInput("the entry is too short to hold an event and a signature");
  }
  const end = entry.length;
  const framed =
    equal(entry.subarray(0, HEAD.length), HEAD) &&
    equal(entry.subarray(end - EVENT_END, end - SIGNATURE_START), SIGNATURE_HEAD) &&
    equal(entry.subarray(end - TAIL.length), TAIL);
  if (!framed) {
    throw new MalformedInput('the entry is not {"event":...,"signature":"<128 hex digits>"}');
  }
  const digits = toLatin1(entry.subarray(end - SIGNATURE_START, end - TAIL.length));
  const signature = parseHex(digits, "the entry's signature", 64);
  const eventBytes = entry.subarray(HEAD.length, end - EVENT_END);
  return { envelope: parseEnvelope(eventBytes), eventBytes, signature };
}

/** Throws VerificationFailed unless the entry is signed by `publicKey`. */
export function verifyEntry(entry: ParsedEntry, publicKey: Uint8Array): void {
  if (!isSignedBy(publicKey, entry.signature, concat(CONTEXT, entry.eventBytes))) {
    throw new VerificationFailed("the Ed25519 signature does not verify");
  }
}

function parseEnvelope(event: Uint8Array): Envelope {
  const value = parseCanonicalObject(event, "the event");
  checkShape(value);
  const envelope = value as unknown as Envelope;
  checkFields(envelope);
  return envelope;
}

function checkShape(value: JsonObject): void {
  const wrong = (name: string) => new MalformedInput(`the event has another shape: ${name}`);
  const known = new Set<string>([
    "payload",
    ...STRING_FIELDS,
    ...OPTIONAL_FIELDS,
    ...INTEGER_FIELDS,
  ]);
  const unknown = Object.keys(value).find((name) => !known.has(name));
  if (unknown !== undefined) throw wrong(`unknown field ${unknown}`);
  for (const name of STRING_FIELDS) if (typeof value[name] !== "string") throw wrong(name);
  for (const name of INTEGER_FIELDS) if (typeof value[name] !== "number") throw wrong(name);
  for (const name of OPTIONAL_FIELDS) {
    if (value[name] !== null && typeof value[name] !== "string") throw wrong(name);
  }
  if (!isObject(value.payload)) throw wrong("payload");
}

function checkFields(envelope: Envelope): void {
  const empty = NAMED_FIELDS.find((name) => envelope[name] === "");
  if (empty !== undefined) throw new MalformedInput(`the event's ${empty} is empty`);
  if (envelope.algorithm !== "ed25519") {
    throw new MalformedInput(`unknown signature algorithm '${envelope.algorithm.slice(0, 40)}'`);
  }
  if (!UUID7.test(envelope.event_id)) {
    throw new MalformedInput("the event's event_id is not a lower-case UUIDv7");
  }
  if (!SALT.test(envelope.salt)) {
    throw new MalformedInput("the event's salt is not 16 bytes in lower-case hex");
  }
  checkTime(envelope.effective_at, "effective_at");
  checkTime(envelope.recorded_at, "recorded_at");
  checkPosition(envelope);
}

function checkTime(text: string, what: string): void {
  const parts = TIME.exec(text);
  if (parts === null) {
    throw new MalformedInput(`${what} is not RFC 3339 UTC with six digits: '${text.slice(0, 40)}'`);
  }
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number];
  // A date outside the calendar rolls over into the next month; year 0 is before the first.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (year === 0 || date.getUTCMonth() !== month - 1) {
    throw new MalformedInput(`${what} is no date of the calendar: '${text}'`);
  }
}

function checkPosition(envelope: Envelope): void {
  if (envelope.stream_version < 1) {
    throw new MalformedInput("the event's stream_version is not a positive integer");
  }
  if (envelope.schema_version < 1) {
    throw new MalformedInput("the event's schema_version is not a positive integer");
  }
  if ((envelope.previous === null) !== (envelope.stream_version === 1)) {
    throw new MalformedInput("previous is null exactly at stream version 1");
  }
  if (envelope.previous !== null && !HASH.test(envelope.previous)) {
    throw new MalformedInput("the event's previous is not a SHA-256 in lower-case hex");
  }
}
