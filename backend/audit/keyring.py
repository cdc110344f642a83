"""The keys of the log, told by the log itself: who signs entries and checkpoints, and until when.

An event key is announced before anything it signs, and retired once nothing signs with it. A key
of the log's own is announced, signs beside the old one for a while, and the old one is retired.
"""

import msgspec

from anchoring.errors import MalformedInput
from anchoring.note import ALG_ED25519, parse_note, parse_vkey
from anchoring.signing import Signer
from backend.audit.anchor_reads import log_size
from backend.audit.errors import KeyInUse
from backend.audit.events import (
    EventKeyAnnounced,
    EventKeyRetired,
    LogKeyAnnounced,
    LogKeyRetired,
)
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore, retrying
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import InvariantBroken, NotFound
from backend.kernel.events import Event


class KnownKey(msgspec.Struct, frozen=True):
    """A key that was announced: its first entry (or size), and its last once it is retired."""

    first: int
    last: int | None = None


class KeyRing(msgspec.Struct, frozen=True):
    """All keys ever announced: event keys by id, keys of the log by verifier key."""

    events: dict[str, KnownKey] = {}
    log: dict[str, KnownKey] = {}


def evolve(state: KeyRing | None, event: Event) -> KeyRing:
    """Fold one event of the key ring's stream. Raises InvariantBroken for a foreign one."""
    ring = state or KeyRing()
    match event:
        case EventKeyAnnounced():
            return _with_event_key(ring, event.key_id, KnownKey(event.first_position))
        case EventKeyRetired():
            known = ring.events[event.key_id]
            return _with_event_key(ring, event.key_id, KnownKey(known.first, event.last_position))
        case LogKeyAnnounced():
            return _with_log_key(ring, event.vkey, KnownKey(event.first_size))
        case LogKeyRetired():
            known = ring.log[event.vkey]
            return _with_log_key(ring, event.vkey, KnownKey(known.first, event.last_size))
    raise InvariantBroken("An event of no known kind stands in the key ring.")


def _with_event_key(ring: KeyRing, key_id: str, key: KnownKey) -> KeyRing:
    return KeyRing({**ring.events, key_id: key}, ring.log)


def _with_log_key(ring: KeyRing, vkey: str, key: KnownKey) -> KeyRing:
    return KeyRing(ring.events, {**ring.log, vkey: key})


KEYRING = Aggregate("keyring", evolve)
LOG = "log"


def read_ring(store: EventStore, caller: Caller) -> KeyRing:
    """Every key that was announced."""
    with store.transaction(Scope.venue(), caller) as uow:
        return uow.load(KEYRING, LOG, tenant_id=VENUE_TENANT).state or KeyRing()


def announce_key(store: EventStore, signer: Signer, process: str) -> bool:
    """Record an event key unless it is known; returns whether it was new."""

    def once() -> bool:
        with store.transaction(Scope.venue(), Caller(f"process:{process}")) as uow:
            loaded = uow.load(KEYRING, LOG, tenant_id=VENUE_TENANT)
            if loaded.state is not None and signer.key_id in loaded.state.events:
                return False
            event = EventKeyAnnounced(
                key_id=signer.key_id,
                public_key=signer.public_key.hex(),
                process=process,
                first_position=log_size(uow.connection),
            )
            uow.append(loaded, [event])
            return True

    return retrying(once, attempts=10)


def announce_log_key(store: EventStore, caller: Caller, vkey: str) -> bool:
    """Record a key of the log's own unless it is known; returns whether it was new."""

    def once() -> bool:
        with store.transaction(Scope.venue(), caller) as uow:
            loaded = uow.load(KEYRING, LOG, tenant_id=VENUE_TENANT)
            if loaded.state is not None and vkey in loaded.state.log:
                return False
            size = log_size(uow.connection)
            uow.append(loaded, [LogKeyAnnounced(vkey=vkey, first_size=size)])
            return True

    return retrying(once, attempts=10)


def retire_event_key(store: EventStore, caller: Caller, key_id: str) -> int:
    """Say that a key signs no more; returns the last entry it vouches for.

    Whoever calls has seen that nothing signs with it (``usage.refuse_if_used``). Raises NotFound,
    and KeyInUse for a key that was retired, or whose announcement has no position yet.
    """

    def once() -> int:
        with store.transaction(Scope.venue(), caller) as uow:
            loaded = uow.load(KEYRING, LOG, tenant_id=VENUE_TENANT)
            key = _active((loaded.state or KeyRing()).events, key_id)
            last = log_size(uow.connection) - 1
            if last < key.first:
                raise KeyInUse("The key's announcement is not in the log yet.", key_id=key_id)
            uow.append(loaded, [EventKeyRetired(key_id=key_id, last_position=last)])
            return last

    return retrying(once)


def retire_log_key(store: EventStore, caller: Caller, vkey: str) -> int:
    """Say that a key of the log's signs no more; returns the log's size.

    Raises NotFound, and KeyInUse for the last Ed25519 key, or while the newest checkpoint is
    signed by no other one.
    """

    def once() -> int:
        with store.transaction(Scope.venue(), caller) as uow:
            loaded = uow.load(KEYRING, LOG, tenant_id=VENUE_TENANT)
            ring = loaded.state or KeyRing()
            _active(ring.log, vkey)
            row = uow.connection.execute(
                "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1"
            ).fetchone()
            size, note = (int(row["size"]), bytes(row["note"])) if row else (0, b"")
            if not _signed_by_another(ring, vkey, note):
                raise KeyInUse("No other Ed25519 key of the log signs its checkpoints.", vkey=vkey)
            uow.append(loaded, [LogKeyRetired(vkey=vkey, last_size=size)])
            return size

    return retrying(once)


def _active(keys: dict[str, KnownKey], name: str) -> KnownKey:
    key = keys.get(name)
    if key is None:
        raise NotFound("No such key was announced.", key=name)
    if key.last is not None:
        raise KeyInUse("The key was retired before.", key=name, last=key.last)
    return key


def _signed_by_another(ring: KeyRing, vkey: str, note: bytes) -> bool:
    """Whether the note has a line of an active Ed25519 key of the log other than ``vkey``."""
    others = [parse_vkey(each) for each, key in ring.log.items() if key.last is None]
    wanted = {
        (key.name, key.key_id)
        for key in others
        if key.algorithm == ALG_ED25519 and str(key) != vkey
    }
    try:
        lines = parse_note(note).signatures
    except MalformedInput:
        return False
    return any((line.name, line.key_id) in wanted for line in lines)
