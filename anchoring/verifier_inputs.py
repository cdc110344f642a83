"""What a user brings to a verification: the profile, what they trust, and what they asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from anchoring.errors import VerificationFailed
from anchoring.policy import Policy
from anchoring.rpc import Rpc
from anchoring.trust import Trust


class Profile(StrEnum):
    """How strictly a bundle is read."""

    TALLYSTICK = "tallystick"
    C2SP = "c2sp"


@dataclass(frozen=True, slots=True)
class TrustInputs:
    """What the user takes as given.

    ``keys`` are the bytes of a ``keys`` file (checked against the log keys of the policy).
    ``trust`` names the registry and blocks; ``rpc`` a node that the user trusts for blocks.
    """

    policy: Policy
    keys: bytes | None = None
    trust: Trust | None = None
    rpc: Rpc | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The stream that the user asked about, as far as they say; a proof of another one fails."""

    tenant_id: str | None = None
    stream_id: str | None = None

    def check(self, tenant_id: str, stream_id: str) -> None:
        """Raise VerificationFailed("completeness") when the proof is of another stream."""
        for word, asked, found in (
            ("tenant", self.tenant_id, tenant_id),
            ("stream", self.stream_id, stream_id),
        ):
            if asked not in (None, found):
                raise VerificationFailed("completeness", f"the proof is of {word} {found}")
