/**
 * From files to a verdict: what `tally verify` does with the files it is given.
 *
 * `policy` is required; `keys` too, unless the event is a foreign one. A trust input that cannot be
 * read refuses the whole verification before it starts: nothing could be said on its word.
 */

import type { BlockWitness } from "./confirm.ts";
import { MalformedInput } from "./errors.ts";
import { parsePolicy } from "./policy.ts";
import type { Report } from "./report.ts";
import { parseTrust, type Trust } from "./trust.ts";
import { type Bundle, chooseProfile, type Profile, verifyBundle } from "./verifier.ts";

export const PARTS = ["event", "proof", "anchor", "policy", "keys", "trust"] as const;
export type Part = (typeof PARTS)[number];

export type ProofFiles = Readonly<Partial<Record<Part, Uint8Array | null>>>;

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
}

/** Verify a bundle by its files; never throws for what they hold. */
export function verifyFiles(files: ProofFiles, options: Options = {}): Outcome {
  let reading: Part = "policy";
  try {
    const policy = parsePolicy(required(files, "policy"));
    reading = "event";
    const event = required(files, "event");
    reading = "proof";
    const bundle: Bundle = { event, proof: required(files, "proof"), anchor: files.anchor ?? null };
    const keys = files.keys ?? null;
    const profile = options.profile ?? chooseProfile(bundle, keys);
    reading = "keys";
    if (profile === "tallystick") required(files, "keys");
    reading = "trust";
    const trust = files.trust ? parseTrust(files.trust) : (options.trust ?? null);
    const inputs = { policy, keys, trust, blocks: options.blocks ?? [] };
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
