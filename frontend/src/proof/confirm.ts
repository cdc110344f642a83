/** Tie evidence that holds in itself to a registry and a block that the user trusts. */

import type { AnchorEvidence } from "./anchor.ts";
import { type Bytes, equal } from "./bytes.ts";
import { NotAnchored, VerificationFailed } from "./errors.ts";
import type { Trust } from "./trust.ts";

/**
 * What someone outside the bundle says of one block. `finalized` is the number of the newest final
 * block, null when nobody was asked (a hash that the user read off an explorer).
 */
export interface BlockWitness {
  readonly source: string;
  readonly chainId: bigint | null;
  readonly number: bigint;
  readonly hash: Bytes;
  readonly finalized: bigint | null;
}

/** How a verdict ends where a witness, named before it, contradicts the evidence. */
export const OTHER_BLOCK = " has another block at this number";
export const OTHER_CHAIN = " serves another chain";

/**
 * By what the evidence is confirmed, in words. Throws NotAnchored when nothing trusted speaks of the
 * block, VerificationFailed when something trusted contradicts it. As confirm_evidence in Python;
 * a BlockWitness takes the place of the node.
 */
export function confirmEvidence(
  evidence: AnchorEvidence,
  codeHash: Uint8Array,
  trust: Trust | null,
  witnesses: readonly BlockWitness[],
): string {
  if (trust === null) throw new NotAnchored("no trusted registry: give a trust file");
  if (evidence.chainId !== trust.chainId) {
    throw new VerificationFailed(`the evidence is of chain ${evidence.chainId}`);
  }
  if (!equal(evidence.registry, trust.registry)) {
    throw new VerificationFailed("the evidence is of another registry");
  }
  if (trust.codeHash !== null && !equal(trust.codeHash, codeHash)) {
    throw new VerificationFailed("the registry has other code than the trusted one");
  }
  const sources: string[] = [];
  const trusted = trust.blocks.get(evidence.blockNumber);
  if (trusted !== undefined) {
    if (!equal(trusted, evidence.blockHash)) {
      throw new VerificationFailed("the block has another hash than the trusted one");
    }
    sources.push("the trust file");
  }
  for (const witness of witnesses) {
    if (witness.number === evidence.blockNumber) sources.push(confirmBy(evidence, witness));
  }
  if (sources.length === 0) {
    throw new NotAnchored(`block ${evidence.blockNumber} is not among the trusted blocks`);
  }
  return sources.join(" and ");
}

function confirmBy(evidence: AnchorEvidence, witness: BlockWitness): string {
  if (witness.chainId !== null && witness.chainId !== evidence.chainId) {
    throw new VerificationFailed(`${witness.source}${OTHER_CHAIN}`);
  }
  if (!equal(witness.hash, evidence.blockHash)) {
    throw new VerificationFailed(`${witness.source}${OTHER_BLOCK}`);
  }
  if (witness.finalized !== null && witness.finalized < evidence.blockNumber) {
    throw new NotAnchored(
      `block ${evidence.blockNumber} is not final yet (final: ${witness.finalized})`,
    );
  }
  return witness.source;
}
