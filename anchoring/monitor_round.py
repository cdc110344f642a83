"""What a monitor watches, and what one round of it found."""

from __future__ import annotations

from dataclasses import dataclass, field

from anchoring.findings import Finding, Kind
from anchoring.keys import EventKey, EventKeys
from anchoring.log_report import UNKNOWN_KEY_CHECK, LogReport
from anchoring.policy import Policy
from anchoring.rpc import Rpc
from anchoring.tiles import TileSource
from anchoring.trust import Trust

LOG, ENTRIES, KEYS, CHAIN = "log", "entries", "keys", "chain"
"""What a monitor looks at, beside witnesses, which are called by their address."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How late is too late; None: never. Times in seconds, the rest in entries."""

    lag_seconds: float | None = 3_600.0
    lag_entries: int | None = None
    checkpoint_seconds: float | None = None
    index_entries: int | None = None
    unwitnessed_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, and what is trusted of it. ``keys`` are event keys that the user knows.

    ``must_read``: the user has the right to read entries, so a refusal is a finding.
    """

    source: TileSource
    policy: Policy
    keys: bytes | None = None
    trust: Trust | None = None
    rpc: Rpc | None = None
    witnesses: tuple[str, ...] = ()
    limits: Limits = Limits()
    jobs: int = 1
    must_read: bool = False


@dataclass(slots=True)
class Round:
    """``looked`` are the subjects that could be examined: only their alerts may clear."""

    findings: list[Finding] = field(default_factory=list)
    looked: set[str] = field(default_factory=set)
    facts: dict[str, int | str | None] = field(default_factory=dict)

    def find(self, kind: Kind, subject: str, message: str, *evidence: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, subject, message, evidence))

    def take(self, other: Round) -> None:
        """Add what another look of the same round found, each finding once."""
        known = {finding.identity for finding in self.findings}
        self.findings += [each for each in other.findings if each.identity not in known]
        self.looked |= other.looked
        self.facts |= other.facts


@dataclass(frozen=True, slots=True)
class Examined:
    """What one look at keys file and entries gave; ``report`` None: the entries are not readable.

    ``refusal`` is why the file cannot be used, ``changes`` what nobody announced.
    """

    key_bytes: bytes
    keys: EventKeys | None = None
    report: LogReport | None = None
    changes: list[str] = field(default_factory=list)
    refusal: str = ""

    @property
    def accuses(self) -> bool:
        """Say whether a key is unknown."""
        problem = None if self.report is None else self.report.problem
        return bool(self.changes) or (problem is not None and problem.check == UNKNOWN_KEY_CHECK)


def compare_keys(known: EventKeys, now: EventKeys, is_announced: bool) -> list[str]:
    """Return what changed among a log's event keys that nobody announced.

    ``is_announced``: the log's entries were read and announce exactly the keys of ``now``; then
    only what contradicts ``known`` is left to say.
    """
    listed = {key.key_id: key for key in now.keys}
    before = {key.key_id for key in known.keys}
    changes = [_change(key, listed.get(key.key_id)) for key in known.keys]
    if not is_announced:
        changes += [f"the key {key_id} is new" for key_id in listed if key_id not in before]
    return [change for change in changes if change]


def _change(old: EventKey, new: EventKey | None) -> str:
    if new is None:
        return f"the key {old.key_id} is gone"
    if new.first != old.first:
        return f"the key {old.key_id} starts at entry {new.first}, no longer at {old.first}"
    if old.last is not None and new.last != old.last:
        return f"the key {old.key_id} was retired at entry {old.last}, which changed"
    return ""
