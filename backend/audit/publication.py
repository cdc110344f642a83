"""From the feed to the published log: tiles on disk, under the sequencer's fence."""

from anchoring.errors import FenceLost
from anchoring.publisher import Published, Publisher
from backend.eventstore.database import Database
from backend.eventstore.errors import LeaseLost, LogInconsistent
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Scope

CHUNK = 5_000

_ENTRIES = """
SELECT events.entry FROM feed JOIN events USING (tenant_id, stream_id, stream_version)
WHERE feed.position >= %s ORDER BY feed.position LIMIT %s
"""


class DatabaseFence:
    """Admits a head only while the lease is held, and never two roots for one size."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    def lock(self, size: int, root: bytes) -> None:
        """Raises FenceLost when the lease is gone or another root stands for this size."""
        try:
            with self._database.transaction(Scope.sequencer()) as connection:
                self._lease.hold(connection)
                known = connection.execute(
                    "SELECT root FROM checkpoints WHERE size = %s", (size,)
                ).fetchone()
                head = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
        except LeaseLost as error:
            raise FenceLost("another publisher took over") from error
        if known is not None and known["root"] != root:
            raise FenceLost(f"another root is signed for size {size}")
        if head is None or head["size"] is None or size > head["size"]:
            raise FenceLost(f"the log has not reached size {size}")


class LogPublication:
    """Brings the published log up to the sequenced one; run after every sequencer step."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    def catch_up(self) -> Published | None:
        """Publish what is sequenced and not published yet; None when there was nothing.

        Raises FenceLost when another process took over and LogInconsistent when the folder
        is ahead of the database (restored from an older backup?).
        """
        published = None
        while entries := self._waiting(self._publisher.size):
            published = self._publisher.publish(self._publisher.size, entries)
        return published

    def _waiting(self, position: int) -> list[bytes]:
        with self._database.transaction(Scope.auditor()) as connection:
            head = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
            size = (head["size"] if head else None) or 0
            if size < position:
                raise LogInconsistent(
                    "The published log is larger than the database's: was an older backup"
                    " restored?",
                    published=position,
                    sequenced=size,
                )
            rows = connection.execute(_ENTRIES, (position, CHUNK)).fetchall()
        return [row["entry"] for row in rows]
