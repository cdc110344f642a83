/**
 * From files to a verdict: what `tally verify` does with the files it is given.
 *
 * `policy` is required; `keys` too, unless the event is a foreign one. A trust input that cannot be
 * read refuses the whole verification before it starts: nothing could be said on its word.
 */

import type { AnyBundle, Bundle } from "./bundle.ts";
import type { BlockWitness } from "./confirm.ts";
import { MalformedInput } from "./errors.ts";
import { parsePolicy } from "./policy.ts";
import { proofKind } from "./proofKinds.ts";
import type { Report } from "./report.ts";
import type { Asked } from "./streamProof.ts";
import { parseTrust, type Trust } from "./trust.ts";
import { chooseProfile, verifyBundle } from "./verifier.ts";
import type { Profile } from "./verifierInputs.ts";

/** The files of a proof: what is verified first, what is trusted last. */
export const PARTS = [
  "event",
  "events",
  "proof",
  "stream",
  "anchor",
  "personal",
  "policy",
  "keys",
  "trust",
] as const;

/** A file of an erasure's own bundle, by how its name ends: `erasure.event`, `erasure-2.event` … */
export type ErasurePart = `erasure${string}.${"event" | "tlog-proof" | "anchor"}`;
export type FixedPart = (typeof PARTS)[number];
export type Part = FixedPart | ErasurePart;

const ERASURE_PART = /^erasure(?:-(?:[2-9]|[1-9][0-9]+))?\.(?:event|tlog-proof|anchor)$/;

export function isErasurePart(name: string): name is ErasurePart {
  return ERASURE_PART.test(name);
}

/** The parts to show of some files: the fixed ones, and those of erasures that are given. */
export function partsOf(files: ProofFiles): Part[] {
  const endings = ["event", "tlog-proof", "anchor"] as const;
  const erasures = erasureNames(files).flatMap((name) =>
    endings.map((ending): ErasurePart => `${name}.${ending}`),
  );
  const at = PARTS.length - TRUST_PARTS.length;
  return [...PARTS.slice(0, at), ...erasures, ...PARTS.slice(at)];
}

/** What the reader trusts; the other parts are what is verified. */
export const TRUST_PARTS: readonly Part[] = ["policy", "keys", "trust"];

export type ProofFiles = Readonly<Partial<Record<Part, Uint8Array | null>>>;

/** Whether several entries are proven: a stream, a batch or a range. */
export function wantsEvents({ stream, proof, event, events }: ProofFiles): boolean {
  const kind = proof ? proofKind(proof) : null;
  if (kind === null) return Boolean(stream || (events && !event));
  return Boolean(stream) || kind !== "entry";
}

/** A verdict, or why the verification could not start. */
export type Outcome =
  | { readonly kind: "report"; readonly report: Report; readonly profile: Profile }
  | { readonly kind: "refused"; readonly part: Part; readonly detail: string };

interface Options {
  readonly profile?: Profile | null;
  /** What others say of the anchor's block: a wallet, a pasted hash, the server. */
  readonly blocks?: readonly BlockWitness[];
  /** Registry and chain from elsewhere, for a reader without a trust file. */
  readonly trust?: Trust | null;
  /** The stream that a stream proof must be of. */
  readonly asked?: Asked;
}

/** Verify a bundle by its files; never throws for what they hold. */
export function verifyFiles(files: ProofFiles, options: Options = {}): Outcome {
  let reading: Part = "policy";
  try {
    const policy = parsePolicy(required(files, "policy"));
    reading = wantsEvents(files) ? "events" : "event";
    const bundle = readBundle(files);
    const keys = files.keys ?? null;
    const profile = options.profile ?? chooseProfile(bundle, keys);
    reading = "keys";
    if (profile === "tallystick") required(files, "keys");
    reading = "trust";
    const trust = files.trust ? parseTrust(files.trust) : (options.trust ?? null);
    const asked = options.asked ?? {};
    const inputs = { policy, keys, trust, blocks: options.blocks ?? [], asked };
    return { kind: "report", report: verifyBundle(bundle, inputs, profile), profile };
  } catch (error) {
    if (!(error instanceof MalformedInput)) throw error;
    return { kind: "refused", part: reading, detail: error.message };
  }
}

function required(files: ProofFiles, part: Part): Uint8Array {
  const data = files[part];
  if (data === undefined || data === null)
    throw new MalformedInput(`no ${part} file: give --${part}`);
  return data;
}

function readBundle(files: ProofFiles): AnyBundle {
  const many = wantsEvents(files);
  const entries = required(files, many ? "events" : "event");
  const beside = {
    proof: required(files, "proof"),
    anchor: files.anchor ?? null,
    personal: files.personal ?? null,
    erasures: readErasures(files),
  };
  if (many) return { events: entries, stream: files.stream ?? null, ...beside };
  return { event: entries, ...beside };
}

/** The erasures' own bundles, each of an event and its proof. */
function readErasures(files: ProofFiles): Bundle[] {
  return erasureNames(files).map((name) => ({
    event: required(files, `${name}.event`),
    proof: required(files, `${name}.tlog-proof`),
    anchor: files[`${name}.anchor`] ?? null,
  }));
}

/** `erasure`, `erasure-2` and so on, as far as there are files of them. */
export function erasureNames(files: ProofFiles): `erasure${string}`[] {
  const given = Object.entries(files).filter(([, data]) => data);
  const names = given.flatMap(([part]) => /^(erasure[^.]*)\./.exec(part)?.[1] ?? []);
  const numberOf = (name: string) => Number(name.split("-")[1] ?? 1);
  const ordered = [...new Set(names)].sort((one, other) => numberOf(one) - numberOf(other));
  return ordered as `erasure${string}`[];
}
