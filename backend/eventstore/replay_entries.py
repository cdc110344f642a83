"""The rows of the event table beside the log's entries, position by position.

The log decides: its entries lead to the root that was signed. Where a row and an entry differ,
the hash tiles under that root say which of the two was changed.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg

from anchoring.envelope import parse_entry
from anchoring.errors import AnchoringError, MalformedInput
from anchoring.merkle import leaf_hash
from backend.eventstore.published import LogEntry, PublishedLog
from backend.eventstore.recorded import Recorded, read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Role

_ROWS = """
SELECT feed.position, feed.event_id, feed.leaf_hash, events.entry
FROM feed LEFT JOIN events USING (tenant_id, stream_id, stream_version) ORDER BY feed.position
"""
# Only the sequencer sees the outbox. A row that stands neither there nor in the feed came past
# the trigger that fills the outbox.
_UNSEQUENCED = """
SELECT events.entry, events.event_id, outbox.insert_id IS NOT NULL AS waits
FROM events
LEFT JOIN feed USING (tenant_id, stream_id, stream_version)
LEFT JOIN unsequenced AS outbox USING (tenant_id, stream_id, stream_version)
WHERE feed.position IS NULL ORDER BY events.insert_id
"""
MAX_NAMED = 20


class Difference(msgspec.Struct, frozen=True):
    """What stands on one side only, or differently.

    ``side``: ``live`` (the database has it, the log does not), ``replayed`` (the other way
    round), or ``log`` (the log's own files were changed).
    """

    table: str
    side: str
    row: str


class Entries:
    """Yields the events of the log, and then those that are not published yet.

    ``differences`` names the first MAX_NAMED rows that are not what was logged, ``changed``
    counts all of them; both are complete when the events have been read.
    """

    def __init__(
        self, connection: Connection, registry: EventRegistry, log: PublishedLog | None
    ) -> None:
        self._connection = connection
        self._registry = registry
        self._log = log
        self.differences: list[Difference] = []
        self.changed = 0
        self.unpublished = 0
        self.is_whole = True

    def events(self) -> Iterator[Recorded[Any]]:
        """Every event in log order. Raises EventUnreadable for one that no class reads."""
        with self._connection.cursor(name="replay") as cursor:
            cursor.itersize = 1_000
            rows = _Rows(cursor.execute(_ROWS))
            if self._log is not None:
                yield from self._logged(rows, self._log)
            if not self.is_whole:
                return
            yield from self._sequenced(rows)
        if self._log is not None:
            yield from self._unsequenced()

    def _logged(self, rows: "_Rows", log: PublishedLog) -> Iterator[Recorded[Any]]:
        try:
            for item in log.entries():
                self._compare(item, rows.take(item.position), log)
                yield read_recorded(self._registry, item.entry, item.leaf_hash, item.position)
        except AnchoringError as error:
            self.is_whole = False
            self._name("log", "log", str(error))

    def _compare(self, item: LogEntry, row: dict[str, Any] | None, log: PublishedLog) -> None:
        """Compare a row with what was logged at its position."""
        if row is not None and (row["entry"], row["leaf_hash"]) == (item.entry, item.leaf_hash):
            return
        logged = f"position {item.position}, event {_event_id(item.entry)}"
        if row is None:
            self._name("feed", "replayed", f"{logged}: the row is missing")
            return
        if row["entry"] is None:
            self._name("events", "replayed", f"{logged}: the row is missing")
            return
        signed = log.signed_leaf(item.position)
        if signed != item.leaf_hash and signed == leaf_hash(row["entry"]):
            self._name("log", "log", f"{logged}: the log's file was changed, the row is as signed")
            return
        table = "feed" if row["entry"] == item.entry else "events"
        self._name(table, "live", f"{logged}: the row was changed (event {row['event_id']})")

    def _sequenced(self, rows: "_Rows") -> Iterator[Recorded[Any]]:
        """What has a position and is not in the published log, or all where none is given."""
        for row in rows.rest():
            if row["entry"] is None or leaf_hash(row["entry"]) != row["leaf_hash"]:
                where = f"position {row['position']}, event {row['event_id']}"
                state = "is missing" if row["entry"] is None else "is not the one sequenced"
                self._name("events", "live", f"{where}: the row {state}")
                continue
            self.unpublished += self._log is not None
            yield read_recorded(self._registry, row["entry"], row["leaf_hash"], row["position"])

    def _unsequenced(self) -> Iterator[Recorded[Any]]:
        role = "SELECT set_config('role', %s, true)"
        self._connection.execute(role, (Role.SEQUENCER.value,))
        rows = self._connection.execute(_UNSEQUENCED).fetchall()
        self._connection.execute(role, (Role.AUDITOR.value,))
        for row in rows:
            if not row["waits"]:
                text = f"event {row['event_id']}: the row was never on its way to the log"
                self._name("events", "live", text)
                continue
            self.unpublished += 1
            yield read_recorded(self._registry, row["entry"], leaf_hash(row["entry"]))

    def _name(self, table: str, side: str, row: str) -> None:
        self.changed += 1
        if len(self.differences) < MAX_NAMED:
            self.differences.append(Difference(table, side, row))


class _Rows:
    """Feed rows in order of position, taken one by one."""

    def __init__(self, cursor: psycopg.ServerCursor[dict[str, Any]]) -> None:
        self._rows = iter(cursor)
        self._next = next(self._rows, None)

    def take(self, position: int) -> dict[str, Any] | None:
        row = self._next
        if row is None or row["position"] != position:
            return None
        self._next = next(self._rows, None)
        return row

    def rest(self) -> Iterator[dict[str, Any]]:
        while self._next is not None:
            yield self._next
            self._next = next(self._rows, None)


def _event_id(entry: bytes) -> str:
    try:
        return parse_entry(entry).envelope.event_id
    except MalformedInput:
        return "that cannot be read"
