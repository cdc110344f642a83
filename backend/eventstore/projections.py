"""Read models that follow their own stream, written in the transaction of the append."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event

Handler = Callable[[Connection, Recorded[Any]], None]


@dataclass(frozen=True)
class Projection:
    """A named set of tables and the handlers that fill them, by event class.

    A handler depends on nothing but the event and the rows of its own stream, so that a
    replay in another place gives the same rows. Table names are unqualified on purpose.
    """

    name: str
    tables: tuple[str, ...]
    handlers: Mapping[type[Event], Handler]


class ProjectionSet:
    """All projections, looked up by event class; two may handle the same class."""

    def __init__(self, projections: Iterable[Projection]) -> None:
        self.projections = tuple(projections)
        self._handlers: dict[type[Event], tuple[Handler, ...]] = {}
        owners: dict[str, str] = {}
        for projection in self.projections:
            for table in projection.tables:
                if owners.setdefault(table, projection.name) != projection.name:
                    raise InvariantBroken("Two projections write one table.", table=table)
            for kind, handler in projection.handlers.items():
                self._handlers[kind] = (*self._handlers.get(kind, ()), handler)

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(table for each in self.projections for table in each.tables)

    def apply(self, connection: Connection, recorded: Recorded[Any]) -> None:
        """Run every handler of this event, in the order of registration."""
        for handler in self._handlers.get(type(recorded.event), ()):
            handler(connection, recorded)
