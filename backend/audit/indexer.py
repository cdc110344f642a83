"""The process manager that commits the log to the index of streams.

After the log grew it appends an ``index.committed`` event over every entry sequenced so far, at
most once per interval. ``index.*`` events alone start none, or the log would never rest. The next
event waits for nothing: a commitment speaks of a prefix of the log, and stands behind it.

The trie is kept in memory and advanced from the feed. At the start, and whenever another indexer
led meanwhile, it is compared with the newest commitment: a feed that has become another one stops
the indexer, and nothing is committed anew over it.

It runs in the worker, as a loop of its own. Its inputs are the worker's (feed and event store, no
key but the process's own), several workers may stand by, and a log that contradicts itself must
stop what trades on it. The anchorer stops where a chain is lost, which the index does not need;
the sequencer must wait for nothing.

Measured (docs/adr/0038): 0.4 KB of memory for each stream.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import msgspec

from anchoring.stream_index import INDEX_CONTEXT, INDEX_STREAM
from backend.audit.events import IndexCommitted
from backend.audit.feed_index import (
    Commitment,
    IndexAt,
    index_at,
    newest_commitment,
    require_committed,
)
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.database import Database
from backend.eventstore.errors import LeaseLost, LogInconsistent
from backend.eventstore.lease import Lease, holder_name
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import Caller, EventStore
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.kernel.faults import FAULTS

_CATEGORY, _, _LOG = INDEX_STREAM.partition("-")
_CALLER = Caller("process:indexer")
LEASE_SECONDS = 5.0

_GROWN = """
SELECT EXISTS (SELECT 1 FROM feed WHERE position >= %s AND NOT starts_with(type, 'index.')) AS grown
"""


class Indexed(msgspec.Struct, frozen=True):
    """How far the index is committed to."""

    size: int
    root: str


def evolve(state: Indexed | None, event: Event) -> Indexed:
    """Fold one event of the index's stream. Raises InvariantBroken for a foreign one."""
    if not isinstance(event, IndexCommitted):
        raise InvariantBroken("An event of no known kind stands in the index's stream.")
    return Indexed(event.size, event.root)


def commit(state: Indexed | None, event: IndexCommitted) -> list[Event]:
    """Commit to a larger log. Raises InvariantBroken for one that is not larger."""
    if state is not None and event.size <= state.size:
        raise InvariantBroken("A commitment of the stream index must extend the last one.")
    return [event]


INDEX = Aggregate(_CATEGORY, evolve)


def indexer_lease(database: Database, interval: float) -> Lease:
    """The lease under which one indexer at a time acts."""
    ttl = timedelta(seconds=max(LEASE_SECONDS, 3 * interval))
    return Lease(database, "indexer", holder_name(), ttl, Scope.venue())


class Indexer:
    """Commits to the index at most once per ``interval`` seconds. ``step`` may be repeated."""

    def __init__(
        self,
        store: EventStore,
        lease: Lease,
        interval: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease = lease
        self._interval = interval
        self._now = now
        self._next_look = now()
        self._fence: int | None = None
        self._committed = IndexAt()

    def step(self) -> bool:
        """Commit when it is time and the log grew; whether a commitment was made.

        Raises LeaseLost (retryable) while another indexer leads, LogInconsistent when feed and
        commitments contradict each other.
        """
        if self._now() < self._next_look:
            return False
        self._next_look = self._now() + self._interval
        if not self._lease.acquire():
            raise LeaseLost("Another indexer leads; standing by.")
        if self._fence != self._lease.fence:
            self._committed = self._take_up()
            self._fence = self._lease.fence
        ahead = self._ahead()
        if ahead is None:
            return False
        root = ahead.index.root()
        FAULTS.reach("index.computed")
        self._append(
            IndexCommitted(
                algorithm=INDEX_CONTEXT,
                root=root.hex(),
                size=ahead.size,
                streams=ahead.index.streams,
            )
        )
        self._committed = ahead
        return True

    def release(self) -> None:
        """Let another indexer begin at once."""
        if self._lease.fence is not None:
            self._lease.release()

    def _take_up(self) -> IndexAt:
        """The index of the newest commitment, as the feed has it now, found equal to it."""
        with self._store.database.transaction(Scope.venue()) as connection:
            newest = newest_commitment(connection)
            if newest is None:
                return IndexAt()
            if _size(connection) < newest.size:
                raise _beyond(newest)
            found = index_at(connection, newest.size, self._committed)
            require_committed(connection, newest, found)
            return found

    def _ahead(self) -> IndexAt | None:
        """The index over all that is sequenced; None when nothing but ``index.*`` is new."""
        with self._store.database.transaction(Scope.venue()) as connection:
            row = connection.execute(_GROWN, (self._committed.size,)).fetchone()
            if row is None or not row["grown"]:
                return None
            return index_at(connection, _size(connection), self._committed)

    def _append(self, event: IndexCommitted) -> None:
        with self._store.transaction(Scope.venue(), _CALLER) as uow:
            self._lease.hold(uow.connection)
            loaded = uow.load(INDEX, _LOG, tenant_id=VENUE_TENANT)
            uow.append(loaded, commit(loaded.state, event))


def _size(connection: Connection) -> int:
    row = connection.execute("SELECT coalesce(max(size), 0) AS size FROM log_head").fetchone()
    return int(row["size"]) if row else 0


def _beyond(newest: Commitment) -> LogInconsistent:
    return LogInconsistent(
        f"The event {newest.event_id} commits to {newest.size} entries, the log has fewer: was an"
        " older backup restored?",
        event_id=newest.event_id,
        size=newest.size,
    )
