"""Whether a key still signs: looked for where its signatures would be."""

from collections.abc import Collection
from datetime import timedelta

from anchoring.envelope import parse_entry
from backend.audit.errors import KeyInUse
from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.identity.ids import VENUE_TENANT

OVERLAP = timedelta(seconds=60)
"""Longer than a process takes to see its new key file, and than any transaction stays open."""

_WAITING = """
SELECT events.entry FROM unsequenced JOIN events USING (tenant_id, stream_id, stream_version)
"""
# The newest first: positions are given in the order of time, so the first old one ends the search.
_NEWEST = """
SELECT feed.position, events.entry, feed.sequenced_at > clock_timestamp() - %s AS recent
FROM feed JOIN events USING (tenant_id, stream_id, stream_version)
ORDER BY feed.position DESC
"""
# A process that was idle has the key before in memory until it looks at its file.
_ANNOUNCED = """
SELECT EXISTS (
  SELECT 1 FROM events LEFT JOIN feed USING (tenant_id, stream_id, stream_version)
  WHERE events.tenant_id = %s AND events.stream_id = %s AND events.type = 'event_key.announced'
  AND (feed.position IS NULL OR feed.sequenced_at > clock_timestamp() - %s)) AS recently
"""
_STREAM = "keyring-log"
_CHUNK = 1_000


def refuse_if_used(
    database: Database, key_id: str, held: Collection[str], overlap: timedelta = OVERLAP
) -> None:
    """Raise KeyInUse while an event key is in a key file, or may still be in use.

    ``held`` are the ids of the keys in this home's files. Events that have no position yet are
    looked at first, then those that were given theirs within ``overlap``. A key that was announced
    within it may be one that its process has not read yet.
    """
    if key_id in held:
        raise KeyInUse("A process's key file holds this key: rotate it first.", key_id=key_id)
    with database.transaction(Scope.sequencer()) as connection:
        for row in connection.execute(_WAITING):
            if _signer_of(row["entry"]) == key_id:
                raise KeyInUse("An event signed by the key waits for its place.", key_id=key_id)
    position = _recently_signed(database, key_id, overlap)
    if position is not None:
        raise KeyInUse(
            f"The key signed entry {position} within the last {overlap.total_seconds():g} seconds:"
            " wait until every process has the new one.",
            key_id=key_id,
        )
    if _recently_announced(database, overlap):
        raise KeyInUse(
            f"A key was announced within the last {overlap.total_seconds():g} seconds: wait until"
            " every process has its own.",
            key_id=key_id,
        )


def _recently_announced(database: Database, overlap: timedelta) -> bool:
    with database.transaction(Scope.auditor()) as connection:
        row = connection.execute(_ANNOUNCED, (VENUE_TENANT, _STREAM, overlap)).fetchone()
    return row is not None and row["recently"] and overlap > timedelta(0)


def _recently_signed(database: Database, key_id: str, overlap: timedelta) -> int | None:
    with (
        database.transaction(Scope.auditor()) as connection,
        connection.cursor(name="newest") as cursor,
    ):
        cursor.itersize = _CHUNK
        cursor.execute(_NEWEST, (overlap,))
        for row in cursor:
            if not row["recent"]:
                return None
            if _signer_of(row["entry"]) == key_id:
                return int(row["position"])
    return None


def _signer_of(entry: bytes) -> str:
    return parse_entry(entry).envelope.key_id
