"""What an aggregate was, event by event: who changed which field from what to what.

Nothing is stored for it. The events are the record; the state before and after each of them is
folded from its stream. "What did we know then" is asked by log position, not by a clock: a
position names exactly one prefix of the log, and the log's checkpoints prove which.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from backend.eventstore.aggregate import Aggregate
from backend.eventstore.database import Database
from backend.eventstore.recorded import Recorded, read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Scope
from backend.kernel.errors import DomainError, ErrorCode, NotFound

MAX_EVENTS = 20_000
"""The longest stream that is folded for one answer."""

Fields = Mapping[str, Any]
View = Callable[[Any], Any]

# Events without a position are not in the log yet, so nobody knew them at any position.
_STREAM = """
SELECT feed.position, events.entry, events.leaf_hash
FROM feed JOIN events USING (tenant_id, stream_id, stream_version)
WHERE feed.stream_id = %(stream)s AND (%(tenant)s::uuid IS NULL OR feed.tenant_id = %(tenant)s)
  AND feed.position <= %(position)s
ORDER BY feed.tenant_id, feed.stream_version LIMIT %(limit)s
"""


class StreamTooLong(DomainError):
    """The stream has more events than one answer folds: ask for an earlier position."""

    code = ErrorCode.VALUE_INVALID


class StreamAmbiguous(DomainError):
    """Several tenants have a stream of this id: name the tenant."""

    code = ErrorCode.VALUE_INVALID


class Change(msgspec.Struct, frozen=True):
    """One field of the state: its path, and its value before and after (None: not there)."""

    field: str
    old: Any
    new: Any


class Step(msgspec.Struct, frozen=True):
    """One event and what it changed."""

    recorded: Recorded[Any]
    changes: tuple[Change, ...]


class State(msgspec.Struct, frozen=True):
    """An aggregate as it was known at a log position."""

    tenant_id: str
    stream_id: str
    stream_version: int
    position: int
    state: Any


class History:
    """Folds streams for reading. ``folds`` maps a stream's category to how it is folded."""

    def __init__(
        self,
        database: Database,
        registry: EventRegistry,
        folds: Mapping[str, tuple[Aggregate[Any], View]],
    ) -> None:
        self._database = database
        self._registry = registry
        self._folds = folds

    def steps(
        self,
        scope: Scope,
        stream_id: str,
        tenant_id: str | None = None,
        below: int = 2**62,
        most: int = MAX_EVENTS,
    ) -> list[Step]:
        """The last ``most`` events of versions under ``below``, with what each changed, in order.

        Only these have their states copied and compared: a state grows with its stream, so that
        copying it at every event would cost the square of the stream's length.

        Raises NotFound, StreamAmbiguous, StreamTooLong.
        """
        aggregate, view = self._fold_of(stream_id)
        with self._database.transaction(scope) as connection:
            events = self._read(connection, stream_id, tenant_id, 2**62)
        wanted = [each for each in events if each.stream_version < below]
        earlier, shown = wanted[: max(0, len(wanted) - most)], wanted[-most:]
        state = _folded(aggregate, earlier)
        before = view(state) if earlier else None
        found: list[Step] = []
        for recorded in shown:
            state = aggregate.evolve(state, recorded.event)
            after = view(state)
            found.append(Step(recorded, tuple(differences(before, after))))
            before = after
        return found

    def state(
        self, scope: Scope, stream_id: str, position: int, tenant_id: str | None = None
    ) -> State:
        """The aggregate after the events that the log held up to ``position``, included.

        Raises NotFound when the log held none of the stream's, StreamAmbiguous, StreamTooLong.
        """
        aggregate, view = self._fold_of(stream_id)
        with self._database.transaction(scope) as connection:
            events = self._read(connection, stream_id, tenant_id, position)
        last = events[-1]
        return State(
            last.tenant_id,
            stream_id,
            last.stream_version,
            last.position or 0,
            view(_folded(aggregate, events)),
        )

    def _fold_of(self, stream_id: str) -> tuple[Aggregate[Any], View]:
        for category, fold in self._folds.items():
            if stream_id.startswith(f"{category}-"):
                return fold
        raise NotFound("There is no stream of this kind.", stream_id=stream_id[:120])

    def _read(
        self, connection: Connection, stream_id: str, tenant_id: str | None, position: int
    ) -> list[Recorded[Any]]:
        parameters = {
            "stream": stream_id,
            "tenant": tenant_id,
            "position": position,
            "limit": MAX_EVENTS + 1,
        }
        rows = connection.execute(_STREAM, parameters).fetchall()
        if not rows:
            raise NotFound("There is no such stream, or was none then.", stream_id=stream_id)
        if len(rows) > MAX_EVENTS:
            raise StreamTooLong("The stream is too long to fold.", most=MAX_EVENTS)
        found = [
            read_recorded(self._registry, row["entry"], row["leaf_hash"], row["position"])
            for row in rows
        ]
        if len({each.tenant_id for each in found}) > 1:
            raise StreamAmbiguous("Name the tenant of this stream.", stream_id=stream_id)
        return found


def _folded(aggregate: Aggregate[Any], events: Iterable[Recorded[Any]]) -> Any:
    state: Any = None
    for recorded in events:
        state = aggregate.evolve(state, recorded.event)
    return state


def differences(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """The leaves in which two plain values differ, by path (``lots.0.units``), in order."""
    if old == new:
        return
    if isinstance(new, dict) and (isinstance(old, dict) or (old is None and new)):
        yield from _compare(old or {}, new, path)
    elif isinstance(new, list) and (isinstance(old, list) or (old is None and new)):
        was = {str(at): each for at, each in enumerate(old or [])}
        yield from _compare(was, {str(at): each for at, each in enumerate(new)}, path)
    else:
        yield Change(path, old, new)


def _compare(old: Fields, new: Fields, path: str) -> Iterator[Change]:
    for name in (*old, *(name for name in new if name not in old)):
        inner = f"{path}.{name}" if path else str(name)
        yield from differences(old.get(name), new.get(name), inner)
