"""Personal data for proofs: what identity's tables say of commitments, as audit asks for it."""

from collections.abc import Sequence

from anchoring.disclosure import Disclosed, Disclosure
from backend.eventstore.scope import Connection


class IdentityPersonal:
    """audit's PersonalRecords. Row-level security decides what a caller's connection sees."""

    def erasures(self, connection: Connection, commitments: Sequence[str]) -> Sequence[str]:
        """The ids of the erasure events that name any of these."""
        rows = connection.execute(
            "SELECT DISTINCT erasure_event_id::text AS event_id FROM contact_commitments"
            " WHERE commitment = ANY(%s) AND erasure_event_id IS NOT NULL ORDER BY event_id",
            (list(commitments),),
        ).fetchall()
        return [row["event_id"] for row in rows]

    def opening(self, connection: Connection, commitments: Sequence[str]) -> Disclosure:
        """Values of contacts in use; one whose erasure was asked for is not shown any more."""
        rows = connection.execute(
            "SELECT kept.field, kept.salt, kept.value FROM personal_values AS kept"
            " JOIN contacts ON contacts.tenant_id = kept.tenant_id"
            " AND contacts.contact_id = kept.subject_id AND contacts.state = 'recorded'"
            " WHERE kept.commitment = ANY(%s)",
            (list(commitments),),
        ).fetchall()
        return {row["field"]: Disclosed(bytes(row["salt"]), row["value"]) for row in rows}
