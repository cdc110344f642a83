"""Audits the log by itself, all the time: what is wrong becomes an event, a figure, a page.

Nobody has to remember to look. Every round goes on where the last one ended: the new entries
and tiles of the published log are hashed and their signatures, stream chains, keys and index
checked (:mod:`anchoring.log_check`); the database's feed is compared with the published hashes,
so that neither can have an entry that the other lacks; and what should move is seen to move. A
finding is recorded once, and once more when it is over.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any, LiteralString

import msgspec

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import AnchoringError, MalformedInput
from anchoring.log_check import check_log
from anchoring.log_report import UNKNOWN_KEY_CHECK, LogReport
from anchoring.log_state import LogState
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader
from backend.audit.events import AuditCleared, AuditFound
from backend.eventstore.aggregate import Aggregate
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


def decide(standing: Findings | None, found: Sequence[Finding]) -> list[Event]:
    """Say what is new and what is over; nothing about what was said before."""
    known, now = standing or {}, {each.check: each for each in found}
    news: list[Event] = [
        AuditFound(check=each.check, where=each.where, message=each.message)
        for each in now.values()
        if each.check not in known or known[each.check].where != each.where
    ]
    return news + [AuditCleared(check=check) for check in known if check not in now]


class Watchdog:
    """Looks at the log every ``interval`` seconds. One at a time is enough; two do no harm.

    ``state`` is a file of the watchdog's own: how far it has checked. When it is lost or
    damaged, the next round starts from the first entry.
    """

    def __init__(
        self,
        store: EventStore,
        log: DirectoryStore,
        state: Path,
        interval: float,
        stalled_after: float = STALLED_SECONDS,
    ) -> None:
        self._store = store
        self._log = log
        self._state = state
        self._interval = interval
        self._stalled_after = stalled_after
        self._looked_at: float | None = None
        self._compared = 0
        self._behind_since: tuple[int, float] | None = None

    def step(self) -> bool:
        """Look, if it is time, and record what changed; whether anything did.

        Raises DatabaseUnavailable (retryable) when the database does not answer.
        """
        if self._looked_at is not None and monotonic() - self._looked_at < self._interval:
            return False
        found, size = self.look()
        self._looked_at = monotonic()
        return self._record(found, size) > 0

    def look(self) -> tuple[list[Finding], int]:
        """Everything that is wrong now, and the size up to which the log was checked."""
        report, found = self._check_log()
        if not found:
            found += self._compare_feed(report.size)
        found += self._movement()
        return found, 0 if report.problem else report.size

    def _check_log(self) -> tuple[LogReport, list[Finding]]:
        try:
            report = self._run_check()
            if report.problem is not None and report.problem.check == UNKNOWN_KEY_CHECK:
                # The keys file follows the checkpoint: a key announced this moment is not in it.
                sleep(SETTLE_SECONDS)
                report = self._run_check()
        except AnchoringError as error:
            return LogReport(), [Finding("log", str(CHECKPOINT_PATH), str(error))]
        if report.problem is None:
            return report, []
        problem = report.problem
        return report, [Finding(problem.check, problem.where, problem.message)]

    def _run_check(self) -> LogReport:
        """Go on from the state; a state that cannot be used is made anew."""
        policy, keys = self._log.read("policy.txt"), self._log.read("keys")
        if policy is None or keys is None or self._log.read(CHECKPOINT_PATH) is None:
            return LogReport()  # nothing is published yet
        for is_last in (False, True):
            try:
                state = LogState(self._state)
            except MalformedInput:
                if is_last:
                    raise
                self._state.unlink(missing_ok=True)
                continue
            try:
                return check_log(self._log, parse_policy(policy), keys, state=state)
            finally:
                state.close()
        raise InvariantBroken("The watchdog's state could neither be read nor made anew.")

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

    def _movement(self) -> Iterator[Finding]:
        """What stands still though something waits."""
        with self._store.database.transaction(Scope.sequencer()) as connection:
            waiting = _value(connection, _WAITING, "seconds")
            sequenced = int(_value(connection, _HEAD, "size") or 0)
        if waiting is not None and waiting > self._stalled_after:
            yield Finding(SEQUENCER, "outbox", "committed events wait to be sequenced")
        data = self._log.read(CHECKPOINT_PATH)
        published = parse_checkpoint(data)[0].size if data is not None else 0
        if published >= sequenced:
            self._behind_since = None
            return
        if self._behind_since is None or self._behind_since[0] != published:
            self._behind_since = (published, monotonic())
        if monotonic() - self._behind_since[1] > self._stalled_after:
            yield Finding(PUBLICATION, f"size {published}", "sequenced events are not published")

    def _record(self, found: Sequence[Finding], size: int) -> int:
        with self._store.transaction(Scope.venue(), _CALLER) as uow:
            loaded = uow.load(WATCHDOG, LOG, tenant_id=VENUE_TENANT)
            recorded = uow.append(loaded, decide(loaded.state, found))
            uow.connection.execute(_STATUS, {"size": size, "findings": len(found)})
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
