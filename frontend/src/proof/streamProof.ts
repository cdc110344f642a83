/**
 * Completeness of one stream, NAME.stream: these events are all that it has. Twin of
 * anchoring/stream_proof.py.
 *
 * Beside it lie NAME.events with the stream's n events and, last, an `index.committed` event, and
 * NAME.tlog-batch with their inclusion. The index event commits to a map over the first `size` entries
 * of the log; the path leads from the stream's last event to that map's root.
 */

import { toHex } from "./bytes.ts";
import { parseDecimal, parseHex, parseUtf8 } from "./encoding.ts";
import type { ParsedEntry } from "./envelope.ts";
import { MalformedInput, VerificationFailed } from "./errors.ts";
import { hasWord, parseHashes, parseNumber } from "./proofText.ts";
import {
  INDEX_CONTEXT,
  INDEX_EVENT,
  INDEX_STREAM,
  type IndexPath,
  KEY_BITS,
  type StreamHead,
  streamKey,
  verifyIndexPath,
} from "./streamIndex.ts";

export const STREAM_HEADER = "tallystick/stream@v1";
export const MAX_STREAM_FILE_BYTES = 200_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNFIT = /[\x00-\x1f]/;
const INDEX_MEMBERS = ["algorithm", "root", "size", "streams"];

/** What a stream file says; nothing of it is verified. */
export interface StreamProof {
  readonly tenantId: string;
  readonly streamId: string;
  readonly count: bigint;
  readonly path: IndexPath;
}

export function parseStreamProof(data: Uint8Array): StreamProof {
  if (data.length > MAX_STREAM_FILE_BYTES) {
    throw new MalformedInput("the stream file is longer than 200,000 bytes");
  }
  const lines = parseUtf8(data, "the stream file").split("\n");
  if (lines.pop() !== "" || lines.length < 4 || lines[0] !== STREAM_HEADER) {
    throw new MalformedInput(
      `the stream file has no ${STREAM_HEADER}, tenant, stream, count and newline`,
    );
  }
  const tenantId = parseId(lines[1], "tenant");
  const streamId = parseId(lines[2], "stream");
  const count = parseNumber(lines[3], "count");
  const rest = lines.slice(4);
  let neighbour: StreamHead | null = null;
  if (hasWord(rest[0], "neighbour")) {
    neighbour = parseNeighbour(rest.shift() ?? "");
    if (count > 0n) {
      throw new MalformedInput("a stream that is there has no neighbour in its place");
    }
  }
  if (rest.length > KEY_BITS) {
    throw new MalformedInput(`the path has more than ${KEY_BITS} hashes`);
  }
  return { tenantId, streamId, count, path: { siblings: parseHashes(rest), neighbour } };
}

function parseId(line: string | undefined, word: string): string {
  if (!hasWord(line, word)) {
    throw new MalformedInput(`the stream file has no ${word} line where one belongs`);
  }
  const text = line.slice(word.length + 1);
  if (text === "" || text.startsWith(" ") || text.endsWith(" ") || UNFIT.test(text)) {
    throw new MalformedInput(
      `a ${word} id is empty, holds a control character or has a space at an end`,
    );
  }
  return text;
}

function parseNeighbour(line: string): StreamHead {
  const words = line.split(" ");
  const [, key = "", countWord = "", head = ""] = words;
  if (words.length !== 4) {
    throw new MalformedInput("a neighbour line is neighbour <key> <count> <head>");
  }
  const count = parseDecimal(countWord, "the neighbour's count");
  if (count < 1n) throw new MalformedInput("the neighbour has no event");
  return {
    key: parseHex(key, "the neighbour's key", 32),
    count,
    head: parseHex(head, "the neighbour's head", 32),
  };
}

/** The stream that the user asked about, as far as they say. */
export interface Asked {
  readonly tenantId?: string | null;
  readonly streamId?: string | null;
}

/** Throws VerificationFailed when the proof is of another stream than the one asked about. */
export function requireAsked({ tenantId, streamId }: StreamProof, asked: Asked): void {
  const pairs = [
    ["tenant", asked.tenantId ?? null, tenantId],
    ["stream", asked.streamId ?? null, streamId],
  ] as const;
  for (const [word, wanted, found] of pairs) {
    if (wanted !== null && wanted !== found) {
      throw new VerificationFailed(`the proof is of ${word} ${found}`);
    }
  }
}

/** What an index event says: the map of `streams` streams over the first `size` entries. */
export interface IndexCommitment {
  readonly root: Uint8Array;
  readonly size: bigint;
  readonly streams: bigint;
}

/** Read an index event; throws MalformedInput when it is another event or has another form. */
export function parseIndexCommitment({ envelope }: ParsedEntry): IndexCommitment {
  if (envelope.type !== INDEX_EVENT || envelope.stream_id !== INDEX_STREAM) {
    throw new MalformedInput(`not an ${INDEX_EVENT} event of the stream ${INDEX_STREAM}`);
  }
  const { payload } = envelope;
  // Canonical objects have their members in order.
  if (envelope.schema_version !== 1 || String(Object.keys(payload)) !== String(INDEX_MEMBERS)) {
    throw new MalformedInput("the index event is not of version 1 or has other members");
  }
  const { algorithm, root, size, streams } = payload;
  if (algorithm !== INDEX_CONTEXT || typeof root !== "string") {
    throw new MalformedInput(`the index event is not of algorithm ${INDEX_CONTEXT}`);
  }
  const areCounts = typeof size === "number" && typeof streams === "number";
  if (!areCounts || streams < 0 || streams > size) {
    throw new MalformedInput("the index event's size and streams are not counts");
  }
  return {
    root: parseHex(root, "the index's root", 32),
    size: BigInt(size),
    streams: BigInt(streams),
  };
}

/** What was shown: `count` events are all of the stream among the first `size` entries. */
export interface Completeness {
  readonly tenantId: string;
  readonly streamId: string;
  readonly count: bigint;
  readonly size: bigint;
  readonly position: bigint;
}

/**
 * Check that `entries` are all of the stream's, and the index event that says so. `leaves` are their
 * leaf hashes and `indices` where they stand in the log, which the caller has checked.
 */
export function verifyStream(
  proof: StreamProof,
  entries: readonly ParsedEntry[],
  leaves: readonly Uint8Array[],
  indices: readonly bigint[],
): Completeness {
  const counts = [entries.length, leaves.length, indices.length].map(BigInt);
  if (counts.some((each) => each !== proof.count + 1n)) {
    throw new VerificationFailed(
      `${entries.length} entries are not ${proof.count} and an index event`,
    );
  }
  const index = parseIndexCommitment(entries.at(-1) as ParsedEntry);
  const position = indices.at(-1) as bigint;
  if (index.size > position) {
    throw new VerificationFailed("the index event covers more than came before it");
  }
  const last = indices.at(-2);
  if (last !== undefined && last >= index.size) {
    throw new VerificationFailed(`entry ${last} is not among the first ${index.size}`);
  }
  verifyChain(proof, entries.slice(0, -1), leaves);
  const key = streamKey(proof.tenantId, proof.streamId);
  const head = leaves.at(-2);
  const claimed = head === undefined ? null : { key, count: proof.count, head };
  verifyIndexPath(index.root, key, claimed, proof.path);
  const { tenantId, streamId, count } = proof;
  return { tenantId, streamId, count, size: index.size, position };
}

/** Check that the entries are versions 1, 2, 3 … of the stream, each naming the one before. */
function verifyChain(
  proof: StreamProof,
  entries: readonly ParsedEntry[],
  leaves: readonly Uint8Array[],
): void {
  let previous: string | null = null;
  for (const [at, { envelope }] of entries.entries()) {
    const version = at + 1;
    if (envelope.tenant_id !== proof.tenantId || envelope.stream_id !== proof.streamId) {
      throw new VerificationFailed(`event ${version} is of stream ${envelope.stream_id}`);
    }
    if (envelope.stream_version !== version) {
      throw new VerificationFailed(
        `version ${envelope.stream_version} stands where ${version} belongs`,
      );
    }
    if (envelope.previous !== previous) {
      throw new VerificationFailed(
        `version ${version} names another predecessor than the one shown`,
      );
    }
    previous = toHex(leaves[at] as Uint8Array);
  }
}

/** The verdict in words. */
export function describeCompleteness({ streamId, count, size, position }: Completeness): string {
  return `complete: ${count} events of ${streamId} among the first ${size} entries (index at entry ${position})`;
}
