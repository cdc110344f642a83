"""What happened to participants, wallets and contact persons.

A participant is a legal entity and its name stands in the log. A contact is a natural person:
an event holds commitments to what is known of it, never a value, and no text of anybody's own
choosing (a purpose and a reason are words of a list), since a text may name a person.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from backend.kernel.events import Event

Commitment = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""SHA-256 of a field's salt, name and value (``anchoring.commitment``), in lower-case hex."""


class ParticipantRegistered(Event, frozen=True, kw_only=True):
    """A participant (legal entity) joined, with a tenant of its own."""

    type = "participant.registered"

    participant_id: str
    name: str
    kind: str


class WalletBound(Event, frozen=True, kw_only=True):
    """The participant proved control of an address by signing the binding statement."""

    type = "wallet.bound"

    participant_id: str
    address: str
    chain_id: int
    statement: str
    signature: str


class ApiTokenIssued(Event, frozen=True, kw_only=True):
    """A credential was issued; only the fingerprint of its hash is recorded."""

    type = "api_token.issued"

    participant_id: str
    label: str
    roles: tuple[str, ...]
    fingerprint: str


class Purpose(StrEnum):
    """What a contact is kept for (GDPR Art. 5(1)(b): purpose limitation)."""

    AUTHORISED_SIGNATORY = "authorised_signatory"
    COMPLIANCE = "compliance"
    INCIDENTS = "incidents"
    OPERATIONS = "operations"
    SETTLEMENT = "settlement"


class ErasureReason(StrEnum):
    """Why personal data is erased (the grounds of GDPR Art. 17(1), and our own retention)."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    DATA_SUBJECT_REQUEST = "data_subject_request"
    LEGAL_OBLIGATION = "legal_obligation"
    NO_LONGER_NEEDED = "no_longer_needed"
    RETENTION_ENDED = "retention_ended"
    UNLAWFUL = "unlawful"


class Commitments(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Commitments by field; a field that is not there was not given."""

    email: Commitment | None = None
    name: Commitment | None = None
    phone: Commitment | None = None

    def by_field(self) -> dict[str, str]:
        """The commitments that are there, by the name of their field."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}


class ContactRecorded(Event, frozen=True, kw_only=True):
    """A participant named a contact person; ``subject_id`` is a random id, no name."""

    type = "contact.recorded"

    subject_id: str
    personal: Commitments
    purpose: Purpose


class ContactCorrected(Event, frozen=True, kw_only=True):
    """Fields were given new values; the values they had before are destroyed."""

    type = "contact.corrected"

    subject_id: str
    personal: Commitments


class ErasureRequested(Event, frozen=True, kw_only=True):
    """The contact is to be erased at ``due_at`` (real time) unless that is withdrawn before."""

    type = "erasure.requested"

    subject_id: str
    due_at: datetime
    reason: ErasureReason


class ErasureWithdrawn(Event, frozen=True, kw_only=True):
    """The erasure that was asked for will not take place."""

    type = "erasure.withdrawn"

    subject_id: str


class PersonalDataErased(Event, frozen=True, kw_only=True):
    """Values and salts of ``fields`` are destroyed, in the transaction of this event.

    ``commitments`` (sorted) are all that were ever recorded of these fields and that no earlier
    event of this type names: none of them can be opened any more.
    """

    type = "personal_data.erased"

    commitments: tuple[Commitment, ...]
    fields: tuple[str, ...]
    reason: ErasureReason
    subject_id: str


EVENTS = (
    ParticipantRegistered,
    WalletBound,
    ApiTokenIssued,
    ContactRecorded,
    ContactCorrected,
    ErasureRequested,
    ErasureWithdrawn,
    PersonalDataErased,
)
