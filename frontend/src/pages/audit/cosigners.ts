/** Which witnesses of a policy cosigned the log's head, checked on this device, and when. */

import { equal, toBigInt, utf8 } from "../../proof/bytes.ts";
import { parseCheckpoint } from "../../proof/checkpoint.ts";
import { verifySignatureLine } from "../../proof/cosignature.ts";
import { ProofError } from "../../proof/errors.ts";
import { displayName, isLogKey, isMet, parsePolicy } from "../../proof/policy.ts";

/** A witness that the policy names; `signedAt` is null where it did not sign this head. */
export interface Cosigner {
  readonly name: string;
  readonly signedAt: string | null;
}

export interface Cosigners {
  readonly witnesses: readonly Cosigner[];
  /** Whether the policy's quorum signed; null where it asks for none. */
  readonly met: boolean | null;
  /** When the head was cosigned last, by the witnesses' clocks; null where none did. */
  readonly newest: string | null;
}

/** The policy's witnesses over a signed head; null where policy or head cannot be read. */
export function readCosigners(checkpoint: string, policyBytes: Uint8Array): Cosigners | null {
  try {
    const policy = parsePolicy(policyBytes);
    const { note } = parseCheckpoint(utf8(checkpoint));
    const named = [...policy.witnesses].filter(([, key]) => !isLogKey(policy, key));
    const times = named.map(([, key]) => {
      const line = note.signatures.find(
        (each) => each.name === key.name && equal(each.keyId, key.keyId),
      );
      return line === undefined ? null : timeOf(key, note.text, line.signature);
    });
    const signed = named.filter((_, at) => times[at] !== null).map(([, key]) => key);
    return {
      witnesses: named.map(([name], at) => ({
        name: displayName(name),
        signedAt: times[at] ?? null,
      })),
      met: policy.quorum === null ? null : isMet(policy, signed),
      newest: times.reduce(
        (last, time) => (time !== null && time > (last ?? "") ? time : last),
        null,
      ),
    };
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}

/** When a witness signed, by its own clock; null where its line does not hold. */
function timeOf(
  key: Parameters<typeof verifySignatureLine>[0],
  text: string,
  signature: Uint8Array,
): string | null {
  try {
    verifySignatureLine(key, utf8(text), signature);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
  const seconds = Number(toBigInt(signature.subarray(0, 8)));
  // The last second that a date of four digits has.
  return seconds > 253_402_300_799 ? null : new Date(seconds * 1000).toISOString();
}
