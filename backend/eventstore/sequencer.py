"""The single writer of the log: gives committed events contiguous positions and signs the head.

An outbox row becomes visible when its transaction commits, and whole commits are taken, so
nothing that commits late can be skipped. Feed rows, tree head and signed checkpoint are
written in one transaction under the fenced lease: there is no state in which a signature
covers an event that is not durable.
"""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.merkle import Frontier
from anchoring.note import NoteSigner
from backend.eventstore.database import Database
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Connection, Scope
from backend.kernel.faults import FAULTS

ALIGNMENT = 256
"""Checkpoints are also kept at every multiple of this size: anchors there are cheapest."""

# Whole commits only, those whose last row is the oldest: what a commit builds upon was committed
# before it drew that row's id, so it is taken before it or with it. By its first row it might not
# be. They move to the feed inside the database; only the leaf hashes come back.
_MOVE = """
WITH oldest AS (
  SELECT transaction_id FROM (
    SELECT transaction_id, sum(entries) OVER (ORDER BY last) - entries AS before FROM (
      SELECT transaction_id, max(insert_id) AS last, count(*) AS entries FROM unsequenced
      GROUP BY transaction_id ORDER BY last LIMIT %(limit)s) AS commits) AS first
  WHERE before < %(limit)s
), taken AS (
  DELETE FROM unsequenced WHERE transaction_id IN (SELECT transaction_id FROM oldest)
  RETURNING insert_id, tenant_id, stream_id, stream_version, event_id, type, leaf_hash
), placed AS (
  INSERT INTO feed (position, tenant_id, stream_id, stream_version, event_id, type, leaf_hash)
  SELECT %(first)s - 1 + row_number() OVER (ORDER BY insert_id),
         tenant_id, stream_id, stream_version, event_id, type, leaf_hash
  FROM taken RETURNING position, leaf_hash
)
SELECT leaf_hash FROM placed ORDER BY position
"""


_PRUNE = """
DELETE FROM checkpoints WHERE size %% %s <> 0 AND signed_at < clock_timestamp() - %s
  AND size < (SELECT max(size) FROM log_head)
  AND NOT EXISTS (SELECT 1 FROM anchors WHERE anchors.size = checkpoints.size)
  AND NOT EXISTS (SELECT 1 FROM witness_rounds WHERE witness_rounds.size = checkpoints.size)
"""
KEEP_CHECKPOINTS = timedelta(hours=1)


class Batch(msgspec.Struct, frozen=True):
    """What one step of the sequencer did: the log grew from ``first`` to ``size``."""

    first: int
    size: int


class Sequencer:
    """Moves the outbox into the feed. Run ``step`` in a loop while the lease is held."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        log_signers: NoteSigner | Sequence[NoteSigner],
        origin: str,
        batch_size: int = 5_000,
    ) -> None:
        self._database = database
        self._lease = lease
        self._signers = _several(log_signers)
        self._origin = origin
        self._batch_size = batch_size

    def sign_with(self, log_signers: Sequence[NoteSigner]) -> None:
        """Sign the checkpoints of the next steps with these keys, each with all of them."""
        self._signers = _several(log_signers)

    def step(self) -> Batch | None:
        """Sequence what has committed; None when nothing waited.

        Raises LeaseLost when another sequencer took over (nothing is written then).
        """
        with self._database.transaction(Scope.sequencer()) as connection:
            self._lease.hold(connection)
            if connection.execute("SELECT 1 FROM unsequenced LIMIT 1").fetchone() is None:
                return None
            frontier = self._frontier(connection)
            first = frontier.size
            rows = connection.execute(
                _MOVE, {"limit": self._batch_size, "first": first}, binary=True
            ).fetchall()
            FAULTS.reach("sequencer.moved")
            self._grow(connection, frontier, [row["leaf_hash"] for row in rows])
            connection.execute("SELECT pg_notify('feed', %s)", (str(frontier.size),))
            FAULTS.reach("sequencer.signed")
        FAULTS.reach("sequencer.committed")
        return Batch(first, frontier.size)

    def prune(self) -> int:
        """Drop signed heads nobody will ask for again; returns how many.

        Kept are the newest, every multiple of 256, and what is or may be anchored or cosigned.
        """
        with self._database.transaction(Scope.sequencer()) as connection:
            return connection.execute(_PRUNE, (ALIGNMENT, KEEP_CHECKPOINTS)).rowcount

    def _frontier(self, connection: Connection) -> Frontier:
        row = connection.execute(
            "SELECT size, frontier FROM log_head WHERE origin = %s", (self._origin,)
        ).fetchone()
        if row is None:
            if connection.execute("SELECT 1 FROM log_head").fetchone() is not None:
                raise LogInconsistent("The database holds a log of another origin.")
            return Frontier()
        frontier = Frontier.parse(row["frontier"])
        if frontier.size != row["size"]:
            raise LogInconsistent("The log head's frontier has another size.", size=row["size"])
        return frontier

    def _grow(self, connection: Connection, frontier: Frontier, leaves: list[bytes]) -> None:
        """Integrate the leaves; sign a checkpoint at each multiple of 256 and at the end."""
        while leaves:
            room = ALIGNMENT - frontier.size % ALIGNMENT
            frontier.extend(leaves[:room])
            leaves = leaves[room:]
            if not leaves or frontier.size % ALIGNMENT == 0:
                self._sign(connection, frontier)
        connection.execute(
            "INSERT INTO log_head (origin, size, frontier, root) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (origin) DO UPDATE SET size = excluded.size,"
            " frontier = excluded.frontier, root = excluded.root",
            (self._origin, frontier.size, frontier.serialise(), frontier.root()),
        )

    def _sign(self, connection: Connection, frontier: Frontier) -> None:
        root = frontier.root()
        note = sign_checkpoint(Checkpoint(self._origin, frontier.size, root), self._signers)
        connection.execute(
            "INSERT INTO checkpoints (size, root, note) VALUES (%s, %s, %s)",
            (frontier.size, root, note),
        )


def _several(signers: NoteSigner | Sequence[NoteSigner]) -> tuple[NoteSigner, ...]:
    return tuple(signers) if isinstance(signers, Sequence) else (signers,)
