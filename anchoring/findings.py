"""What a monitor can find, and the exit code that findings make together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of findings."""

    MALFORMED = "malformed"
    SPLIT_VIEW = "split-view"
    ROLLBACK = "rollback"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"
    INDEX_MISMATCH = "index-mismatch"
    CONTENT_MISMATCH = "content-mismatch"
    QUORUM_MISSING = "quorum-missing"
    ANCHOR_LAG = "anchor-lag"
    INDEX_LAG = "index-lag"
    CHECKPOINT_STALE = "checkpoint-stale"
    UNREACHABLE = "unreachable"


_EVIDENCE = (
    Kind.SPLIT_VIEW,
    Kind.ROLLBACK,
    Kind.BAD_SIGNATURE,
    Kind.UNKNOWN_KEY,
    Kind.INDEX_MISMATCH,
    Kind.CONTENT_MISMATCH,
)
# In order of precedence.
_EXIT_CODES = (
    (2, (Kind.MALFORMED,)),
    (1, _EVIDENCE),
    (3, (Kind.QUORUM_MISSING,)),
    (4, (Kind.ANCHOR_LAG, Kind.INDEX_LAG, Kind.CHECKPOINT_STALE, Kind.UNREACHABLE)),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    ``subject`` is what was looked at: ``log``, ``entries``, ``keys``, ``chain``, or a witness's
    address. ``evidence`` are names of files kept beside the monitor's state.
    """

    kind: Kind
    subject: str
    message: str
    evidence: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, str]:
        """Return what makes two findings the same one."""
        return self.kind.value, self.subject


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 fine, 2 malformed, 1 evidence of misbehaviour, 3 quorum missing, 4 late or away.

    Where several hold, 2 comes before 1, 1 before 3, 3 before 4.
    """
    kinds = {finding.kind for finding in findings}
    return next((code for code, of in _EXIT_CODES if kinds & set(of)), 0)
