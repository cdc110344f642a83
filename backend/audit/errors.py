"""What stops the platform from anchoring or proving."""

from backend.kernel.errors import DomainError, ErrorCode


class ChainRewound(DomainError):
    """The registry on chain is behind, or beside, an anchor recorded as final.

    Nothing goes on by itself: adopting a new chain is an explicit, logged act.
    """

    code = ErrorCode.CHAIN_REWOUND


class AnchorStateInvalid(DomainError):
    """The step does not follow from where the anchor stands."""

    code = ErrorCode.CONFLICT


class ProofNotReady(DomainError):
    """The event has no position in the published log yet; ask again in a moment."""

    code = ErrorCode.PROOF_NOT_READY
    retryable = True
