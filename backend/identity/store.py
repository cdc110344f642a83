"""Contacts in tables: what the log says of them, and the values, which the log never has.

``personal_values`` holds the salt and the value of each field that is kept, and nothing of those
that are not. It is exempt from replay: rows are deleted for good, and no event could bring them
back. It answers to no other table, so that nothing keeps a copy when a row goes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from backend.eventstore.scope import Connection
from backend.kernel.errors import NotFound

_CONTACT = """
SELECT tenant_id::text AS tenant_id, contact_id, purpose, state, recorded_at, erasure_due_at,
       erasure_reason
FROM contacts
"""


class Held(msgspec.Struct, frozen=True):
    """A value that is kept, with the salt that opens its commitment (64 hex digits)."""

    commitment: str
    salt: bytes
    value: str

    def __repr__(self) -> str:
        return f"Held({self.commitment})"  # the rest has no place in a message or a log line


class CommitmentRow(msgspec.Struct, frozen=True):
    """A commitment of the log: ``held``, ``replaced`` by a correction, or ``erased``."""

    field: str
    commitment: str
    state: str
    event_id: str
    erasure_event_id: str | None


class EventRow(msgspec.Struct, frozen=True):
    """An event of a contact's stream; ``position`` once the log has it."""

    event_id: str
    type: str
    stream_version: int
    recorded_at: datetime
    position: int | None


class ContactRow(msgspec.Struct, frozen=True):
    """A contact as the log knows it."""

    tenant_id: str
    contact_id: str
    purpose: str
    state: str
    recorded_at: datetime
    erasure_due_at: datetime | None
    erasure_reason: str | None


class PersonalValues:
    """The erasable table, for one tenant in one transaction."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant = tenant_id

    def of(self, subject_id: str) -> dict[str, Held]:
        """What is kept of a subject, by field."""
        return self.of_all([subject_id]).get(subject_id, {})

    def of_all(self, subject_ids: Sequence[str]) -> dict[str, dict[str, Held]]:
        """What is kept of each of these subjects."""
        rows = self._connection.execute(
            "SELECT subject_id, field, commitment, salt, value FROM personal_values"
            " WHERE tenant_id = %s AND subject_id = ANY(%s) ORDER BY subject_id, field",
            (self._tenant, list(subject_ids)),
        ).fetchall()
        found: dict[str, dict[str, Held]] = {}
        for row in rows:
            held = Held(row["commitment"], bytes(row["salt"]), row["value"])
            found.setdefault(row["subject_id"], {})[row["field"]] = held
        return found

    def put(self, subject_id: str, values: Mapping[str, Held]) -> None:
        """Keep these values; what a field had before is gone."""
        for field, held in values.items():
            self._connection.execute(
                "INSERT INTO personal_values"
                " (tenant_id, subject_id, field, commitment, salt, value)"
                " VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (tenant_id, subject_id, field) DO UPDATE SET"
                " commitment = excluded.commitment, salt = excluded.salt, value = excluded.value",
                (self._tenant, subject_id, field, held.commitment, held.salt, held.value),
            )

    def destroy(self, commitments: Iterable[str]) -> int:
        """Delete salts and values behind these commitments; gives how many were still there."""
        return self._connection.execute(
            "DELETE FROM personal_values WHERE tenant_id = %s AND commitment = ANY(%s)",
            (self._tenant, list(commitments)),
        ).rowcount


class ContactTables:
    """Reads of the contacts' read models, within the scope of the connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def contact(self, contact_id: str) -> ContactRow:
        """One contact. Raises NotFound, also for another tenant's."""
        row = self._connection.execute(_CONTACT + "WHERE contact_id = %s", (contact_id,)).fetchone()
        if row is None:
            raise NotFound("There is no such contact.")
        return ContactRow(**row)

    def contacts(self, after: str, limit: int) -> list[ContactRow]:
        """Contacts by id, from behind ``after``."""
        rows = self._connection.execute(
            _CONTACT + "WHERE contact_id > %s ORDER BY contact_id LIMIT %s", (after, limit)
        ).fetchall()
        return [ContactRow(**row) for row in rows]

    def due(self, now: datetime) -> ContactRow | None:
        """A contact whose erasure is due, locked; None when there is none to be had."""
        row = self._connection.execute(
            _CONTACT + "WHERE erasure_due_at <= %s"
            " ORDER BY erasure_due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
            (now,),
        ).fetchone()
        return None if row is None else ContactRow(**row)

    def commitments(self, contact_ids: Sequence[str]) -> dict[str, list[CommitmentRow]]:
        """Every commitment of these contacts, in the order of their events."""
        rows = self._connection.execute(
            "SELECT contact_id, field, commitment, state, event_id::text AS event_id,"
            " erasure_event_id::text AS erasure_event_id FROM contact_commitments"
            " WHERE contact_id = ANY(%s) ORDER BY contact_id, event_id, field",
            (list(contact_ids),),
        ).fetchall()
        return _grouped(rows, "contact_id", CommitmentRow)

    def events(self, streams: Sequence[str]) -> dict[str, list[EventRow]]:
        """Every event of these streams."""
        rows = self._connection.execute(
            "SELECT events.stream_id, events.event_id::text AS event_id, events.type,"
            " events.stream_version, events.recorded_at, feed.position"
            " FROM events LEFT JOIN feed USING (tenant_id, stream_id, stream_version)"
            " WHERE events.stream_id = ANY(%s) ORDER BY events.stream_id, events.stream_version",
            (list(streams),),
        ).fetchall()
        return _grouped(rows, "stream_id", EventRow)


def _grouped(rows: list[dict[str, Any]], key: str, kind: type[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.pop(key), []).append(kind(**row))
    return found
