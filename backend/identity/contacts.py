"""Contact persons of a participant: natural persons, so their data can be erased.

Events carry commitments, ``personal_values`` the values and salts. Both are written in one
transaction, and an erasure destroys the values in the transaction that appends its event: after a
crash either both are done or neither. Due dates are real time, not the business clock's: the
duty is towards a person outside, and a demonstration may move the business clock by years.
"""

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec

from anchoring.commitment import SALT_BYTES, commit
from anchoring.disclosure import Disclosed, encode_disclosure
from backend.eventstore.aggregate import Aggregate, Loaded
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import Caller, EventStore, UnitOfWork, retrying
from backend.identity.domain import contact as rules
from backend.identity.domain.contact import Contact, ContactState
from backend.identity.events import ErasureReason, PersonalDataErased, Purpose
from backend.identity.store import (
    CommitmentRow,
    ContactRow,
    ContactTables,
    EventRow,
    Held,
    PersonalValues,
)
from backend.kernel.clock import Clock
from backend.kernel.errors import Conflict, NotFound
from backend.kernel.events import Event
from backend.web.idempotency import forget_requests

CONTACT = Aggregate("contact", rules.evolve)
Randomness = Callable[[int], bytes]


class ContactView(msgspec.Struct, frozen=True):
    """A contact as its owner sees it; ``values`` are empty from the request to erase on."""

    row: ContactRow
    values: dict[str, Held]
    commitments: tuple[CommitmentRow, ...]


class ExportedContact(msgspec.Struct, frozen=True):
    """Everything that is held on a contact, and what the log says of it."""

    row: ContactRow
    values: dict[str, Held]
    commitments: tuple[CommitmentRow, ...]
    events: tuple[EventRow, ...]


class Contacts:
    """Use cases of contacts. Values go to one table and to their owner, and nowhere else."""

    def __init__(
        self, store: EventStore, clock: Clock, randomness: Randomness = os.urandom
    ) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def record(self, uow: UnitOfWork, values: Mapping[str, str], purpose: Purpose) -> str:
        """A new contact of the transaction's tenant; gives its id. Raises ValueInvalid."""
        contact_id = uow.new_id()
        loaded = uow.load(CONTACT, contact_id)
        made = self._commit_to(values)
        commitments = {field: each.commitment for field, each in made.items()}
        uow.append(loaded, rules.record(loaded.state, contact_id, commitments, purpose))
        PersonalValues(uow.connection, loaded.tenant_id).put(contact_id, made)
        return contact_id

    def correct(
        self, caller: Caller, tenant_id: str, contact_id: str, changes: Mapping[str, str | None]
    ) -> None:
        """Give fields new values, or None to erase one; the same values change nothing.

        Raises NotFound, ValueInvalid, and Conflict while the contact is not in use.
        """

        def work(uow: UnitOfWork, loaded: Loaded[Contact], state: Contact) -> None:
            table = PersonalValues(uow.connection, tenant_id)
            known = table.of(contact_id)
            changed = {
                field: value
                for field, value in changes.items()
                if value is not None and (field not in known or known[field].value != value)
            }
            made = self._commit_to(changed)
            commitments = {field: each.commitment for field, each in made.items()}
            events = uow.append(loaded, rules.correct(state, commitments))
            table.put(contact_id, made)
            for field in (field for field, value in changes.items() if value is None):
                _append(uow, loaded, rules.remove(_state(loaded), field))
            if events:
                forget_requests(uow.connection, tenant_id, contact_id)

        self._change(Scope.app(tenant_id), caller, tenant_id, contact_id, work)

    def request_erasure(
        self, caller: Caller, tenant_id: str, contact_id: str, reason: ErasureReason
    ) -> None:
        """Hide the contact now and erase it after the time of grace. Raises NotFound."""
        now = self._clock.now()
        self._decide(
            Scope.app(tenant_id), caller, tenant_id, contact_id,
            lambda state: rules.request_erasure(state, reason, now),
        )  # fmt: skip

    def withdraw_erasure(self, caller: Caller, tenant_id: str, contact_id: str) -> None:
        """Keep the contact after all. Raises NotFound, and Conflict when it is too late."""
        now = self._clock.now()
        self._decide(
            Scope.app(tenant_id), caller, tenant_id, contact_id,
            lambda state: rules.withdraw_erasure(state, now),
        )  # fmt: skip

    def erase(
        self,
        caller: Caller,
        tenant_id: str,
        contact_id: str,
        reason: ErasureReason,
        scope: Scope | None = None,
    ) -> None:
        """Erase the contact now; again, nothing happens. Raises NotFound.

        ``scope`` is the venue's for an operator who acts on a request.
        """
        self._decide(
            scope or Scope.app(tenant_id), caller, tenant_id, contact_id,
            lambda state: rules.erase(state, reason),
        )  # fmt: skip

    def erase_one_due(self, caller: Caller) -> str | None:
        """Erase one contact whose time of grace is over; gives its id, None when none is due."""
        now = self._clock.now()
        with self._store.transaction(Scope.venue(), caller) as uow:
            due = ContactTables(uow.connection).due(now)
            if due is None:
                return None
            loaded = uow.load(CONTACT, due.contact_id, tenant_id=due.tenant_id)
            _append(uow, loaded, rules.erase_when_due(_state(loaded), now))
        return due.contact_id

    def find(self, scope: Scope, contact_id: str) -> ContactRow:
        """The contact, without any value. Raises NotFound."""
        with self._store.database.transaction(scope) as connection:
            return ContactTables(connection).contact(contact_id)

    def show(self, tenant_id: str, contact_id: str) -> ContactView:
        """The contact as its owner sees it. Raises NotFound."""
        with self._store.database.transaction(Scope.app(tenant_id)) as connection:
            row = ContactTables(connection).contact(contact_id)
            return self._views(connection, tenant_id, [row])[0]

    def page(self, tenant_id: str, after: str, limit: int) -> Sequence[ContactView]:
        """The tenant's contacts by id, from behind ``after``."""
        with self._store.database.transaction(Scope.app(tenant_id)) as connection:
            rows = ContactTables(connection).contacts(after, limit)
            return self._views(connection, tenant_id, rows)

    def export(self, tenant_id: str, after: str, limit: int) -> Sequence[ExportedContact]:
        """Everything held on the tenant's contacts, erased and hidden ones included."""
        with self._store.database.transaction(Scope.app(tenant_id)) as connection:
            tables = ContactTables(connection)
            rows = tables.contacts(after, limit)
            ids = [row.contact_id for row in rows]
            values = PersonalValues(connection, tenant_id).of_all(ids)
            commitments = tables.commitments(ids)
            events = tables.events([CONTACT.stream_id(each) for each in ids])
        return [
            ExportedContact(
                row,
                values.get(row.contact_id, {}),
                tuple(commitments.get(row.contact_id, ())),
                tuple(events.get(CONTACT.stream_id(row.contact_id), ())),
            )
            for row in rows
        ]

    def disclosure(self, tenant_id: str, contact_id: str, event_id: str | None = None) -> bytes:
        """``NAME.personal``: values and salts that open the commitments of an event.

        With ``event_id`` only the fields whose commitment in that event is still held; without,
        all that are held now. Raises NotFound, and Conflict when the contact is not in use or
        nothing of the event is held.
        """
        found = self.show(tenant_id, contact_id)
        if found.row.state != ContactState.RECORDED.value:
            raise Conflict("The contact is erased, or is about to be.", state=found.row.state)
        named = [each for each in found.commitments if event_id in (None, each.event_id)]
        if not named:
            raise NotFound("The event holds no personal data of this contact.")
        wanted = {each.commitment for each in named}
        disclosed = {
            field: Disclosed(held.salt, held.value)
            for field, held in found.values.items()
            if held.commitment in wanted
        }
        if not disclosed:
            raise Conflict("No value of this event is held any more.")
        return encode_disclosure(disclosed)

    def _views(
        self, connection: Connection, tenant_id: str, rows: Sequence[ContactRow]
    ) -> Sequence[ContactView]:
        ids = [row.contact_id for row in rows]
        shown = [row.contact_id for row in rows if row.state == ContactState.RECORDED.value]
        values = PersonalValues(connection, tenant_id).of_all(shown)
        commitments = ContactTables(connection).commitments(ids)
        return [
            ContactView(
                row,
                values.get(row.contact_id, {}),
                tuple(commitments.get(row.contact_id, ())),
            )
            for row in rows
        ]

    def _commit_to(self, values: Mapping[str, str]) -> dict[str, Held]:
        made: dict[str, Held] = {}
        for field, value in sorted(values.items()):
            rules.check_value(field, value)
            salt = self._randomness(SALT_BYTES)
            made[field] = Held(commit(field, value, salt).hex(), salt, value)
        return made

    def _decide(
        self,
        scope: Scope,
        caller: Caller,
        tenant_id: str,
        contact_id: str,
        decide: Callable[[Contact], list[Event]],
    ) -> None:
        self._change(
            scope, caller, tenant_id, contact_id,
            lambda uow, loaded, state: _append(uow, loaded, decide(state)),
        )  # fmt: skip

    def _change(
        self,
        scope: Scope,
        caller: Caller,
        tenant_id: str,
        contact_id: str,
        work: Callable[[UnitOfWork, Loaded[Contact], Contact], None],
    ) -> None:
        def once() -> None:
            with self._store.transaction(scope, caller) as uow:
                loaded = uow.load(CONTACT, contact_id, tenant_id=tenant_id)
                work(uow, loaded, _state(loaded))

        retrying(once)


def _state(loaded: Loaded[Contact]) -> Contact:
    if loaded.state is None:
        raise NotFound("There is no such contact.")
    return loaded.state


def _append(uow: UnitOfWork, loaded: Loaded[Contact], events: Sequence[Event]) -> None:
    """Append, and do in the same transaction what an erasure among the events says."""
    uow.append(loaded, events)
    for event in events:
        if isinstance(event, PersonalDataErased):
            PersonalValues(uow.connection, loaded.tenant_id).destroy(event.commitments)
            forget_requests(uow.connection, loaded.tenant_id, event.subject_id)
