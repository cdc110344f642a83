"""Erasures that happen by themselves, and erasures done again after a restore.

A backup holds what was erased after it was taken. The log does not forget an erasure, so whoever
restored ``personal_values`` reads every ``personal_data.erased`` event, from the database and from
the published log, and deletes what they name.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec

from anchoring.checkpoint import parse_checkpoint
from anchoring.commitment import ERASURE_EVENT, parse_erasure
from anchoring.envelope import parse_entry
from anchoring.errors import AnchoringError
from anchoring.tiles import (
    CHECKPOINT_PATH,
    TILE_WIDTH,
    Tile,
    TileSource,
    decode_entries,
    read_tile,
    tile_width,
)
from backend.eventstore.database import Database
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.recorded import read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import Caller
from backend.identity.contacts import Contacts
from backend.identity.events import PersonalDataErased
from backend.identity.store import PersonalValues
from backend.web.idempotency import forget_requests

POLL = timedelta(minutes=1)
_ACTOR = "process:erasure"
_MARK = f'"type":"{ERASURE_EVENT}"'.encode()

_EVENTS = "SELECT entry, leaf_hash FROM events WHERE type = %s"
# A value whose commitment is not the one in force: a correction replaced it after the backup.
_SUPERSEDED = """
DELETE FROM personal_values AS held USING contact_commitments AS known
WHERE known.tenant_id = held.tenant_id AND known.contact_id = held.subject_id
  AND known.commitment = held.commitment AND known.state <> 'held'
"""
_LOST = """
SELECT count(*) AS n FROM contact_commitments AS known WHERE known.state = 'held'
AND NOT EXISTS (SELECT 1 FROM personal_values AS held WHERE held.tenant_id = known.tenant_id
  AND held.subject_id = known.contact_id AND held.commitment = known.commitment)
"""


class DueErasures:
    """A step of the worker: erases contacts whose time of grace is over, one at a time.

    Any number of workers may run it; a contact's row is locked by the one that erases it.
    """

    def __init__(
        self,
        contacts: Contacts,
        poll: timedelta = POLL,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._contacts = contacts
        self._poll = poll.total_seconds()
        self._monotonic = monotonic
        self._next = 0.0

    def step(self) -> bool:
        """Erase one that is due; False when there was none, or it is too early to look again."""
        if self._monotonic() < self._next:
            return False
        if self._contacts.erase_one_due(Caller(_ACTOR)) is not None:
            return True
        self._next = self._monotonic() + self._poll
        return False


class Reapplied(msgspec.Struct, frozen=True):
    """What ``reapply`` did: erasure events read, and values deleted.

    ``superseded`` are values that a later correction had replaced, ``lost`` fields that are in
    force and whose value is not there (the backup was older than they are).
    """

    erasures: int
    deleted: int
    superseded: int
    lost: int


class Erased(msgspec.Struct, frozen=True):
    """What one erasure event names."""

    event_id: str
    tenant_id: str
    subject_id: str
    commitments: tuple[str, ...]


def reapply(database: Database, registry: EventRegistry, log: TileSource) -> Reapplied:
    """Delete every value that an erasure event names, and every one that was replaced.

    In one transaction; safe to repeat. Raises LogInconsistent when the published log cannot be
    read up to its checkpoint: what it would have told is then not known, and nothing is deleted.
    """
    published = list(published_erasures(log))
    with database.transaction(Scope.venue()) as connection:
        found = {each.event_id: each for each in (*published, *_stored(connection, registry))}
        deleted = sum(_again(connection, each) for each in found.values())
        superseded = connection.execute(_SUPERSEDED).rowcount
        row = connection.execute(_LOST).fetchone()
    return Reapplied(len(found), deleted, superseded, int(row["n"]) if row else 0)


def _again(connection: Connection, erased: Erased) -> int:
    forget_requests(connection, erased.tenant_id, erased.subject_id)
    return PersonalValues(connection, erased.tenant_id).destroy(erased.commitments)


def _stored(connection: Connection, registry: EventRegistry) -> Iterator[Erased]:
    for row in connection.execute(_EVENTS, (ERASURE_EVENT,)):
        recorded = read_recorded(registry, row["entry"], row["leaf_hash"])
        if isinstance(recorded.event, PersonalDataErased):
            event = recorded.event
            yield Erased(recorded.event_id, recorded.tenant_id, event.subject_id, event.commitments)


def published_erasures(log: TileSource) -> Iterator[Erased]:
    """Every erasure in the published log. Raises LogInconsistent when it cannot be read.

    ``tally verify-log`` tells whether the log is genuine; this only reads what it says. Whoever
    could forge an entry here could delete, and could not bring anything back.
    """
    data = log.read(CHECKPOINT_PATH)
    if data is None:
        return
    try:
        size = parse_checkpoint(data)[0].size
        for index in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
            tile = Tile(None, index, tile_width(None, index, size))
            for entry in decode_entries(read_tile(log, tile), tile.width):
                if _MARK in entry:
                    yield from _erased(entry)
    except AnchoringError as error:
        raise LogInconsistent(f"The published log cannot be read: {error}") from error


def _erased(entry: bytes) -> Iterator[Erased]:
    parsed = parse_entry(entry)
    if parsed.envelope.type == ERASURE_EVENT:  # the mark may stand in a payload too
        erasure, envelope = parse_erasure(parsed), parsed.envelope
        named = tuple(sorted(each.hex() for each in erasure.commitments))
        yield Erased(envelope.event_id, envelope.tenant_id, erasure.subject_id, named)
