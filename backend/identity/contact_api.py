"""Contact persons over HTTP: recorded, corrected, disclosed, exported and erased by their tenant.

Values go to users of the tenant that recorded them. No role of the venue sees one: the operator
can erase on request, the auditor reads commitments from the log.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import StringConstraints

from backend.eventstore.scope import Scope
from backend.eventstore.store import UnitOfWork
from backend.identity.contacts import Contacts, ContactView, ExportedContact
from backend.identity.domain.contact import MAX_LENGTH
from backend.identity.events import ErasureReason, Purpose
from backend.identity.store import CommitmentRow, ContactRow
from backend.kernel.errors import ValueInvalid
from backend.kernel.ids import checked_id
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency, KeyHeader, belongs_to
from backend.web.models import EdgeModel, Page
from backend.web.paging import MAX_LIMIT, Cursors

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_LENGTH["name"])]
Email = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_LENGTH["email"])]
Phone = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_LENGTH["phone"])]
Who = Callable[..., Principal]


class ContactIn(EdgeModel):
    """A natural person who acts for the participant; `phone` in E.164 (`+` and digits)."""

    name: Name
    email: Email | None = None
    phone: Phone | None = None
    purpose: Purpose


class ContactPatch(EdgeModel):
    """Fields to correct; null erases a field at once. What is not named stays."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None


class ContactId(EdgeModel):
    """The id of the contact that was recorded."""

    id: str


class CommitmentOut(EdgeModel):
    """A commitment in the log: `held`, `replaced` by a correction, or `erased`."""

    field: str
    commitment: str
    state: str
    event_id: str
    erasure_event_id: str | None


class ContactOut(EdgeModel):
    """A contact; values are null where none is kept, and from the request to erase on."""

    contact_id: str
    purpose: str
    state: str
    name: str | None
    email: str | None
    phone: str | None
    recorded_at: datetime
    erasure_due_at: datetime | None
    erasure_reason: str | None
    commitments: list[CommitmentOut]


class HeldOut(EdgeModel):
    """A value that is kept, and the salt that opens its commitment."""

    field: str
    value: str
    salt: str
    commitment: str


class ContactEventOut(EdgeModel):
    """An event of the contact; `position` is its entry in the log, once it has one."""

    event_id: str
    type: str
    stream_version: int
    recorded_at: datetime
    position: int | None


class ExportedContactOut(EdgeModel):
    """Everything held on one contact, and everything the log says of it."""

    contact_id: str
    purpose: str
    state: str
    recorded_at: datetime
    erasure_due_at: datetime | None
    erasure_reason: str | None
    held: list[HeldOut]
    commitments: list[CommitmentOut]
    events: list[ContactEventOut]


class ErasureIn(EdgeModel):
    """Why the contact is erased."""

    reason: ErasureReason


class ErasureOut(EdgeModel):
    """Where the contact stands, without anything personal."""

    contact_id: str
    state: str
    erasure_reason: str | None


class DisclosedOut(EdgeModel):
    """A value with its salt (64 hex digits): what opens the commitment in the event."""

    salt: str
    value: str


class DisclosureOut(EdgeModel):
    """The content of `NAME.personal`, as `tally verify` takes it."""

    disclosed: dict[str, DisclosedOut]


def router(
    contacts: Contacts, auth: Authenticator, idempotency: Idempotency, cursors: Cursors
) -> APIRouter:
    """The routes of contacts below ``/api/v1``; ``idempotency`` must be one with a secret."""
    routes = APIRouter(prefix="/api/v1", tags=["personal data"])
    owner = auth.require("investor", "trader")
    _add_recording(routes, contacts, owner, idempotency)
    _add_reading(routes, contacts, owner, cursors)
    _add_erasing(routes, contacts, owner)
    _add_operator(routes, contacts, auth.require("operator"))
    return routes


def _add_recording(
    routes: APIRouter, contacts: Contacts, owner: Who, idempotency: Idempotency
) -> None:
    @routes.post("/contacts", status_code=201, response_model=ContactId)
    def record_contact(
        request: Request,
        body: ContactIn,
        who: Annotated[Principal, Depends(owner)],
        key: KeyHeader = None,
    ) -> Response:
        """Record a contact person. The log gets salted commitments; the values can be erased."""
        given = body.model_dump(include={"name", "email", "phone"}, exclude_none=True)

        def work(uow: UnitOfWork) -> tuple[int, ContactId]:
            contact_id = contacts.record(uow, given, body.purpose)
            belongs_to(uow, request, key, contact_id)
            return 201, ContactId(id=contact_id)

        return idempotency.run(request, who.scope, who.caller(request), key, body, work)

    @routes.patch("/contacts/{contact_id}")
    def correct_contact(
        contact_id: str,
        body: ContactPatch,
        request: Request,
        who: Annotated[Principal, Depends(owner)],
    ) -> ContactOut:
        """Correct fields; the values before are destroyed. The same values change nothing."""
        changes: Mapping[str, str | None] = body.model_dump(exclude_unset=True)
        if not changes:
            raise ValueInvalid("Name at least one field to correct.")
        name = checked_id(contact_id)
        contacts.correct(who.caller(request), who.tenant_id, name, changes)
        return _contact(contacts.show(who.tenant_id, name))


def _add_reading(routes: APIRouter, contacts: Contacts, owner: Who, cursors: Cursors) -> None:
    @routes.get("/contacts")
    def list_contacts(
        who: Annotated[Principal, Depends(owner)], cursor: str | None = None, limit: Limit = 50
    ) -> Page[ContactOut]:
        """The caller's contacts."""
        after = cursors.decode("contacts", cursor)[0] if cursor else ""
        rows = contacts.page(who.tenant_id, after, limit + 1)
        return cursors.page("contacts", rows, limit, lambda each: [each.row.contact_id], _contact)

    @routes.get("/contacts/{contact_id}")
    def get_contact(contact_id: str, who: Annotated[Principal, Depends(owner)]) -> ContactOut:
        """One contact."""
        return _contact(contacts.show(who.tenant_id, checked_id(contact_id)))

    @routes.get("/contacts/{contact_id}/disclosure", response_model=DisclosureOut)
    def disclose_contact(
        contact_id: str,
        who: Annotated[Principal, Depends(owner)],
        event_id: Annotated[str | None, Query(max_length=36)] = None,
    ) -> Response:
        """The bytes of `NAME.personal`, to lay beside the proof of an event.

        With `event_id` exactly the fields of that event whose values are still kept; without,
        every field that is kept now (right beside an event that committed to all of them).
        """
        event = None if event_id is None else checked_id(event_id)
        content = contacts.disclosure(who.tenant_id, checked_id(contact_id), event)
        return Response(content, media_type="application/json")

    @routes.get("/personal-data/export")
    def export_personal_data(
        who: Annotated[Principal, Depends(owner)], cursor: str | None = None, limit: Limit = 50
    ) -> Page[ExportedContactOut]:
        """Everything held on the caller's contacts, with events and commitments in the log.

        Contacts that are erased, or about to be, are in it with what is still kept of them.
        """
        after = cursors.decode("export", cursor)[0] if cursor else ""
        rows = contacts.export(who.tenant_id, after, limit + 1)
        return cursors.page("export", rows, limit, lambda each: [each.row.contact_id], _exported)


def _add_erasing(routes: APIRouter, contacts: Contacts, owner: Who) -> None:
    @routes.delete("/contacts/{contact_id}")
    def erase_contact(
        contact_id: str,
        reason: ErasureReason,
        request: Request,
        who: Annotated[Principal, Depends(owner)],
        immediately: bool = False,
    ) -> ContactOut:
        """Hide the contact now and erase it after 30 days; `immediately` erases it at once.

        Erasing destroys values and salts. The log keeps its commitments, which nothing opens.
        """
        name, caller = checked_id(contact_id), who.caller(request)
        act = contacts.erase if immediately else contacts.request_erasure
        act(caller, who.tenant_id, name, reason)
        return _contact(contacts.show(who.tenant_id, name))

    @routes.post("/contacts/{contact_id}/restore")
    def restore_contact(
        contact_id: str, request: Request, who: Annotated[Principal, Depends(owner)]
    ) -> ContactOut:
        """Withdraw a requested erasure before it is due. 409 afterwards."""
        name = checked_id(contact_id)
        contacts.withdraw_erasure(who.caller(request), who.tenant_id, name)
        return _contact(contacts.show(who.tenant_id, name))


def _add_operator(routes: APIRouter, contacts: Contacts, operator: Who) -> None:
    @routes.post("/participants/{participant_id}/contacts/{contact_id}/erasure")
    def erase_for_participant(
        participant_id: str,
        contact_id: str,
        body: ErasureIn,
        request: Request,
        who: Annotated[Principal, Depends(operator)],
    ) -> ErasureOut:
        """Erase a participant's contact at once, on request. Nothing personal is shown."""
        tenant, name = checked_id(participant_id), checked_id(contact_id)
        contacts.erase(who.caller(request), tenant, name, body.reason, Scope.venue())
        row = contacts.find(Scope.venue(), name)
        return ErasureOut(
            contact_id=row.contact_id, state=row.state, erasure_reason=row.erasure_reason
        )


def _contact(view: ContactView) -> ContactOut:
    values = {field: held.value for field, held in view.values.items()}
    return ContactOut(
        **_shared(view.row),
        name=values.get("name"),
        email=values.get("email"),
        phone=values.get("phone"),
        commitments=_commitments(view.commitments),
    )


def _exported(found: ExportedContact) -> ExportedContactOut:
    return ExportedContactOut(
        **_shared(found.row),
        held=[
            HeldOut(field=field, value=held.value, salt=held.salt.hex(), commitment=held.commitment)
            for field, held in found.values.items()
        ],
        commitments=_commitments(found.commitments),
        events=[ContactEventOut(**msgspec.structs.asdict(each)) for each in found.events],
    )


def _shared(row: ContactRow) -> dict[str, Any]:
    found = msgspec.structs.asdict(row)
    del found["tenant_id"]
    return found


def _commitments(rows: Sequence[CommitmentRow]) -> list[CommitmentOut]:
    return [CommitmentOut(**msgspec.structs.asdict(each)) for each in rows]
