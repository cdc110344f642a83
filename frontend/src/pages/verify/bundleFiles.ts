/** From dropped, chosen or pasted bytes to the parts of a bundle, with precise refusals. */

import { MAX_ANCHOR_FILE_BYTES } from "../../proof/anchor.ts";
import { BATCH_HEADER } from "../../proof/batchProof.ts";
import { MAX_ENTRY_BYTES } from "../../proof/canonical.ts";
import { MAX_PERSONAL_FILE_BYTES } from "../../proof/disclosure.ts";
import { parseBase64 } from "../../proof/encoding.ts";
import { MalformedInput } from "../../proof/errors.ts";
import { MAX_EVENTS_FILE_BYTES } from "../../proof/eventsFile.ts";
import { type FixedPart, isErasurePart, type Part, type ProofFiles } from "../../proof/files.ts";
import { proofKind } from "../../proof/proofKinds.ts";
import { MAX_PROOF_TEXT_BYTES } from "../../proof/proofText.ts";
import { RANGE_HEADER } from "../../proof/rangeProof.ts";
import { MAX_STREAM_FILE_BYTES, STREAM_HEADER } from "../../proof/streamProof.ts";
import { MAX_PROOF_FILE_BYTES, PROOF_HEADER } from "../../proof/tlogProof.ts";

/** The largest file read of each part, in bytes. */
export const CAPS: Record<FixedPart, number> = {
  event: MAX_ENTRY_BYTES,
  events: MAX_EVENTS_FILE_BYTES,
  proof: MAX_PROOF_TEXT_BYTES,
  stream: MAX_STREAM_FILE_BYTES,
  anchor: MAX_ANCHOR_FILE_BYTES,
  personal: MAX_PERSONAL_FILE_BYTES,
  policy: 100_000,
  keys: 1_000_000,
  trust: 100_000,
};

const FILE_NAMES: Record<FixedPart, string> = {
  event: "NAME.event",
  events: "NAME.events",
  proof: "NAME.tlog-proof",
  stream: "NAME.stream",
  anchor: "NAME.anchor",
  personal: "NAME.personal",
  policy: "policy.txt",
  keys: "keys",
  trust: "trust",
};

/** What each part is for. */
const ROLES: Record<FixedPart, string> = {
  event: "the log entry",
  events: "the log entries, where there are several",
  proof: "the place in the tree, and the signed head (or .tlog-batch, .tlog-range)",
  stream: "that nothing of the stream is missing",
  anchor: "what the chain says of that head",
  personal: "personal data that opens the entry's commitments",
  policy: "whose signatures count",
  keys: "who may sign events",
  trust: "which registry and blocks you trust",
};

/** How the file of a part is named. */
export function fileName(part: Part): string {
  return isErasurePart(part) ? `NAME.${part}` : FILE_NAMES[part as FixedPart];
}

/** What a part is for. */
export function roleOf(part: Part): string {
  return isErasurePart(part) ? ERASURE_ROLE : ROLES[part as FixedPart];
}

function capOf(part: Part): number {
  if (!isErasurePart(part)) return CAPS[part as FixedPart];
  return part.endsWith(".event") ? CAPS.event : MAX_PROOF_FILE_BYTES;
}

const ERASURE_ROLE = "that personal data was erased";
const EXPECTED =
  "NAME.event(s), NAME.tlog-proof, -batch or -range, NAME.stream, NAME.anchor, NAME.personal, policy.txt, keys or trust";
const MAX_FILES = 40;
const MAX_PASTED = 4_000_000;

/** Something given cannot be a part of one bundle. */
export class IntakeError extends Error {
  override name = "IntakeError";
}

const ENDINGS: readonly (readonly [string, FixedPart])[] = [
  [".event", "event"],
  [".events", "events"],
  [".tlog-proof", "proof"],
  [".tlog-batch", "proof"],
  [".tlog-range", "proof"],
  [".stream", "stream"],
  [".anchor", "anchor"],
  [".personal", "personal"],
];

/** The part a file is by its name, as the command line names them. */
export function partByName(name: string): Part | null {
  const erasure = name.split(".").slice(-2).join(".");
  if (isErasurePart(erasure)) return erasure;
  const found = ENDINGS.find(([ending]) => name.endsWith(ending));
  if (found !== undefined) return found[1];
  if (name === "policy.txt" || name === "policy") return "policy";
  return name === "keys" || name === "trust" ? name : null;
}

const BEGINNINGS: readonly (readonly [string, Part])[] = [
  ['{"event":{', "event"],
  [PROOF_HEADER, "proof"],
  [BATCH_HEADER, "proof"],
  [RANGE_HEADER, "proof"],
  [STREAM_HEADER, "stream"],
  ['{"account_proof":', "anchor"],
  ['{"disclosed":', "personal"],
  ["tallystick trust", "trust"],
];

/** The part a text is by how it begins. */
export function partByContent(text: string): Part | null {
  const found = BEGINNINGS.find(([beginning]) => text.startsWith(beginning));
  if (found !== undefined) return found[1];
  if (/^[^\n]*\/keys\n/.test(text)) return "keys";
  return beginsPolicy(text) ? "policy" : null;
}

/** Whether the first line that is neither empty nor a comment is one of a policy. */
function beginsPolicy(text: string): boolean {
  // Line by line: one expression for all of them would try every way to share out the line ends.
  const skipped = /[ \t\r]*(?:#[^\n]*)?\n/y;
  let at = 0;
  while (skipped.test(text)) at = skipped.lastIndex;
  return /^[ \t]*(?:log|witness|group|quorum)[ \t]/.test(text.slice(at, at + 200));
}

/** Read files of one bundle. Each is looked at by name and size before any byte is read. */
export async function readFiles(files: readonly File[]): Promise<ProofFiles> {
  if (files.length > MAX_FILES) {
    throw new IntakeError(
      `${files.length} files: give the files of one bundle, at most ${MAX_FILES}.`,
    );
  }
  const named = files.map((file) => ({ file, part: partOf(file) }));
  const seen = new Map<Part, File>();
  for (const { file, part } of named) {
    const first = seen.get(part);
    if (first !== undefined) {
      throw new IntakeError(
        `${first.name} and ${file.name} are both ${fileName(part)}: give one bundle.`,
      );
    }
    seen.set(part, file);
  }
  const read = named.map(async ({ file, part }) => [part, await readBytes(file)] as const);
  return Object.fromEntries(await Promise.all(read));
}

function partOf(file: File): Part {
  const part = partByName(file.name);
  if (part === null) {
    throw new IntakeError(`${file.name} is no part of a proof. Expected ${EXPECTED}.`);
  }
  if (file.size > capOf(part)) {
    throw new IntakeError(
      `${file.name} has ${file.size.toLocaleString("en-US")} bytes; ${fileName(part)} has at most ${capOf(part).toLocaleString("en-US")}.`,
    );
  }
  return part;
}

async function readBytes(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new IntakeError(`${file.name} could not be read. Folders cannot be dropped.`);
  }
}

/** A pasted part, or the API's proof document with several. */
export function readPasted(text: string): ProofFiles {
  if (text.length > MAX_PASTED) {
    throw new IntakeError("The text is longer than 4,000,000 characters: no part of a proof is.");
  }
  const document = readProofDocument(text);
  if (document !== null) return document;
  const part = partByContent(text);
  if (part === null) {
    throw new IntakeError(`The text is no part of a proof. Expected the content of ${EXPECTED}.`);
  }
  // These three are one line without an end; copying from a terminal adds one.
  const isOneLine = part === "event" || part === "anchor" || part === "personal";
  const bytes = new TextEncoder().encode(isOneLine ? text.replace(/\r?\n$/, "") : text);
  if (bytes.length > capOf(part)) {
    throw new IntakeError(`The text is longer than ${fileName(part)} can be.`);
  }
  return { [part]: bytes };
}

/** A document as the API answers for the proof of an event, of several, of a range or of a stream. */
function readProofDocument(text: string): ProofFiles | null {
  if (!/"tlog_(?:proof|batch|range)"/.test(text)) return null;
  try {
    return proofDocumentFiles(JSON.parse(text) as ProofDocument);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The members of a proof document that are files, and the part that each is. */
const MEMBERS = {
  event: "event",
  events: "events",
  tlog_proof: "proof",
  tlog_batch: "proof",
  tlog_range: "proof",
  stream: "stream",
  anchor: "anchor",
  personal: "personal",
} as const;
type Member = keyof typeof MEMBERS;

/** Files in base64, by the API's names of them. */
export type ProofDocument = Readonly<Partial<Record<Member, string | null>>> & {
  readonly erasures?: readonly {
    readonly event: string;
    readonly tlog_proof: string;
    readonly anchor: string | null;
  }[];
};

/** The files of a proof document; throws IntakeError when a member is not base64. */
export function proofDocumentFiles(document: ProofDocument): ProofFiles {
  const decode = (data: unknown, member: string) =>
    data === null ? null : parseBase64(String(data), `The document's ${member}`);
  try {
    const named = (Object.keys(MEMBERS) as Member[]).filter((name) => name in document);
    const files = named.map((name) => [MEMBERS[name], decode(document[name], name)]);
    const erasures = (document.erasures ?? []).flatMap((erasure, at) => {
      const name = at === 0 ? "erasure" : `erasure-${at + 1}`;
      return [
        [`${name}.event`, decode(erasure.event, "erasure")],
        [`${name}.tlog-proof`, decode(erasure.tlog_proof, "erasure")],
        [`${name}.anchor`, decode(erasure.anchor, "erasure")],
      ];
    });
    return Object.fromEntries([...files, ...erasures]) as ProofFiles;
  } catch (error) {
    if (error instanceof MalformedInput) throw new IntakeError(`${error.message}.`);
    throw error;
  }
}

const PROOF_ENDINGS = { batch: "tlog-batch", range: "tlog-range" } as const;

/** How the file of a part ends, or its whole name where that is fixed. */
export function endingOf(part: Part, { proof }: ProofFiles): string {
  if (part !== "proof") return fileName(part).replace(/^NAME/, "");
  const kind = proof ? proofKind(proof) : null;
  return kind === "batch" || kind === "range" ? `.${PROOF_ENDINGS[kind]}` : ".tlog-proof";
}
