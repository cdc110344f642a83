"""Event keys and anchors as rows."""

from backend.audit.events import (
    AnchorFailed,
    AnchorFinalised,
    AnchorIncluded,
    AnchorReorged,
    AnchorReplaced,
    AnchorSubmitted,
    EventKeyAnnounced,
)
from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection


def _announced(db: Connection, e: Recorded[EventKeyAnnounced]) -> None:
    db.execute(
        "INSERT INTO event_keys (key_id, public_key, process, first_position)"
        " VALUES (%s, %s, %s, %s)",
        (e.event.key_id, e.event.public_key, e.event.process, e.event.first_position),
    )


def _submitted(db: Connection, e: Recorded[AnchorSubmitted]) -> None:
    db.execute(
        "INSERT INTO anchors (size, root, state, transaction_hash, submitted_at)"
        " VALUES (%s, %s, 'SUBMITTED', %s, %s)",
        (e.event.size, e.event.root, e.event.transaction_hash, e.recorded_at),
    )


def _replaced(db: Connection, e: Recorded[AnchorReplaced]) -> None:
    db.execute(
        "UPDATE anchors SET transaction_hash = %s WHERE size = %s",
        (e.event.transaction_hash, e.event.size),
    )


def _included(db: Connection, e: Recorded[AnchorIncluded]) -> None:
    db.execute(
        "UPDATE anchors SET state = 'INCLUDED', transaction_hash = %s, block_number = %s,"
        " block_hash = %s, gas_used = %s WHERE size = %s",
        (
            e.event.transaction_hash,
            e.event.block_number,
            e.event.block_hash,
            e.event.gas_used,
            e.event.size,
        ),
    )


def _reorged(db: Connection, e: Recorded[AnchorReorged]) -> None:
    db.execute(
        "UPDATE anchors SET state = 'SUBMITTED', block_number = NULL, block_hash = NULL,"
        " gas_used = NULL WHERE size = %s",
        (e.event.size,),
    )


def _failed(db: Connection, e: Recorded[AnchorFailed]) -> None:
    db.execute("DELETE FROM anchors WHERE size = %s AND state <> 'FINAL'", (e.event.size,))


def _finalised(db: Connection, e: Recorded[AnchorFinalised]) -> None:
    db.execute(
        "UPDATE anchors SET state = 'FINAL', evidence_block = %s, evidence_block_hash = %s,"
        " evidence_sha256 = %s, finalised_at = %s WHERE size = %s",
        (
            e.event.evidence_block,
            e.event.evidence_block_hash,
            e.event.evidence_sha256,
            e.recorded_at,
            e.event.size,
        ),
    )


PROJECTION = Projection(
    "audit",
    ("event_keys", "anchors"),
    {
        EventKeyAnnounced: _announced,
        AnchorSubmitted: _submitted,
        AnchorReplaced: _replaced,
        AnchorIncluded: _included,
        AnchorReorged: _reorged,
        AnchorFailed: _failed,
        AnchorFinalised: _finalised,
    },
)
