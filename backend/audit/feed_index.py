"""The index of streams as the feed gives it: heads per stream, read in one query, kept as a trie.

A trie is immutable and shares with its successor what did not change, so that the one of an older
commitment costs only what changed since. Nothing here is trusted as it is: whoever gives a proof or
makes a commitment compares the root with one that the log already holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from anchoring.stream_index import StreamHead, StreamIndex, stream_key
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.scope import Connection
from backend.identity.ids import VENUE_TENANT

# What each stream gained in a range of positions. The last of its entries is looked up by its
# version: aggregating hashes would sort every row.
_MOVED = """
SELECT moved.*, feed.leaf_hash FROM (
  SELECT tenant_id, stream_id, min(stream_version) AS first, max(stream_version) AS last,
         count(*) AS entries FROM feed
  WHERE position >= %s AND position < %s GROUP BY tenant_id, stream_id) AS moved
JOIN feed ON feed.tenant_id = moved.tenant_id AND feed.stream_id = moved.stream_id
  AND feed.stream_version = moved.last
"""
_COMMITMENT = """
SELECT commitments.size, commitments.root, commitments.streams, commitments.stream_version,
       commitments.event_id, feed.position
FROM index_commitments AS commitments
LEFT JOIN feed ON feed.tenant_id = %(venue)s AND feed.stream_id = 'index-log'
  AND feed.stream_version = commitments.stream_version
"""
# A stream whose rows cannot be right, whatever the index says: it is named in the error.
_SUSPECT = """
SELECT feed.stream_id, feed.position FROM feed
LEFT JOIN events USING (tenant_id, stream_id, stream_version)
WHERE feed.position < %s AND (events.leaf_hash IS DISTINCT FROM feed.leaf_hash
  OR events.leaf_hash <> sha256('\\x00'::bytea || events.entry))
ORDER BY feed.position LIMIT 1
"""
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class IndexAt:
    """The index over the first ``size`` entries of the log."""

    size: int = 0
    index: StreamIndex = field(default_factory=StreamIndex)


@dataclass(frozen=True, slots=True)
class Commitment:
    """What an ``index.committed`` event says; ``position`` is None until it is sequenced."""

    size: int
    root: bytes
    streams: int
    stream_version: int
    event_id: str
    position: int | None


def index_at(connection: Connection, size: int, known: IndexAt | None = None) -> IndexAt:
    """The index over the first ``size`` entries, from ``known`` on where that is not larger.

    Takes memory and time by streams, not by entries, but for one pass of the database over the
    new ones. Raises LogInconsistent, which names the stream, when its versions have a hole.
    """
    start = known if known is not None and known.size <= size else IndexAt()
    if start.size == size:
        return start
    moved = _moved(connection, start, size)
    return IndexAt(size, start.index.updated(moved))


def _moved(connection: Connection, start: IndexAt, end: int) -> Iterator[StreamHead]:
    with connection.cursor(name="stream_index", binary=True) as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(_MOVED, (start.size, end))
        for row in cursor:
            key = stream_key(str(row["tenant_id"]), row["stream_id"])
            before = start.index.get(key)
            count = 0 if before is None else before.count
            if (row["first"], row["last"]) != (count + 1, count + row["entries"]):
                raise LogInconsistent(
                    f"The versions of the stream {row['stream_id']} have a hole.",
                    stream_id=row["stream_id"],
                    version=count + 1,
                )
            yield StreamHead(key, row["last"], row["leaf_hash"])


def newest_commitment(connection: Connection) -> Commitment | None:
    """The newest commitment there is, sequenced or not."""
    query = _COMMITMENT + " ORDER BY commitments.size DESC LIMIT 1"
    row = connection.execute(query, {"venue": VENUE_TENANT}).fetchone()
    return None if row is None else _commitment(row)


def commitment_below(connection: Connection, size: int) -> Commitment | None:
    """The newest commitment whose event is among the first ``size`` entries."""
    query = _COMMITMENT + " WHERE feed.position < %(size)s ORDER BY commitments.size DESC LIMIT 1"
    row = connection.execute(query, {"venue": VENUE_TENANT, "size": size}).fetchone()
    return None if row is None else _commitment(row)


def commitments_page(connection: Connection, below: int, limit: int) -> list[Commitment]:
    """Sequenced commitments over fewer than ``below`` entries, the largest first."""
    query = (
        _COMMITMENT + " WHERE commitments.size < %(below)s AND feed.position IS NOT NULL"
        " ORDER BY commitments.size DESC LIMIT %(limit)s"
    )
    values = {"venue": VENUE_TENANT, "below": below, "limit": limit}
    return [_commitment(row) for row in connection.execute(query, values)]


def require_committed(connection: Connection, commitment: Commitment, found: IndexAt) -> None:
    """Compare the feed's index with what the log committed to.

    Raises LogInconsistent, which names the first entry that was changed, or, where every entry is
    what its position was given, the commitment.
    """
    if (found.index.root(), found.index.streams) == (commitment.root, commitment.streams):
        return
    suspect = connection.execute(_SUSPECT, (commitment.size,)).fetchone()
    if suspect is not None:
        raise LogInconsistent(
            f"Entry {suspect['position']}, of the stream {suspect['stream_id']}, is not the one"
            " that was sequenced there.",
            position=suspect["position"],
            stream_id=suspect["stream_id"],
        )
    where = "not sequenced" if commitment.position is None else f"entry {commitment.position}"
    raise LogInconsistent(
        f"The first {commitment.size} entries do not have the stream index that the event"
        f" {commitment.event_id} ({where}) committed to.",
        event_id=commitment.event_id,
        size=commitment.size,
    )


def _commitment(row: dict[str, Any]) -> Commitment:
    return Commitment(
        row["size"],
        bytes.fromhex(row["root"]),
        row["streams"],
        row["stream_version"],
        str(row["event_id"]),
        row["position"],
    )
