"""A domain event together with what the store knows of it."""

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from anchoring.envelope import parse_entry
from backend.eventstore.registry import EventRegistry
from backend.kernel.events import Event

E_co = TypeVar("E_co", bound=Event, covariant=True)


class Recorded(msgspec.Struct, Generic[E_co], frozen=True):
    """An event as it stands in its stream; ``position`` is its log index, once it has one."""

    event: E_co
    event_id: str
    tenant_id: str
    stream_id: str
    stream_version: int
    actor: str
    effective_at: datetime
    recorded_at: datetime
    correlation_id: str | None
    causation_id: str | None
    leaf_hash: bytes
    entry: bytes
    position: int | None = None


def read_recorded(
    registry: EventRegistry, entry: bytes, leaf_hash: bytes, position: int | None = None
) -> Recorded[Any]:
    """The event that the stored bytes hold. Raises EventUnreadable when no class fits."""
    envelope = parse_entry(entry).envelope
    return Recorded(
        event=registry.read(envelope.type, envelope.schema_version, envelope.payload),
        event_id=envelope.event_id,
        tenant_id=envelope.tenant_id,
        stream_id=envelope.stream_id,
        stream_version=envelope.stream_version,
        actor=envelope.actor,
        effective_at=datetime.fromisoformat(envelope.effective_at),
        recorded_at=datetime.fromisoformat(envelope.recorded_at),
        correlation_id=envelope.correlation_id,
        causation_id=envelope.causation_id,
        leaf_hash=leaf_hash,
        entry=entry,
        position=position,
    )
