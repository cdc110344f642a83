"""What the check of a whole log found, and the exit code it makes."""

from __future__ import annotations

from dataclasses import dataclass

from anchoring.errors import (
    AnchoringError,
    PolicyNotMet,
    StorageError,
    TileMissing,
    UnknownKey,
)

INDEX_CHECK = "index"
UNKNOWN_KEY_CHECK = "unknown key"
STORAGE_CHECK = "storage"
"""A file could not be read: nothing is known of what it says. One that is not there is "log"."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong: which check, where, and a sentence."""

    check: str
    where: str
    message: str


@dataclass(slots=True)
class LogReport:
    """What was checked. ``problem`` is None when everything holds.

    ``resumed`` is the size up to which an earlier run had checked the log; its counts are
    included. ``indexes`` counts the commitments to the index of streams that were recomputed
    and ``indexed`` is the size that the last of them covers.
    """

    origin: str = ""
    size: int = 0
    root: str = ""
    resumed: int = 0
    entries: int = 0
    streams: int = 0
    tiles: int = 0
    heads: int = 0
    indexes: int = 0
    indexed: int = 0
    problem: Problem | None = None

    @property
    def exit_code(self) -> int:
        """Return 0 if everything holds, 3 if only the witness quorum is missing, else 1."""
        if self.problem is None:
            return 0
        return 3 if self.problem.check == "witnesses" else 1


def problem_of(error: AnchoringError, where: str) -> Problem:
    """Return the problem that an error of a check stands for."""
    check = getattr(error, "check", "log")
    if isinstance(error, PolicyNotMet):
        check = "witnesses"
    if isinstance(error, UnknownKey):
        check = UNKNOWN_KEY_CHECK
    if isinstance(error, StorageError) and not isinstance(error, TileMissing):
        check = STORAGE_CHECK
    return Problem(check, where, str(error))
