/** The files given so far: how more join them, and which are still missing. */

import { type Part, type ProofFiles, TRUST_PARTS, wantsEvents } from "../../proof/files.ts";

/** What is given after more files came. */
export function combine(before: ProofFiles, files: ProofFiles): ProofFiles {
  // Another proof is another bundle: an anchor or event left over from the last would mislead.
  const isWhole = Boolean(files.proof && (files.event || files.events));
  return { ...(isWhole ? only(before, isTrusted) : before), ...files };
}

/** Which file there has to be before anything can be judged; null when nothing is missing. */
export function missingPart(given: ProofFiles): string | null {
  const bundle = only(given, (part) => !isTrusted(part));
  if (!Object.values(bundle).some(Boolean)) return "Nothing is given yet.";
  const isMany = wantsEvents(given);
  if (!given.proof) {
    const several = given.stream ? ".tlog-batch" : ".tlog-batch or .tlog-range";
    return `The proof (${isMany ? several : ".tlog-proof"}) is missing.`;
  }
  if (isMany) return given.events ? null : "The events (.events) are missing.";
  return given.event ? null : "The event (.event) is missing.";
}

/** The files without one part. */
export function without(files: ProofFiles, part: Part): ProofFiles {
  return only(files, (each) => each !== part);
}

const isTrusted = (part: Part) => TRUST_PARTS.includes(part);

function only(files: ProofFiles, keep: (part: Part) => boolean): ProofFiles {
  return Object.fromEntries(Object.entries(files).filter(([part]) => keep(part as Part)));
}
