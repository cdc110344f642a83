"""A contact person, as far as the log knows it: commitments and what became of them. Pure.

Values never enter here but to have their form checked: decisions are made over commitments.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from backend.identity.events import (
    Commitments,
    ContactCorrected,
    ContactRecorded,
    ErasureReason,
    ErasureRequested,
    ErasureWithdrawn,
    PersonalDataErased,
    Purpose,
)
from backend.kernel.errors import Conflict, InvariantBroken, ValueInvalid
from backend.kernel.events import Event

GRACE = timedelta(days=30)
"""How long a requested erasure may be withdrawn (requirement SEC-024), in real time."""

MAX_LENGTH = {"email": 254, "name": 200, "phone": 16}
"""Longest value of each field, in characters: an address by RFC 5321 §4.5.3.1.3, a telephone
number by ITU-T E.164 with its plus."""
FIELDS = tuple(sorted(MAX_LENGTH))
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*", re.ASCII)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_FORMS = {
    "email": "An e-mail address has one @ with something before and a host after it.",
    "name": "A contact's name is printable, of 1 to 200 characters, without outer blanks.",
    "phone": "A telephone number is written as +, country code and digits (E.164).",
}


class ContactState(StrEnum):
    """Where a contact stands."""

    RECORDED = "recorded"
    ERASURE_REQUESTED = "erasure_requested"
    ERASED = "erased"


class Contact(msgspec.Struct, frozen=True):
    """A contact as of its last event.

    ``held`` has the commitment of each field whose value is kept; ``unerased`` every (field,
    commitment) that was recorded and that no erasure names.
    """

    subject_id: str
    purpose: Purpose
    held: dict[str, str]
    unerased: tuple[tuple[str, str], ...]
    state: ContactState = ContactState.RECORDED
    due_at: datetime | None = None
    reason: ErasureReason | None = None


def check_value(field: str, value: str) -> None:
    """Raise ValueInvalid unless ``value`` has the form of its field; the error never holds it."""
    if field not in MAX_LENGTH:
        raise ValueInvalid("A contact has no such field.", known=", ".join(FIELDS))
    if not 1 <= len(value) <= MAX_LENGTH[field] or not _has_form(field, value):
        raise ValueInvalid(_FORMS[field], field=field)


def _has_form(field: str, value: str) -> bool:
    if not value.isprintable() or value != value.strip():
        return False
    if field == "email":
        return _EMAIL.fullmatch(value) is not None
    return field != "phone" or _PHONE.fullmatch(value) is not None


def record(
    state: Contact | None, subject_id: str, commitments: Mapping[str, str], purpose: Purpose
) -> list[Event]:
    """A new contact. Raises Conflict when the id is taken, ValueInvalid without a name."""
    if state is not None:
        raise Conflict("There is a contact with this id already.")
    if "name" not in commitments:
        raise ValueInvalid("A contact has a name.")
    return [
        ContactRecorded(subject_id=subject_id, personal=Commitments(**commitments), purpose=purpose)
    ]


def correct(state: Contact, commitments: Mapping[str, str]) -> list[Event]:
    """New commitments for the fields that changed. Raises Conflict unless it is in use."""
    _in_use(state)
    if not commitments:
        return []
    return [ContactCorrected(subject_id=state.subject_id, personal=Commitments(**commitments))]


def remove(state: Contact, field: str) -> list[Event]:
    """Erase one field that is no longer needed; the name stays as long as the contact does."""
    _in_use(state)
    if field == "name":
        raise ValueInvalid("A contact has a name: erase the contact instead.")
    return _erasure(state, {field}, ErasureReason.NO_LONGER_NEEDED)


def request_erasure(state: Contact, reason: ErasureReason, now: datetime) -> list[Event]:
    """Ask for the contact to be erased after ``GRACE``; asking again changes nothing."""
    if state.state is not ContactState.RECORDED:
        return []
    due_at = (now + GRACE).replace(microsecond=0)
    return [ErasureRequested(subject_id=state.subject_id, due_at=due_at, reason=reason)]


def withdraw_erasure(state: Contact, now: datetime) -> list[Event]:
    """Keep the contact after all. Raises Conflict once it is erased, or due to be."""
    if state.state is ContactState.RECORDED:
        return []
    if state.due_at is None or now >= state.due_at:
        raise Conflict("The erasure has taken place or is due: it cannot be withdrawn.")
    return [ErasureWithdrawn(subject_id=state.subject_id)]


def erase(state: Contact, reason: ErasureReason) -> list[Event]:
    """Erase everything known of the contact, now; doing it again changes nothing."""
    return _erasure(state, {field for field, _ in state.unerased}, reason)


def erase_when_due(state: Contact, now: datetime) -> list[Event]:
    """Erase a contact whose time of grace is over; nothing happens before."""
    if state.due_at is None or state.reason is None or now < state.due_at:
        return []
    return erase(state, state.reason)


def _in_use(state: Contact) -> None:
    if state.state is not ContactState.RECORDED:
        raise Conflict("The contact is erased, or is about to be.", state=state.state.value)


def _erasure(state: Contact, fields: set[str], reason: ErasureReason) -> list[Event]:
    named = sorted(commitment for field, commitment in state.unerased if field in fields)
    if not named:
        return []
    return [
        PersonalDataErased(
            commitments=tuple(named),
            fields=tuple(sorted({field for field, _ in state.unerased} & fields)),
            reason=reason,
            subject_id=state.subject_id,
        )
    ]


def evolve(state: Contact | None, event: Event) -> Contact:
    """Fold one event of a contact's stream."""
    if isinstance(event, ContactRecorded):
        held = event.personal.by_field()
        return Contact(event.subject_id, event.purpose, held, tuple(held.items()))
    if state is None:
        raise InvariantBroken("A contact's stream does not begin with its recording.")
    replace = msgspec.structs.replace
    if isinstance(event, ContactCorrected):
        new = event.personal.by_field()
        unerased = (*state.unerased, *new.items())
        return replace(state, held={**state.held, **new}, unerased=unerased)
    if isinstance(event, ErasureRequested):
        requested = ContactState.ERASURE_REQUESTED
        return replace(state, state=requested, due_at=event.due_at, reason=event.reason)
    if isinstance(event, ErasureWithdrawn):
        return replace(state, state=ContactState.RECORDED, due_at=None, reason=None)
    if isinstance(event, PersonalDataErased):
        return _without(state, event)
    return state


def _without(state: Contact, event: PersonalDataErased) -> Contact:
    held = {field: each for field, each in state.held.items() if field not in event.fields}
    left = tuple(each for each in state.unerased if each[1] not in event.commitments)
    replace = msgspec.structs.replace
    if held:
        return replace(state, held=held, unerased=left)
    return replace(
        state, held={}, unerased=left, state=ContactState.ERASED, due_at=None, reason=None
    )
