/**
 * Commitments to personal data: an event names a value without holding it. Twin of
 * anchoring/commitment.py.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, toHex, utf8 } from "./bytes.ts";
import { isKey, isObject, type JsonValue } from "./canonical.ts";
import { parseHex } from "./encoding.ts";
import type { ParsedEntry } from "./envelope.ts";
import { MalformedInput } from "./errors.ts";

export const SALT_BYTES = 32;
export const ERASURE_EVENT = "personal_data.erased";

const CONTEXT = utf8("tallystick/pii/v1\0");
const SEPARATOR = Uint8Array.of(0);
const ERASURE_MEMBERS = ["commitments", "fields", "reason", "subject_id"];

/** The commitment to `value` of `field`, in hex: SHA-256(context || salt || field || 0 || value). */
export function commit(field: string, value: string, salt: Bytes): string {
  return toHex(sha256(concat(CONTEXT, salt, utf8(field), SEPARATOR, utf8(value))));
}

/** An event's commitments in hex, by field; empty when it has no personal data. */
export function personalFields({ envelope }: ParsedEntry): Map<string, string> {
  const found = envelope.payload.personal;
  if (found === undefined || found === null) return new Map();
  if (!isObject(found)) throw new MalformedInput("the event's personal is not an object");
  return new Map(Object.entries(found).map(([field, item]) => [field, parseCommitment(item)]));
}

/** The commitments, in hex, whose values an erasure event says were destroyed. */
export function parseErasure({ envelope }: ParsedEntry): ReadonlySet<string> {
  if (envelope.type !== ERASURE_EVENT || envelope.schema_version !== 1) {
    throw new MalformedInput(`the event is not a ${ERASURE_EVENT} of version 1`);
  }
  const { payload } = envelope;
  if (ERASURE_MEMBERS.some((name) => !(name in payload))) {
    throw new MalformedInput(`the erasure lacks one of ${ERASURE_MEMBERS.join(", ")}`);
  }
  const { commitments: listed, fields, reason, subject_id } = payload;
  if (typeof subject_id !== "string" || typeof reason !== "string") {
    throw new MalformedInput("the erasure's subject_id or reason is not a string");
  }
  if (!Array.isArray(fields) || !fields.every((field) => isKey(field))) {
    throw new MalformedInput("the erasure's fields are not field names");
  }
  if (!Array.isArray(listed) || listed.length === 0) {
    throw new MalformedInput("the erasure lists no commitments");
  }
  const commitments = listed.map(parseCommitment);
  if (commitments.some((item, at) => at > 0 && item <= (commitments[at - 1] as string))) {
    throw new MalformedInput("the erasure's commitments are not in ascending order");
  }
  return new Set(commitments);
}

function parseCommitment(value: JsonValue): string {
  if (typeof value !== "string") throw new MalformedInput("a commitment is not a string");
  return toHex(parseHex(value, "a commitment", 32));
}
