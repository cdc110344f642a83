"""Keys, anchors and what they cost, and commitments to the index of streams as rows."""

from backend.audit.events import (
    AnchorCaughtUp,
    AnchorDeferred,
    AnchorFailed,
    AnchorFinalised,
    AnchorIncluded,
    AnchorLagging,
    AnchorReorged,
    AnchorReplaced,
    AnchorSubmitted,
    EventKeyAnnounced,
    EventKeyRetired,
    IndexCommitted,
    LogKeyAnnounced,
    LogKeyRetired,
    RegistryAdopted,
    RegistryReplaced,
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


def _retired(db: Connection, e: Recorded[EventKeyRetired]) -> None:
    db.execute(
        "UPDATE event_keys SET last_position = %s WHERE key_id = %s",
        (e.event.last_position, e.event.key_id),
    )


def _log_key_announced(db: Connection, e: Recorded[LogKeyAnnounced]) -> None:
    db.execute(
        "INSERT INTO log_keys (vkey, first_size, announced_as) VALUES (%s, %s, %s)",
        (e.event.vkey, e.event.first_size, e.stream_version),
    )


def _log_key_retired(db: Connection, e: Recorded[LogKeyRetired]) -> None:
    db.execute(
        "UPDATE log_keys SET last_size = %s WHERE vkey = %s", (e.event.last_size, e.event.vkey)
    )


def _adopted(db: Connection, e: Recorded[RegistryAdopted]) -> None:
    db.execute(
        "INSERT INTO anchoring_status (log, chain_id, registry) VALUES ('log', %s, %s)",
        (e.event.chain_id, e.event.registry),
    )


def _moved(db: Connection, e: Recorded[RegistryReplaced]) -> None:
    db.execute(
        "UPDATE anchoring_status SET chain_id = %s, registry = %s, deferred = NULL, replaced = 0",
        (e.event.chain_id, e.event.registry),
    )
    db.execute("DELETE FROM anchors WHERE state <> 'FINAL'")


def _submitted(db: Connection, e: Recorded[AnchorSubmitted]) -> None:
    db.execute(
        "INSERT INTO anchors"
        " (size, root, state, transaction_hash, submitted_at, chain_id, registry)"
        " SELECT %s, %s, 'SUBMITTED', %s, %s, chain_id, registry FROM anchoring_status",
        (e.event.size, e.event.root, e.event.transaction_hash, e.recorded_at),
    )
    db.execute("UPDATE anchoring_status SET deferred = NULL, replaced = 0")


def _replaced(db: Connection, e: Recorded[AnchorReplaced]) -> None:
    db.execute(
        "UPDATE anchors SET transaction_hash = %s WHERE size = %s",
        (e.event.transaction_hash, e.event.size),
    )
    db.execute("UPDATE anchoring_status SET deferred = NULL, replaced = replaced + 1")


def _deferred(db: Connection, e: Recorded[AnchorDeferred]) -> None:
    db.execute("UPDATE anchoring_status SET deferred = %s", (e.event.reason,))


def _lagging(db: Connection, e: Recorded[AnchorLagging]) -> None:
    db.execute("UPDATE anchoring_status SET lagging = true")


def _caught_up(db: Connection, e: Recorded[AnchorCaughtUp]) -> None:
    db.execute("UPDATE anchoring_status SET lagging = false")


def _paid(db: Connection, e: Recorded[AnchorIncluded] | Recorded[AnchorFailed]) -> None:
    """What a mined transaction cost; unknown for events of version 1, which leave no row."""
    gas, price = e.event.gas_used, e.event.effective_gas_price
    if gas is None or price is None:
        return
    block_hash = e.event.block_hash if isinstance(e.event, AnchorIncluded) else None
    db.execute(
        "INSERT INTO anchor_fees (stream_version, size, block_hash, gas_used, fee)"
        " VALUES (%s, %s, %s, %s, %s)",
        (e.stream_version, e.event.size, block_hash, gas, gas * int(price)),
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
    _paid(db, e)


def _reorged(db: Connection, e: Recorded[AnchorReorged]) -> None:
    db.execute("DELETE FROM anchor_fees WHERE block_hash = %s", (e.event.block_hash,))
    db.execute(
        "UPDATE anchors SET state = 'SUBMITTED', block_number = NULL, block_hash = NULL,"
        " gas_used = NULL WHERE size = %s",
        (e.event.size,),
    )


def _failed(db: Connection, e: Recorded[AnchorFailed]) -> None:
    db.execute("DELETE FROM anchors WHERE size = %s AND state <> 'FINAL'", (e.event.size,))
    db.execute("UPDATE anchoring_status SET replaced = 0")
    _paid(db, e)


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
    db.execute("UPDATE anchoring_status SET replaced = 0")


def _indexed(db: Connection, e: Recorded[IndexCommitted]) -> None:
    db.execute(
        "INSERT INTO index_commitments (size, root, streams, stream_version, event_id)"
        " VALUES (%s, %s, %s, %s, %s)",
        (e.event.size, e.event.root, e.event.streams, e.stream_version, e.event_id),
    )


PROJECTION = Projection(
    "audit",
    (
        "event_keys",
        "log_keys",
        "anchoring_status",
        "anchors",
        "anchor_fees",
        "index_commitments",
    ),
    {
        EventKeyAnnounced: _announced,
        EventKeyRetired: _retired,
        LogKeyAnnounced: _log_key_announced,
        LogKeyRetired: _log_key_retired,
        RegistryAdopted: _adopted,
        RegistryReplaced: _moved,
        AnchorSubmitted: _submitted,
        AnchorReplaced: _replaced,
        AnchorIncluded: _included,
        AnchorReorged: _reorged,
        AnchorFailed: _failed,
        AnchorFinalised: _finalised,
        AnchorDeferred: _deferred,
        AnchorLagging: _lagging,
        AnchorCaughtUp: _caught_up,
        IndexCommitted: _indexed,
    },
)
