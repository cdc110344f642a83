"""Participants, wallets and contacts as rows.

Contacts are here as the log knows them: by commitment. The values are in ``personal_values``,
which is no projection: no replay could bring them back, and none may (see ``store``).
"""

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.identity.events import (
    Commitments,
    ContactCorrected,
    ContactRecorded,
    ErasureRequested,
    ErasureWithdrawn,
    ParticipantRegistered,
    PersonalDataErased,
    WalletBound,
)


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


def _recorded(db: Connection, e: Recorded[ContactRecorded]) -> None:
    db.execute(
        "INSERT INTO contacts (tenant_id, contact_id, purpose, state, recorded_at)"
        " VALUES (%s, %s, %s, 'recorded', %s)",
        (e.tenant_id, e.event.subject_id, e.event.purpose.value, e.recorded_at),
    )
    _add_commitments(db, e.tenant_id, e.event.subject_id, e.event_id, e.event.personal)


def _corrected(db: Connection, e: Recorded[ContactCorrected]) -> None:
    db.execute(
        "UPDATE contact_commitments SET state = 'replaced'"
        " WHERE tenant_id = %s AND contact_id = %s AND field = ANY(%s) AND state = 'held'",
        (e.tenant_id, e.event.subject_id, list(e.event.personal.by_field())),
    )
    _add_commitments(db, e.tenant_id, e.event.subject_id, e.event_id, e.event.personal)


def _add_commitments(
    db: Connection, tenant_id: str, contact_id: str, event_id: str, personal: Commitments
) -> None:
    for field, commitment in personal.by_field().items():
        db.execute(
            "INSERT INTO contact_commitments"
            " (tenant_id, contact_id, commitment, field, state, event_id)"
            " VALUES (%s, %s, %s, %s, 'held', %s)",
            (tenant_id, contact_id, commitment, field, event_id),
        )


def _requested(db: Connection, e: Recorded[ErasureRequested]) -> None:
    db.execute(
        "UPDATE contacts SET state = 'erasure_requested', erasure_due_at = %s, erasure_reason = %s"
        " WHERE tenant_id = %s AND contact_id = %s",
        (e.event.due_at, e.event.reason.value, e.tenant_id, e.event.subject_id),
    )


def _withdrawn(db: Connection, e: Recorded[ErasureWithdrawn]) -> None:
    db.execute(
        "UPDATE contacts SET state = 'recorded', erasure_due_at = NULL, erasure_reason = NULL"
        " WHERE tenant_id = %s AND contact_id = %s",
        (e.tenant_id, e.event.subject_id),
    )


def _erased(db: Connection, e: Recorded[PersonalDataErased]) -> None:
    whose = (e.tenant_id, e.event.subject_id)
    db.execute(
        "UPDATE contact_commitments SET state = 'erased', erasure_event_id = %s"
        " WHERE tenant_id = %s AND contact_id = %s AND commitment = ANY(%s)",
        (e.event_id, *whose, list(e.event.commitments)),
    )
    db.execute(  # nothing is held any more: the contact as a whole is gone
        "UPDATE contacts SET state = 'erased', erasure_due_at = NULL, erasure_reason = %s"
        " WHERE tenant_id = %s AND contact_id = %s AND NOT EXISTS ("
        "  SELECT 1 FROM contact_commitments AS c WHERE c.tenant_id = contacts.tenant_id"
        "  AND c.contact_id = contacts.contact_id AND c.state = 'held')",
        (e.event.reason.value, *whose),
    )


CONTACTS = Projection(
    "contacts",
    ("contacts", "contact_commitments"),
    {
        ContactRecorded: _recorded,
        ContactCorrected: _corrected,
        ErasureRequested: _requested,
        ErasureWithdrawn: _withdrawn,
        PersonalDataErased: _erased,
    },
)
PROJECTIONS = (PROJECTION, CONTACTS)
