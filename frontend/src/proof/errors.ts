/** The errors of the proof library: what was wrong, never a bare Error. Twin of anchoring/errors.py. */

export class ProofError extends Error {
  override name = "ProofError";

  /** The same error, named after the place where it was found. */
  at(place: string): ProofError {
    const Kind = this.constructor as new (message: string) => ProofError;
    return new Kind(`${place}: ${this.message}`);
  }
}

/** The bytes are not of the format they claim to be. */
export class MalformedInput extends ProofError {
  override name = "MalformedInput";
}

/** A well-formed input does not satisfy a check. */
export class VerificationFailed extends ProofError {
  override name = "VerificationFailed";
}

/** The cosignatures present do not reach the quorum of the policy. */
export class PolicyNotMet extends ProofError {
  override name = "PolicyNotMet";
}

/** Nothing that the user trusts ties the checkpoint to a block of a chain. */
export class NotAnchored extends ProofError {
  override name = "NotAnchored";
}

/** No trusted key has this id, or not for this log index. */
export class UnknownKey extends ProofError {
  override name = "UnknownKey";
}

/** A check could not run because what it needs was refused before. */
export class Skipped extends ProofError {
  override name = "Skipped";
}
