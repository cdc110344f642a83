"""From the feed to the published log: tiles on disk, under the sequencer's fence.

Nothing is published that the database did not sign: every published size has a checkpoint row
with the same root, and every entry has the leaf hash that its position was given.
"""

from anchoring.errors import FenceLost
from anchoring.merkle import leaf_hash
from anchoring.publisher import ANCHOR_ALIGNMENT, Published, Publisher
from backend.eventstore.database import Database
from backend.eventstore.errors import LeaseLost, LogInconsistent
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Connection, Scope
from backend.kernel.faults import FAULTS

CHUNK = 20 * ANCHOR_ALIGNMENT

_ENTRIES = """
SELECT feed.position, feed.leaf_hash, events.entry
FROM feed LEFT JOIN events USING (tenant_id, stream_id, stream_version)
WHERE feed.position >= %s AND feed.position < %s ORDER BY feed.position
"""


class DatabaseFence:
    """Admits a head only while the lease is held, and only the head that the database signed."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    def lock(self, size: int, root: bytes) -> None:
        """Raises FenceLost when the lease is gone, LogInconsistent for an unsigned head."""
        FAULTS.reach("publication.tiles_written")
        try:
            with self._database.transaction(Scope.sequencer()) as connection:
                self._lease.hold(connection)
                known = connection.execute(
                    "SELECT root FROM checkpoints WHERE size = %s", (size,)
                ).fetchone()
        except LeaseLost as error:
            raise FenceLost("another publisher took over") from error
        if known is None or known["root"] != root:
            raise LogInconsistent(
                "The tiles and the database give different trees: nothing is published.", size=size
            )
        FAULTS.reach("publication.locked")


class LogPublication:
    """Brings the published log up to the sequenced one; run after every sequencer step."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    def catch_up(self) -> Published | None:
        """Publish what is sequenced and not published yet; None when there was nothing.

        Raises FenceLost when another process took over and LogInconsistent when folder and
        database contradict each other (was an older backup restored?).
        """
        published = None
        while entries := self._waiting(self._publisher.size):
            published = self._publisher.publish(self._publisher.size, entries)
            FAULTS.reach("publication.published")
        return published

    def _waiting(self, position: int) -> list[bytes]:
        """The next entries, up to a size for which the database keeps a checkpoint."""
        with self._database.transaction(Scope.auditor()) as connection:
            size = _head(connection)
            if size < position:
                raise LogInconsistent(
                    "The published log is larger than the database's: was an older backup"
                    " restored?",
                    published=position,
                    sequenced=size,
                )
            aligned = (position + CHUNK) // ANCHOR_ALIGNMENT * ANCHOR_ALIGNMENT
            end = min(size, aligned)
            rows = connection.execute(_ENTRIES, (position, end)).fetchall()
        if [row["position"] for row in rows] != list(range(position, end)):
            raise LogInconsistent("The feed has a hole.", position=position)
        for row in rows:
            if row["entry"] is None or leaf_hash(row["entry"]) != row["leaf_hash"]:
                raise LogInconsistent(
                    "An entry is not the one sequenced.", position=row["position"]
                )
        return [row["entry"] for row in rows]


def _head(connection: Connection) -> int:
    row = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
    return int((row["size"] if row else None) or 0)
