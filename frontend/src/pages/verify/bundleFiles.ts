/** From dropped, chosen or pasted bytes to the parts of a bundle, with precise refusals. */

import { parseBase64 } from "../../proof/encoding.ts";
import { MalformedInput } from "../../proof/errors.ts";
import { PARTS, type Part, type ProofFiles } from "../../proof/files.ts";

/** The largest file read of each part, in bytes. */
export const CAPS: Record<Part, number> = {
  event: 65_535,
  proof: 1_100_000,
  anchor: 1_000_000,
  policy: 100_000,
  keys: 1_000_000,
  trust: 100_000,
};

export const FILE_NAMES: Record<Part, string> = {
  event: "NAME.event",
  proof: "NAME.tlog-proof",
  anchor: "NAME.anchor",
  policy: "policy.txt",
  keys: "keys",
  trust: "trust",
};

const EXPECTED = "NAME.event, NAME.tlog-proof, NAME.anchor, policy.txt, keys or trust";
const MAX_FILES = 12;
const MAX_PASTED = 4_000_000;

/** Something given cannot be a part of one bundle. */
export class IntakeError extends Error {
  override name = "IntakeError";
}

/** The part a file is by its name, as the command line names them. */
export function partByName(name: string): Part | null {
  if (name.endsWith(".event")) return "event";
  if (name.endsWith(".tlog-proof")) return "proof";
  if (name.endsWith(".anchor")) return "anchor";
  if (name === "policy.txt" || name === "policy") return "policy";
  return name === "keys" || name === "trust" ? name : null;
}

/** The part a text is by how it begins. */
export function partByContent(text: string): Part | null {
  if (text.startsWith('{"event":{')) return "event";
  if (text.startsWith("c2sp.org/tlog-proof")) return "proof";
  if (text.startsWith('{"account_proof":')) return "anchor";
  if (text.startsWith("tallystick trust")) return "trust";
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
  for (const part of PARTS) {
    const [first, second] = named.filter((each) => each.part === part);
    if (first && second) {
      throw new IntakeError(
        `${first.file.name} and ${second.file.name} are both ${FILE_NAMES[part]}: give one bundle.`,
      );
    }
  }
  const read = named.map(async ({ file, part }) => [part, await readBytes(file)] as const);
  return Object.fromEntries(await Promise.all(read));
}

function partOf(file: File): Part {
  const part = partByName(file.name);
  if (part === null) {
    throw new IntakeError(`${file.name} is no part of a proof. Expected ${EXPECTED}.`);
  }
  if (file.size > CAPS[part]) {
    throw new IntakeError(
      `${file.name} has ${file.size.toLocaleString("en-US")} bytes; ${FILE_NAMES[part]} has at most ${CAPS[part].toLocaleString("en-US")}.`,
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
  // These two are one line without an end; copying from a terminal adds one.
  const isOneLine = part === "event" || part === "anchor";
  const bytes = new TextEncoder().encode(isOneLine ? text.replace(/\r?\n$/, "") : text);
  if (bytes.length > CAPS[part]) {
    throw new IntakeError(`The text is longer than ${FILE_NAMES[part]} can be.`);
  }
  return { [part]: bytes };
}

/** `{"event": base64, "tlog_proof": base64, "anchor": base64 | null}`, as the API answers. */
function readProofDocument(text: string): ProofFiles | null {
  if (!text.includes('"tlog_proof"')) return null;
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  return proofDocumentFiles(found as unknown as ProofDocument);
}

export interface ProofDocument {
  readonly event: string;
  readonly tlog_proof: string;
  readonly anchor: string | null;
}

/** The files of a proof document; throws IntakeError when a member is not base64. */
export function proofDocumentFiles(document: ProofDocument): ProofFiles {
  try {
    return {
      event: parseBase64(String(document.event), "The document's event"),
      proof: parseBase64(String(document.tlog_proof), "The document's tlog_proof"),
      anchor:
        document.anchor === null
          ? null
          : parseBase64(String(document.anchor), "The document's anchor"),
    };
  } catch (error) {
    if (error instanceof MalformedInput) throw new IntakeError(`${error.message}.`);
    throw error;
  }
}
