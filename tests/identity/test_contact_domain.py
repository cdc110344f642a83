"""Given a contact's events, when a command, then events or a typed error."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from backend.identity.domain import contact
from backend.identity.domain.contact import GRACE, Contact, ContactState
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

ID = "01900000-0000-7000-8000-0000000000c1"
NOW = datetime(2026, 1, 31, 12, 0, 0, 500, tzinfo=UTC)
REASON = ErasureReason.CONSENT_WITHDRAWN


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


NAME, EMAIL, PHONE, EMAIL2 = map(digest, ("name", "email", "phone", "another email"))
ALL = {"name": NAME, "email": EMAIL, "phone": PHONE}
RECORDED = ContactRecorded(subject_id=ID, personal=Commitments(**ALL), purpose=Purpose.SETTLEMENT)
CORRECTED = ContactCorrected(subject_id=ID, personal=Commitments(email=EMAIL2))
REQUESTED = ErasureRequested(
    subject_id=ID, due_at=(NOW + GRACE).replace(microsecond=0), reason=REASON
)
WITHDRAWN = ErasureWithdrawn(subject_id=ID)


def erased(*commitments: str, fields=("email", "name", "phone"), reason=REASON):
    return PersonalDataErased(
        commitments=tuple(sorted(commitments)), fields=fields, reason=reason, subject_id=ID
    )


def after(*events) -> Contact:
    state = None
    for each in events:
        state = contact.evolve(state, each)
    assert state is not None
    return state


# ------------------------------------------------------------------------------- recording


def test_a_contact_is_recorded_by_commitments_only():
    assert contact.record(None, ID, ALL, Purpose.SETTLEMENT) == [RECORDED]
    assert RECORDED.payload() == {
        "subject_id": ID,
        "personal": {"email": EMAIL, "name": NAME, "phone": PHONE},
        "purpose": "settlement",
    }
    assert after(RECORDED).held == ALL


def test_a_field_that_is_not_given_has_no_place_in_the_event():
    (event,) = contact.record(None, ID, {"name": NAME}, Purpose.COMPLIANCE)
    assert event.payload()["personal"] == {"name": NAME}


def test_a_contact_needs_a_name_and_an_id_of_its_own():
    with pytest.raises(ValueInvalid):
        contact.record(None, ID, {"email": EMAIL}, Purpose.SETTLEMENT)
    with pytest.raises(Conflict):
        contact.record(after(RECORDED), ID, ALL, Purpose.SETTLEMENT)


# ------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Ada"),
        ("name", "Þórður Æ. Jónsson"),
        ("name", "x" * 200),
        ("email", "ada@example.org"),
        ("email", "a.b+c@mail.example.co.uk"),
        ("email", "a@b"),
        ("phone", "+442079460000"),
        ("phone", "+1234567"),
        ("phone", "+123456789012345"),
    ],
)
def test_values_of_the_right_form(field: str, value: str):
    contact.check_value(field, value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", " Ada"),
        ("name", "Ada "),
        ("name", "A\nda"),
        ("name", "A\x00da"),
        ("name", "A\u202eda"),
        ("name", "A\ud800"),
        ("name", "x" * 201),
        ("email", "ada"),
        ("email", "@example.org"),
        ("email", "ada@"),
        ("email", "ada@@example.org"),
        ("email", "ada@example..org"),
        ("email", "ada@example.org."),
        ("email", "ada @example.org"),
        ("email", "x" * 65 + "@example.org"),
        ("email", "a@" + "b" * 253),
        ("phone", "442079460000"),
        ("phone", "+04420794600"),
        ("phone", "+44 20 7946 0000"),
        ("phone", "+123456"),
        ("phone", "+1234567890123456"),
        ("phone", "+44207946٠٠٠٠"),
        ("shoe_size", "43"),
    ],
)
def test_a_refused_value_is_not_in_the_error(field: str, value: str):
    with pytest.raises(ValueInvalid) as caught:
        contact.check_value(field, value)
    told = repr((caught.value.message, caught.value.context))
    assert len(value.strip()) < 4 or value not in told


# ------------------------------------------------------------------------------- correcting


def test_a_correction_names_what_changed_and_keeps_the_rest():
    assert contact.correct(after(RECORDED), {"email": EMAIL2}) == [CORRECTED]
    assert after(RECORDED, CORRECTED).held == {**ALL, "email": EMAIL2}
    assert contact.correct(after(RECORDED), {}) == []


def test_one_field_is_removed_by_an_erasure_of_it():
    (event,) = contact.remove(after(RECORDED, CORRECTED), "email")
    needless = ErasureReason.NO_LONGER_NEEDED
    assert event == erased(EMAIL, EMAIL2, fields=("email",), reason=needless)
    state = after(RECORDED, CORRECTED, event)
    assert (state.state, state.held) == (ContactState.RECORDED, {"name": NAME, "phone": PHONE})
    assert contact.remove(state, "email") == []
    with pytest.raises(ValueInvalid):
        contact.remove(state, "name")


@pytest.mark.parametrize("events", [(RECORDED, REQUESTED), (RECORDED, erased(NAME, EMAIL, PHONE))])
def test_what_is_erased_or_about_to_be_is_not_corrected(events):
    with pytest.raises(Conflict):
        contact.correct(after(*events), {"email": EMAIL2})
    with pytest.raises(Conflict):
        contact.remove(after(*events), "email")


# ------------------------------------------------------------------------------- erasing


def test_an_erasure_is_due_thirty_days_after_it_was_asked_for():
    assert timedelta(days=30) == GRACE
    assert contact.request_erasure(after(RECORDED), REASON, NOW) == [REQUESTED]
    assert REQUESTED.due_at == datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


def test_asking_again_leaves_the_first_date():
    later = NOW + timedelta(days=3)
    assert contact.request_erasure(after(RECORDED, REQUESTED), REASON, later) == []


def test_it_can_be_withdrawn_until_it_is_due_and_not_from_then_on():
    state, due = after(RECORDED, REQUESTED), REQUESTED.due_at
    assert contact.withdraw_erasure(state, due - timedelta(microseconds=1)) == [WITHDRAWN]
    for late in (due, due + timedelta(days=1)):
        with pytest.raises(Conflict):
            contact.withdraw_erasure(state, late)
    assert after(RECORDED, REQUESTED, WITHDRAWN) == after(RECORDED)
    assert contact.withdraw_erasure(after(RECORDED), NOW) == []


def test_nothing_is_erased_before_it_is_due():
    state, due = after(RECORDED, REQUESTED), REQUESTED.due_at
    assert contact.erase_when_due(state, due - timedelta(microseconds=1)) == []
    assert contact.erase_when_due(state, due) == [erased(NAME, EMAIL, PHONE)]
    assert contact.erase_when_due(after(RECORDED), due) == []
    assert contact.erase_when_due(after(RECORDED, REQUESTED, WITHDRAWN), due) == []


def test_an_erasure_names_replaced_commitments_too_but_none_twice():
    state = after(RECORDED, CORRECTED)
    (event,) = contact.erase(state, REASON)
    assert event == erased(NAME, EMAIL, EMAIL2, PHONE)
    assert list(event.commitments) == sorted(event.commitments)
    gone = erased(PHONE, fields=("phone",))
    (rest,) = contact.erase(after(RECORDED, gone), REASON)
    assert rest == erased(NAME, EMAIL, fields=("email", "name"))


def test_erasing_twice_changes_nothing():
    state = after(RECORDED, erased(NAME, EMAIL, PHONE))
    assert (state.state, state.held, state.unerased) == (ContactState.ERASED, {}, ())
    assert contact.erase(state, REASON) == []
    assert contact.request_erasure(state, REASON, NOW) == []
    with pytest.raises(Conflict):
        contact.withdraw_erasure(state, NOW)


def test_a_field_erased_can_be_given_again_and_erased_again():
    gone = erased(PHONE, fields=("phone",))
    again = ContactCorrected(subject_id=ID, personal=Commitments(phone=digest("new")))
    (event,) = contact.erase(after(RECORDED, gone, again), REASON)
    assert event == erased(NAME, EMAIL, digest("new"))


def test_nothing_comes_before_the_recording():
    for event in (CORRECTED, REQUESTED, WITHDRAWN, erased(NAME)):
        with pytest.raises(InvariantBroken):
            contact.evolve(None, event)
