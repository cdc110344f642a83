"""Which class reads which stored event, and how old versions are brought up to date."""

from collections.abc import Callable, Iterable
from typing import Any

from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event, EventUnreadable, from_payload

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]


class EventRegistry:
    """Event classes by ``type``; a chain of pure upcasters leads older versions to the newest."""

    def __init__(self, events: Iterable[type[Event]]) -> None:
        self._current: dict[str, type[Event]] = {}
        self._upcasters: dict[tuple[str, int], Upcaster] = {}
        for kind in events:
            if self._current.setdefault(kind.type, kind) is not kind:
                raise InvariantBroken("Two event classes claim one type.", type=kind.type)

    def upcast(self, event_type: str, from_version: int, upcaster: Upcaster) -> None:
        """Register the pure function from ``from_version`` to the next one."""
        self._upcasters[(event_type, from_version)] = upcaster

    def types(self) -> dict[str, type[Event]]:
        return dict(self._current)

    def read(self, event_type: str, schema_version: int, payload: Payload) -> Event:
        """The typed event. Raises EventUnreadable for an unknown type or version."""
        kind = self._current.get(event_type)
        if kind is None:
            raise EventUnreadable("The event type is not known.", type=event_type)
        version = schema_version
        while version < kind.schema_version:
            step = self._upcasters.get((event_type, version))
            if step is None:
                raise EventUnreadable(
                    "No upcaster leads on from this version.", type=event_type, version=version
                )
            payload, version = step(payload), version + 1
        if version != kind.schema_version:
            raise EventUnreadable(
                "The event is newer than this program.", type=event_type, version=version
            )
        return from_payload(kind, payload)
