"""Participants and wallets as rows."""

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.identity.events import ParticipantRegistered, WalletBound


def _registered(db: Connection, e: Recorded[ParticipantRegistered]) -> None:
    db.execute(
        "INSERT INTO participants (tenant_id, participant_id, name, kind, registered_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        (e.tenant_id, e.event.participant_id, e.event.name, e.event.kind, e.recorded_at),
    )


def _bound(db: Connection, e: Recorded[WalletBound]) -> None:
    db.execute(
        "INSERT INTO wallets (tenant_id, participant_id, address, chain_id, bound_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        (e.tenant_id, e.event.participant_id, e.event.address, e.event.chain_id, e.recorded_at),
    )


PROJECTION = Projection(
    "identity",
    ("participants", "wallets"),
    {ParticipantRegistered: _registered, WalletBound: _bound},
)
