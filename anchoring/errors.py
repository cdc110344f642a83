"""The errors of this package: what was wrong, never a bare ValueError.

Callers tell four cases apart, as the exit codes of ``tally verify`` do: the input is not of the
format (:class:`MalformedInput`), it is, but a check does not hold (:class:`VerificationFailed`),
everything holds but too few witnesses signed (:class:`PolicyNotMet`), or everything holds but
nothing trusted ties it to a chain (:class:`NotAnchored`).
"""

from __future__ import annotations


class AnchoringError(Exception):
    """Base of every error raised here; ``str(error)`` is one sentence for a person."""


class MalformedInput(AnchoringError):
    """The bytes are not of the format they claim to be."""


class VerificationFailed(AnchoringError):
    """A well-formed input does not satisfy a check.

    ``check`` names it: ``entry``, ``signature``, ``inclusion``, ``consistency``, ``checkpoint``,
    ``witnesses``, ``anchor``, ``completeness``, ``personal`` or ``log``.
    """

    def __init__(self, check: str, message: str) -> None:
        super().__init__(message)
        self.check = check


class PolicyNotMet(AnchoringError):
    """The cosignatures present do not reach the quorum of the policy."""


class NotAnchored(AnchoringError):
    """Nothing that the user trusts ties the checkpoint to a block of a chain."""


class UnknownKey(AnchoringError):
    """No trusted key has this id, or not for this log index."""


class KeyFileError(AnchoringError):
    """A private key file is missing, unreadable, too open, or its passphrase is wrong."""


class StorageError(AnchoringError):
    """The tile directory cannot be read or written, or holds something that contradicts it."""


class NotAuthorised(StorageError):
    """The server does not let this reader have the resource."""


class TileMissing(StorageError):
    """A tile that the checkpoint promises is not there."""


class StoreConflict(StorageError):
    """A write would change a resource that is immutable once published."""


class OutOfOrder(AnchoringError):
    """Entries do not start where the log ends."""


class FenceLost(AnchoringError):
    """Another publisher took over: this one must stop writing."""


class SignerRefused(AnchoringError):
    """A signing service has no such key, or gave a signature that was not asked for."""


class RpcError(AnchoringError):
    """The chain node could not be asked, or answered with an error or nonsense."""


class WitnessFailed(AnchoringError):
    """A witness or mirror gave no usable answer; ``reason`` is a short word to count by."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
