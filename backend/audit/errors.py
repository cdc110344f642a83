"""What stops the platform from anchoring or proving."""

from backend.kernel.errors import DomainError, ErrorCode


class ChainRewound(DomainError):
    """The registry on chain is behind, or beside, an anchor recorded as final.

    Nothing goes on by itself: adopting a new chain is an explicit, logged act.
    """

    code = ErrorCode.CHAIN_REWOUND


class RegistryAhead(DomainError):
    """The registry on chain was extended by somebody else who has the writer's key."""

    code = ErrorCode.CHAIN_MISMATCH


class AnchorStateInvalid(DomainError):
    """The step does not follow from where the anchor stands."""

    code = ErrorCode.CONFLICT


class KeyInUse(DomainError):
    """A key cannot be retired now: it still signs, or nothing else would."""

    code = ErrorCode.CONFLICT


class RegistryUnsuitable(DomainError):
    """The contract is no registry of this log that the anchorer could go on in."""

    code = ErrorCode.CONFLICT


class ProofNotReady(DomainError):
    """The event has no position in the published log yet; ask again in a moment."""

    code = ErrorCode.PROOF_NOT_READY
    retryable = True
