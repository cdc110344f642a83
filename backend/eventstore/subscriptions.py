"""Reactions to the feed, by position: the effect and the cursor move in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.eventstore.recorded import Recorded, read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import Caller, EventStore, UnitOfWork
from backend.kernel.events import Event
from backend.kernel.faults import FAULTS

Effect = Callable[[UnitOfWork, Recorded[Any]], None]

_READ = """
SELECT feed.position, events.entry, events.leaf_hash
FROM feed JOIN events USING (tenant_id, stream_id, stream_version)
WHERE feed.position >= %s AND feed.type = ANY(%s) ORDER BY feed.position LIMIT %s
"""


@dataclass(frozen=True)
class Subscription:
    """A named reader of the feed and what it does for each class of event."""

    name: str
    handlers: Mapping[type[Event], Effect]


def read_feed(
    connection: Connection,
    registry: EventRegistry,
    position: int,
    types: list[str],
    limit: int,
) -> list[Recorded[Any]]:
    """Events of these types from ``position`` on, in log order."""
    rows = connection.execute(_READ, (position, types, limit)).fetchall()
    return [
        read_recorded(registry, row["entry"], row["leaf_hash"], row["position"]) for row in rows
    ]


class SubscriptionRunner:
    """Drives one subscription. Several processes may run it: the cursor row admits one."""

    def __init__(self, store: EventStore, subscription: Subscription) -> None:
        self._store = store
        self._subscription = subscription
        self._types = [kind.type for kind in subscription.handlers]
        self._actor = f"subscription:{subscription.name}"

    @property
    def name(self) -> str:
        return self._subscription.name

    def step(self, limit: int = 1) -> int:
        """Handle up to ``limit`` waiting events in one transaction; returns how many.

        With the default each event's effect commits by itself, so one that fails never
        undoes an earlier one. Raises what the handler raises; the cursor then stays.
        """
        caller = Caller(self._actor)
        with self._store.transaction(Scope.venue(), caller) as uow:
            cursor = self._lock_cursor(uow.connection)
            if cursor is None:
                return 0
            head = self._head(uow.connection)  # read first: what comes later is not skipped
            batch = read_feed(uow.connection, self._store.registry, cursor, self._types, limit)
            for recorded in batch:
                uow.caller = Caller(self._actor, recorded.correlation_id, recorded.event_id)
                self._subscription.handlers[type(recorded.event)](uow, recorded)
                uow.flush()
            if batch:
                self._move_cursor(uow.connection, (batch[-1].position or 0) + 1)
            elif head > cursor:
                self._move_cursor(uow.connection, head)
        if batch:
            FAULTS.reach(f"{self.name}.committed")
        return len(batch)

    def drain(self, limit: int = 1) -> int:
        """Step until nothing waits; returns how many events were handled."""
        total = 0
        while handled := self.step(limit):
            total += handled
        return total

    def position(self) -> int:
        """The next position this subscription will look at."""
        with self._store.database.transaction(Scope.venue()) as connection:
            row = connection.execute(
                "SELECT next_position FROM cursors WHERE name = %s", (self.name,)
            ).fetchone()
        return 0 if row is None else int(row["next_position"])

    @staticmethod
    def _head(connection: Connection) -> int:
        row = connection.execute(
            "SELECT coalesce(max(position) + 1, 0) AS head FROM feed"
        ).fetchone()
        return int(row["head"]) if row else 0

    def _lock_cursor(self, connection: Connection) -> int | None:
        """The cursor, locked before any event is inserted; None while another runner has it."""
        connection.execute(
            "INSERT INTO cursors (name, next_position) VALUES (%s, 0) ON CONFLICT DO NOTHING",
            (self.name,),
        )
        row = connection.execute(
            "SELECT next_position FROM cursors WHERE name = %s FOR UPDATE SKIP LOCKED", (self.name,)
        ).fetchone()
        return None if row is None else int(row["next_position"])

    def _move_cursor(self, connection: Connection, position: int) -> None:
        connection.execute(
            "UPDATE cursors SET next_position = %s WHERE name = %s", (position, self.name)
        )
