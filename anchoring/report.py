"""The verdicts of a verification, and the exit code they make together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CHECKS = ("entry", "signature", "inclusion", "checkpoint", "witnesses", "anchor")
"""The names of the sub-verdicts that every proof has, in the order in which they are shown."""

EXTRA_CHECKS = ("completeness", "personal")
"""Sub-verdicts that follow where they apply: proofs of a stream, events with personal data."""


class Status(StrEnum):
    """What became of one check."""

    OK = "ok"
    FAILED = "failed"
    MALFORMED = "malformed"
    NOT_MET = "not-met"
    NOT_ANCHORED = "not-anchored"
    NOT_CHECKED = "not-checked"


# In order of precedence: the first status that any verdict has decides.
_PRECEDENCE = (
    (Status.MALFORMED, 2, "malformed input"),
    (Status.FAILED, 1, "failed"),
    (Status.NOT_MET, 3, "policy not met"),
    (Status.NOT_ANCHORED, 4, "valid but not anchored"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check, with a sentence."""

    check: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """Every verdict of a bundle. ``facts`` are what the verified bytes say."""

    verdicts: tuple[Verdict, ...]
    facts: Mapping[str, str | int | None] = field(default_factory=dict)
    ignored_signatures: int = 0

    @property
    def exit_code(self) -> int:
        """Return 0 verified, 1 failed, 2 malformed, 3 policy not met, 4 not anchored.

        Where several hold, 2 comes before 1, 1 before 3, 3 before 4.
        """
        return self._decide()[0]

    @property
    def overall(self) -> str:
        """Return the overall verdict in words."""
        return self._decide()[1]

    def _decide(self) -> tuple[int, str]:
        found = {verdict.status for verdict in self.verdicts}
        for status, code, words in _PRECEDENCE:
            if status in found:
                return code, words
        return 0, "verified"

    def __getitem__(self, check: str) -> Verdict:
        return next(verdict for verdict in self.verdicts if verdict.check == check)
