"""Append and load: optimistic, one PostgreSQL transaction per unit of work.

The primary key (tenant, stream, version) is the optimistic lock. Every event is signed,
chained to its stream's previous entry; a trigger gives it an outbox row in the same
statement, and the sequencer a position later. Inline projections run in the same transaction.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import msgspec
import psycopg

from anchoring.envelope import EventEnvelope, sign_entry
from anchoring.merkle import leaf_hash
from anchoring.signing import RotatingSigner, Signer
from backend.eventstore.aggregate import Aggregate, CachedState, Loaded, StateCache
from backend.eventstore.database import Database
from backend.eventstore.errors import ConcurrencyConflict
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.recorded import Recorded, read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Scope
from backend.kernel.clock import Clock, timestamp
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.kernel.faults import FAULTS
from backend.kernel.ids import IdFactory

S = TypeVar("S")
T = TypeVar("T")

_INSERT = """
INSERT INTO events (tenant_id, stream_id, stream_version, event_id, type, entry, leaf_hash,
                    recorded_at)
"""
_APPEND_MANY = (
    _INSERT
    + """
SELECT * FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::uuid[], %b::text[], %b::bytea[],
                     %b::bytea[], %b::timestamptz[])
"""
)
# Most transactions append one event to a stream: plain values spare both sides the arrays.
_APPEND_ONE = _INSERT + "VALUES (%s, %s, %s, %s, %s, %b, %b, %b)"
_TAIL = """
SELECT stream_version, entry, leaf_hash FROM events
WHERE tenant_id = %s AND stream_id = %s AND stream_version > %s ORDER BY stream_version
"""


class Caller(msgspec.Struct, frozen=True):
    """Who caused a transaction: recorded on every event of it."""

    actor: str
    correlation_id: str | None = None
    causation_id: str | None = None


class EventStore:
    """Appends to and loads from streams. One instance serves all threads of a process."""

    def __init__(
        self,
        database: Database,
        registry: EventRegistry,
        projections: ProjectionSet,
        signer: Signer | RotatingSigner,
        clock: Clock,
        ids: IdFactory,
        origin: str,
    ) -> None:
        self.database = database
        self.registry = registry
        self.projections = projections
        self.clock = clock
        self.ids = ids
        self._current: Callable[[], Signer] = (
            signer.current if isinstance(signer, RotatingSigner) else lambda: signer
        )
        self._origin = origin
        self._cache = StateCache()

    @contextmanager
    def transaction(self, scope: Scope, caller: Caller) -> Iterator["UnitOfWork"]:
        """A unit of work: all of its events and rows are kept, or none.

        Raises ConcurrencyConflict when a stream moved on meanwhile, DatabaseUnavailable when
        the outcome could not be had (look for the event id before you repeat).
        """
        with self.database.transaction(scope) as connection:
            uow = UnitOfWork(self, connection, scope, caller)
            yield uow
            uow.flush()
        for loaded in uow.touched():
            self._remember(loaded)
        FAULTS.reach_all(uow.written, "committed")

    def sign(
        self,
        event: Event,
        loaded: Loaded[Any],
        caller: Caller,
        now: datetime,
        effective_at: datetime | None,
    ) -> Recorded[Any]:
        """The next entry of the stream: enveloped, chained and signed; not stored yet."""
        signer = self._current()
        envelope = EventEnvelope(
            actor=caller.actor,
            algorithm=signer.algorithm,
            causation_id=caller.causation_id,
            correlation_id=caller.correlation_id,
            effective_at=timestamp(effective_at or now),
            event_id=self.ids.new(),
            key_id=signer.key_id,
            origin=self._origin,
            payload=event.payload(),
            previous=loaded.head.hex() if loaded.head is not None else None,
            recorded_at=timestamp(now),
            salt=os.urandom(16).hex(),
            schema_version=event.schema_version,
            stream_id=loaded.stream_id,
            stream_version=loaded.version + 1,
            tenant_id=loaded.tenant_id,
            type=event.type,
        )
        entry = sign_entry(envelope, signer)
        return Recorded(
            event=event,
            event_id=envelope.event_id,
            tenant_id=envelope.tenant_id,
            stream_id=envelope.stream_id,
            stream_version=envelope.stream_version,
            actor=envelope.actor,
            effective_at=effective_at or now,
            recorded_at=now,
            correlation_id=envelope.correlation_id,
            causation_id=envelope.causation_id,
            leaf_hash=leaf_hash(entry),
            entry=entry,
        )

    def load(
        self, connection: Connection, aggregate: Aggregate[S], tenant_id: str, aggregate_id: str
    ) -> Loaded[S]:
        """The aggregate as committed now: the remembered state plus the tail of its stream."""
        stream_id = aggregate.stream_id(aggregate_id)
        known = self._cache.get(tenant_id, stream_id) or CachedState(None, 0, None)
        loaded: Loaded[S] = Loaded(
            aggregate, tenant_id, stream_id, known.state, known.version, known.head
        )
        rows = connection.execute(_TAIL, (tenant_id, stream_id, known.version)).fetchall()
        for row in rows:
            if row["stream_version"] != loaded.version + 1:
                raise InvariantBroken("A stream has a hole.", stream_id=stream_id)
            recorded = read_recorded(self.registry, row["entry"], row["leaf_hash"])
            _advance(loaded, recorded)
        if rows:
            self._remember(loaded)
        return loaded

    def _remember(self, loaded: Loaded[Any]) -> None:
        self._cache.put(
            loaded.tenant_id,
            loaded.stream_id,
            CachedState(loaded.state, loaded.version, loaded.head),
        )


class UnitOfWork:
    """One transaction: loads, buffered appends, and a connection for side rows."""

    def __init__(
        self, store: EventStore, connection: Connection, scope: Scope, caller: Caller
    ) -> None:
        self.connection = connection
        self.scope = scope
        self.caller = caller
        self._store = store
        self._loaded: dict[tuple[str, str], Loaded[Any]] = {}
        self._pending: list[Recorded[Any]] = []
        self.written: list[str] = []  # types, in the order of the appends

    @cached_property
    def now(self) -> datetime:
        """Business time, the same for the whole transaction: what its events record."""
        return self._store.clock.now()

    def new_id(self) -> str:
        return self._store.ids.new()

    def load(
        self, aggregate: Aggregate[S], aggregate_id: str, *, tenant_id: str | None = None
    ) -> Loaded[S]:
        """The aggregate, once per transaction; ``tenant_id`` defaults to the scope's tenant."""
        tenant = tenant_id or self.scope.tenant_id
        key = (tenant, aggregate.stream_id(aggregate_id))
        if key not in self._loaded:
            self._loaded[key] = self._store.load(self.connection, aggregate, tenant, aggregate_id)
        return self._loaded[key]

    def append(
        self,
        loaded: Loaded[S],
        events: Sequence[Event],
        *,
        effective_at: datetime | None = None,
    ) -> list[Recorded[Any]]:
        """Add ``events`` to the stream; they are written by ``flush``, at the latest at the end."""
        appended = []
        for event in events:
            recorded = self._store.sign(event, loaded, self.caller, self.now, effective_at)
            _advance(loaded, recorded)
            self._pending.append(recorded)
            appended.append(recorded)
        return appended

    def flush(self) -> None:
        """Write what was appended so far and run its projections.

        Raises ConcurrencyConflict when another transaction took one of the versions.
        """
        pending, self._pending = self._pending, []
        if not pending:
            return
        types = [each.event.type for each in pending]
        FAULTS.reach_all(types, "decided")
        try:
            if len(pending) == 1:
                self.connection.execute(_APPEND_ONE, _row(pending[0]))
            else:
                self.connection.execute(
                    _APPEND_MANY, [list(column) for column in zip(*map(_row, pending), strict=True)]
                )
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != "events_pkey":
                raise
            raise ConcurrencyConflict(
                "Someone else changed this first; load it again.", stream_id=pending[0].stream_id
            ) from error
        for recorded in pending:
            self._store.projections.apply(self.connection, recorded)
        self.written += types
        FAULTS.reach_all(types, "inserted")

    def touched(self) -> list[Loaded[Any]]:
        return list(self._loaded.values())


def _advance(loaded: Loaded[Any], recorded: Recorded[Any]) -> None:
    loaded.state = loaded.aggregate.evolve(loaded.state, recorded.event)
    loaded.version = recorded.stream_version
    loaded.head = recorded.leaf_hash


def _row(recorded: Recorded[Any]) -> tuple[Any, ...]:
    return (
        recorded.tenant_id,
        recorded.stream_id,
        recorded.stream_version,
        recorded.event_id,
        recorded.event.type,
        recorded.entry,
        recorded.leaf_hash,
        recorded.recorded_at,
    )


def retrying(work: Callable[[], T], attempts: int = 3) -> T:
    """Run ``work``, again from its load on a lost race, at most ``attempts`` times."""
    for left in range(attempts - 1, -1, -1):
        try:
            return work()
        except ConcurrencyConflict:
            if left == 0:
                raise
    raise InvariantBroken("retrying needs at least one attempt.")
