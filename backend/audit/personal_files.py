"""What goes with a proof of events with personal data: proofs of erasures, and values held.

An erasure goes with every proof, since it is how a reader learns why a value is not shown. Values
go only where the caller asks for them in its own tenant: a proof is made to be handed on.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from anchoring.bundle import Bundle, PersonalFiles, build_bundle
from anchoring.commitment import ERASURE_EVENT, PERSONAL_MEMBER, parse_erasure, personal_fields
from anchoring.disclosure import Disclosure
from anchoring.envelope import ParsedEntry, parse_entry
from backend.audit.errors import ProofNotReady
from backend.audit.proof_source import ProofSource, no_wrong_proof
from backend.eventstore.database import Database
from backend.eventstore.scope import Connection, Role, Scope

# Most entries hold neither word; those that do by chance are parsed for nothing.
_MARKS = (f'"{PERSONAL_MEMBER}":'.encode(), f'"{ERASURE_EVENT}"'.encode())

_EVENT = """
SELECT events.entry, feed.position FROM events
JOIN feed USING (tenant_id, stream_id, stream_version) WHERE events.event_id = %s
"""


class PersonalRecords(Protocol):
    """Knows what became of the values behind commitments."""

    def erasures(self, connection: Connection, commitments: Sequence[str]) -> Sequence[str]:
        """The ids of the events that erased values behind any of these, in their order."""
        ...

    def opening(self, connection: Connection, commitments: Sequence[str]) -> Disclosure:
        """Values and salts behind these that the connection's tenant still holds, by field."""
        ...


class PersonalEvidence:
    """Finds and builds the files. Reads only."""

    def __init__(self, database: Database, source: ProofSource, records: PersonalRecords) -> None:
        self._database = database
        self._source = source
        self._records = records

    def of(self, scope: Scope, entries: Sequence[bytes], disclose: bool = False) -> PersonalFiles:
        """The files for these entries, as ``scope`` may see them.

        ``disclose`` adds the values that the scope's tenant holds. An erasure that is not
        published yet is left out, and one among ``entries`` needs no proof beside them. Raises
        LogInconsistent when an erasure or its tiles were changed.
        """
        with no_wrong_proof():
            found = list(_marked(entries))
            commitments = {
                item.hex() for entry in found for item in personal_fields(entry).values()
            }
            within = {
                item.hex()
                for entry in found
                if entry.envelope.type == ERASURE_EVENT
                for item in parse_erasure(entry).commitments
            }
        if not commitments:
            return PersonalFiles()
        with self._database.transaction(scope) as connection:
            erased_by = self._records.erasures(connection, sorted(commitments - within))
            disclosure = (
                self._records.opening(connection, sorted(commitments))
                if disclose and scope.role is Role.APP
                else None
            )
        erasures = (self._erasure(scope, event_id) for event_id in erased_by)
        return PersonalFiles(disclosure, tuple(each for each in erasures if each is not None))

    def _erasure(self, scope: Scope, event_id: str) -> Bundle | None:
        """The proof of an erasure event; None until it is published."""
        with self._database.transaction(scope) as connection:
            row = connection.execute(_EVENT, (event_id,)).fetchone()
            if row is None:
                return None
            try:
                standing = self._source.standing(connection, int(row["position"]))
            except ProofNotReady:
                return None
        with no_wrong_proof(event_id=event_id):
            return build_bundle(
                row["entry"],
                int(row["position"]),
                standing.note,
                self._source.reader(standing),
                standing.anchor(),
            )


def _marked(entries: Sequence[bytes]) -> Iterator[ParsedEntry]:
    for entry in entries:
        if any(mark in entry for mark in _MARKS):
            yield parse_entry(entry)
