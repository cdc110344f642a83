"""Audits the log by itself, all the time: what is wrong becomes an event, a figure, a page.

Nobody has to remember to look. Every round goes on where the last one ended: the new entries
and tiles of the published log are hashed and their signatures, stream chains, keys and index
checked (:mod:`anchoring.log_check`); the database's feed is compared with the published hashes,
so that neither can have an entry that the other lacks; and what should move is seen to move. A
finding is recorded once, and once more when it is over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, LiteralString, NamedTuple

import msgspec

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import AnchoringError, MalformedInput, StorageError
from anchoring.log_check import check_log
from anchoring.log_report import UNKNOWN_KEY_CHECK, LogReport, Problem
from anchoring.log_state import LogState
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader
from backend.audit.events import AuditCleared, AuditFound
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.database import Database
from backend.eventstore.lease import Lease, holder_name
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import Caller, EventStore
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event

LOG = "log"
STALLED_SECONDS = 30.0
SETTLE_SECONDS = 1.0
CHUNK = 4_096
FEED, SEQUENCER, PUBLICATION = "feed", "sequencer", "publication"
AREAS = (LOG, FEED, SEQUENCER, PUBLICATION)
LEASE_SECONDS = 60.0
_CALLER = Caller("process:watchdog")

_ROWS = """
SELECT position, feed.leaf_hash, events.leaf_hash AS stored
FROM feed LEFT JOIN events USING (tenant_id, stream_id, stream_version)
WHERE position >= %s AND position < %s ORDER BY position
"""
_HEAD = "SELECT coalesce(max(size), 0) AS size FROM log_head"
_WAITING = """
SELECT extract(epoch FROM clock_timestamp() - min(written_at))::float8 AS seconds FROM unsequenced
"""
_STATUS = """
INSERT INTO watchdog_status (id, size, findings, checked_at)
VALUES (1, %(size)s, %(findings)s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET
  size = %(size)s, findings = %(findings)s, checked_at = clock_timestamp()
"""


class StateUnusable(StorageError):
    """The watchdog's own state is in use or cannot be written: nothing is said of the log."""


class Finding(msgspec.Struct, frozen=True):
    """What is wrong: which check, where, and a sentence."""

    check: str
    where: str
    message: str


Findings = dict[str, Finding]


def evolve(state: Findings | None, event: Event) -> Findings:
    """The findings that stand, by check."""
    known = dict(state or {})
    if isinstance(event, AuditFound):
        return known | {event.check: Finding(event.check, event.where, event.message)}
    if isinstance(event, AuditCleared):
        known.pop(event.check, None)
        return known
    raise InvariantBroken("An event of no known kind stands in the watchdog's stream.")


WATCHDOG: Aggregate[Findings] = Aggregate("watchdog", evolve)


class Look(NamedTuple):
    """What one round saw.

    ``size`` is up to where the log was found in order, ``passed`` the areas (``area_of``) that were
    looked at as a whole: only there can a finding be over.
    """

    found: list[Finding]
    size: int
    passed: frozenset[str] = frozenset(AREAS)


def area_of(check: str) -> str:
    """Which part of a round a check belongs to; all that is said of the log's bytes is one."""
    return check if check in AREAS else LOG


def decide(standing: Findings | None, look: Look) -> list[Event]:
    """Say what is new and what is over; nothing about what was said before, or not looked at."""
    known, now = standing or {}, {each.check: each for each in look.found}
    news: list[Event] = [
        AuditFound(check=each.check, where=each.where, message=each.message)
        for each in now.values()
        if each.check not in known or known[each.check].where != each.where
    ]
    over = [each for each in known if each not in now and area_of(each) in look.passed]
    return news + [AuditCleared(check=check) for check in over]


def watchdog_lease(database: Database, interval: float) -> Lease:
    """The lease under which one watchdog at a time speaks."""
    ttl = timedelta(seconds=max(LEASE_SECONDS, 3 * interval))
    return Lease(database, "watchdog", holder_name(), ttl, Scope.venue())


class Watchdog:
    """Looks at the log every ``interval`` seconds, while it has the ``lease``.

    Two that speak would contradict each other: each goes on where it itself ended. ``state`` is a
    file of the watchdog's own: how far it has checked. When it is lost or damaged, the next round
    starts from the first entry.
    """

    def __init__(
        self,
        store: EventStore,
        log: DirectoryStore,
        state: Path,
        interval: float,
        stalled_after: float = STALLED_SECONDS,
        lease: Lease | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self._state = state
        self._interval = interval
        self._stalled_after = stalled_after
        self._lease = lease
        self._fence: int | None = None
        self._looked_at: float | None = None
        self._compared = 0
        self._behind_since: tuple[int, float] | None = None

    def step(self) -> bool:
        """Look, if it is time, and record what changed; whether anything did.

        Raises DatabaseUnavailable (retryable) when the database does not answer, LeaseLost when
        another one took over meanwhile, StorageError when the state cannot be used.
        """
        if self._looked_at is not None and monotonic() - self._looked_at < self._interval:
            return False
        if self._lease is not None and not self._take_lease(self._lease):
            self._looked_at = monotonic()
            return False
        look = self.look()
        self._looked_at = monotonic()
        return self._record(look) > 0

    def release(self) -> None:
        """Let another watchdog begin at once."""
        if self._lease is not None and self._lease.fence is not None:
            self._lease.release()

    def _take_lease(self, lease: Lease) -> bool:
        """Whether it is held; who has it anew believes nothing that it saw before."""
        if not lease.acquire():
            return False
        if lease.fence != self._fence:
            self._compared, self._behind_since = 0, None
            if self._standing():
                self._forget()
            self._fence = lease.fence
        return True

    def _standing(self) -> Findings:
        with self._store.transaction(Scope.venue(), _CALLER) as uow:
            return uow.load(WATCHDOG, LOG, tenant_id=VENUE_TENANT).state or {}

    def look(self) -> Look:
        """Everything that is wrong now, and what was looked at. Raises StorageError."""
        report, found = self._check_log()
        passed = {LOG} if report.size and not found else set()
        if passed:
            found += self._compare_feed(report.size)
            passed |= {FEED} if not found else set()
        moving, seen = self._movement()
        size = report.size if LOG in passed else 0
        return Look(found + moving, size, frozenset(passed | seen))

    def _check_log(self) -> tuple[LogReport, list[Finding]]:
        try:
            if self._log.read(CHECKPOINT_PATH) is None:
                return LogReport(), []  # nothing is published yet, or ``_movement`` says so
            report = self._run_check()
            if report.problem is not None and report.problem.check == UNKNOWN_KEY_CHECK:
                # The keys file follows the checkpoint: a key announced this moment is not in it.
                sleep(SETTLE_SECONDS)
                report = self._run_check()
        except StateUnusable:
            raise
        except AnchoringError as error:
            return LogReport(), [Finding(LOG, CHECKPOINT_PATH, str(error))]
        if report.problem is None:
            return report, []
        problem = report.problem
        return report, [Finding(problem.check, problem.where, problem.message)]

    def _run_check(self) -> LogReport:
        """Go on from the state; a state that cannot be used is made anew, once."""
        policy, keys = self._log.read("policy.txt"), self._log.read("keys")
        for name, data in (("policy.txt", policy), ("keys", keys)):
            if data is None:
                problem = Problem(LOG, name, "a file that readers need is not beside the log")
                return LogReport(problem=problem)
        try:
            return self._check_from_state(policy or b"", keys or b"")
        except StateUnusable:
            raise
        except MalformedInput:
            self._forget()
            return self._check_from_state(policy or b"", keys or b"")

    def _check_from_state(self, policy: bytes, keys: bytes) -> LogReport:
        try:
            state = LogState(self._state)
        except StorageError as error:
            raise StateUnusable(str(error)) from error
        try:
            # Witnesses sign some sizes, not each: what is newest may wait for them.
            unasked = replace(parse_policy(policy), quorum=None)
            return check_log(self._log, unasked, keys, state=state)
        finally:
            state.close()

    def _forget(self) -> None:
        try:
            self._state.unlink(missing_ok=True)
        except OSError as error:
            raise StateUnusable(f"the state cannot be deleted: {error.strerror}") from error

    def _compare_feed(self, size: int) -> list[Finding]:
        """The database's leaf hashes beside the published ones, from where the last round ended."""
        reader = TileReader(self._log, size)
        while self._compared < size:
            first, end = self._compared, min(self._compared + CHUNK, size)
            published = reader.read_hashes([(0, at) for at in range(first, end)])
            with self._store.database.transaction(Scope.auditor()) as connection:
                rows = connection.execute(_ROWS, (first, end)).fetchall()
            wrong = next(_differing(first, published, rows), None)
            if wrong is not None:
                return [wrong]
            self._compared = end
        return []

    def _movement(self) -> tuple[list[Finding], set[str]]:
        """What stands still though something waits, and the areas that could be looked at."""
        with self._store.database.transaction(Scope.sequencer()) as connection:
            waiting = _value(connection, _WAITING, "seconds")
            sequenced = int(_value(connection, _HEAD, "size") or 0)
        found: list[Finding] = []
        if waiting is not None and waiting > self._stalled_after:
            found.append(Finding(SEQUENCER, "outbox", "committed events wait to be sequenced"))
        try:
            data = self._log.read(CHECKPOINT_PATH)
            published = parse_checkpoint(data)[0].size if data is not None else 0
        except AnchoringError:  # said by the log's own check
            return found, {SEQUENCER}
        if self._is_behind(published, sequenced):
            message = "sequenced events are not published"
            found.append(Finding(PUBLICATION, f"size {published}", message))
        return found, {SEQUENCER, PUBLICATION}

    def _is_behind(self, published: int, sequenced: int) -> bool:
        if published >= sequenced:
            self._behind_since = None
            return False
        if self._behind_since is None or self._behind_since[0] != published:
            self._behind_since = (published, monotonic())
        return monotonic() - self._behind_since[1] > self._stalled_after

    def _record(self, look: Look) -> int:
        with self._store.transaction(Scope.venue(), _CALLER) as uow:
            if self._lease is not None:
                self._lease.hold(uow.connection)
            loaded = uow.load(WATCHDOG, LOG, tenant_id=VENUE_TENANT)
            news = decide(loaded.state, look)
            standing = loaded.state or {}
            for event in news:
                standing = evolve(standing, event)
            recorded = uow.append(loaded, news)
            uow.connection.execute(_STATUS, {"size": look.size, "findings": len(standing)})
        return len(recorded)


def _differing(
    first: int, published: Sequence[bytes], rows: Sequence[dict[str, Any]]
) -> Iterator[Finding]:
    """Positions at which feed, events and the published log do not have the same leaf hash."""
    by_position = {int(row["position"]): row for row in rows}
    for position, leaf in enumerate(published, start=first):
        row = by_position.get(position)
        where = f"position {position}"
        if row is None:
            yield Finding(FEED, where, "the feed lacks an entry of the published log")
        elif bytes(row["leaf_hash"]) != leaf:
            yield Finding(FEED, where, "the feed has another entry than the published log")
        elif row["stored"] is None or bytes(row["stored"]) != leaf:
            yield Finding(FEED, where, "the stored event is not the published one")


def _value(connection: Connection, query: LiteralString, name: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[name] if row else None
