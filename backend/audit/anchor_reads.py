"""What the anchorer asks the database: how old, how much, and which heads are signed."""

from backend.eventstore.errors import LogInconsistent
from backend.eventstore.scope import Connection
from backend.identity.ids import VENUE_TENANT

ANCHORING_STREAM = "anchoring-log"

# Events about anchors and the index start none: each anchor would be the cause of the next.
_OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - sequenced_at)::float8 AS age FROM feed
WHERE position >= %s AND type NOT LIKE 'anchor.%%' AND type NOT LIKE 'index.%%'
ORDER BY position LIMIT 1
"""
_WAITS = """
SELECT 1 FROM feed WHERE position >= %s AND position < %s
AND type NOT LIKE 'anchor.%%' AND type NOT LIKE 'index.%%' LIMIT 1
"""
# By real time, which no business clock moves; what has no position yet was paid just now.
_SPENT = """
SELECT coalesce(sum(anchor_fees.fee), 0) AS spent FROM anchor_fees LEFT JOIN feed
  ON feed.tenant_id = %s AND feed.stream_id = %s
  AND feed.stream_version = anchor_fees.stream_version
WHERE feed.position IS NULL OR feed.sequenced_at > clock_timestamp() - interval '24 hours'
"""


def oldest_age(connection: Connection, covered: int) -> float | None:
    """For how many seconds the oldest event at or after ``covered`` has waited for an anchor."""
    row = connection.execute(_OLDEST, (covered,)).fetchone()
    return None if row is None else float(row["age"])


def waits_between(connection: Connection, covered: int, size: int) -> bool:
    """Whether an event from ``covered`` up to ``size`` waits for an anchor."""
    return connection.execute(_WAITS, (covered, size)).fetchone() is not None


def spent_in_a_day(connection: Connection) -> int:
    """Wei paid for anchors in the last 24 hours."""
    row = connection.execute(_SPENT, (VENUE_TENANT, ANCHORING_STREAM)).fetchone()
    return int(row["spent"]) if row else 0


def log_size(connection: Connection) -> int:
    """How many entries the log has."""
    row = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
    return int((row["size"] if row else None) or 0)


def signed_root(connection: Connection, sizes: tuple[int, ...]) -> tuple[int, bytes]:
    """The smallest of ``sizes`` whose checkpoint is kept, and its root. Raises LogInconsistent."""
    row = connection.execute(
        "SELECT size, root FROM checkpoints WHERE size = ANY(%s) ORDER BY size LIMIT 1",
        (list(sizes),),
    ).fetchone()
    if row is None:
        raise LogInconsistent("No checkpoint is kept for a size to anchor.", size=sizes[0])
    return int(row["size"]), bytes(row["root"])
