"""Rebuild every read model from the log's bytes and compare it with the live tables.

The entries come from the published log, whose root is checked against the signed checkpoint as
they stream; each is compared with its row in the event table. The projections run against
temporary tables that hide the live ones in this session; then each pair is compared by a digest
over its sorted rows, and where that differs the rows are named. All of it sees one snapshot of
the database, and nothing live is touched.

Events beyond the published size are folded from the database, because the live tables have them
too; how many is told.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg import sql

from backend.eventstore.database import Database, direct
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.published import PublishedLog
from backend.eventstore.registry import EventRegistry
from backend.eventstore.replay_entries import Difference, Entries
from backend.eventstore.scope import Connection, Scope
from backend.kernel.errors import DatabaseUnavailable

__all__ = ["Difference", "ReplayReport", "replay_and_compare"]

IDLE_SECONDS = 600
"""Between two statements: a slow disk of the log is no reason to lose the snapshot."""

_LIVE, _REPLAYED = "public", "pg_temp"
MAX_ROWS_NAMED = 5


class TableDigests(msgspec.Struct, frozen=True):
    """SHA-256 over the rows of a table: PostgreSQL's text of each, sorted, in hex, one a line."""

    live: str
    replayed: str


class ReplayReport(msgspec.Struct, frozen=True):
    """What a replay saw: how many events, how many rows, and where the sides differ.

    ``published`` is the size of the log that was read, ``unpublished`` how many events are not
    in it yet, ``changed`` how many rows of the event table are not what was logged.
    """

    events: int
    rows: dict[str, int]
    differences: tuple[Difference, ...]
    published: int = 0
    unpublished: int = 0
    changed: int = 0
    digests: dict[str, TableDigests] = {}

    @property
    def equal(self) -> bool:
        return not self.differences


def replay_and_compare(
    database: Database,
    registry: EventRegistry,
    projections: ProjectionSet,
    progress: Callable[[int], None] = lambda _: None,
    log: PublishedLog | None = None,
) -> ReplayReport:
    """Replay in one snapshot and compare. Raises EventUnreadable.

    Without ``log`` the sequenced entries are taken from the event table: that shows that the
    read models follow from the events, not that the events are those that were logged. Events
    that have no position yet are then left out: call it when the outbox is empty.
    """
    with _snapshot(database) as connection:
        for table in projections.tables:
            connection.execute(
                sql.SQL(
                    "CREATE TEMP TABLE {0} (LIKE public.{0} INCLUDING ALL) ON COMMIT DROP"
                ).format(sql.Identifier(table))
            )
        entries = Entries(connection, registry, log)
        count = 0
        for recorded in entries.events():
            projections.apply(connection, recorded)
            count += 1
            if count % 1_000 == 0:
                progress(count)
        progress(count)
        rows, digests, found = {}, {}, list(entries.differences)
        # Half a log rebuilds half of the tables: nothing to compare.
        for table in projections.tables if entries.is_whole else ():
            rows[table], digests[table] = _digests(connection, table)
            if digests[table].live != digests[table].replayed:
                found += _compare(connection, table)
    size = 0 if log is None else log.size
    return ReplayReport(
        count, rows, tuple(found), size, entries.unpublished, entries.changed, digests
    )


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """A transaction as auditor that sees one state of the database and leaves no trace."""
    connection = direct(database.conninfo, autocommit=True)
    try:
        connection.execute("SET default_transaction_isolation = 'repeatable read'")
        Scope.auditor().begin(connection)
        connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        yield connection
        connection.execute("ROLLBACK")
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("The database does not answer.") from error
    finally:
        connection.close()


def _digests(connection: Connection, table: str) -> tuple[int, TableDigests]:
    """How many live rows there are, and the digest of either side."""
    count, live = _digest(connection, _LIVE, table)
    _, replayed = _digest(connection, _REPLAYED, table)
    return count, TableDigests(live, replayed)


def _digest(connection: Connection, schema: str, table: str) -> tuple[int, str]:
    query = sql.SQL(
        "COPY (SELECT encode(convert_to(t::text, 'UTF8'), 'hex') FROM {}.{} AS t"
        ' ORDER BY t::text COLLATE "C") TO STDOUT'
    ).format(sql.Identifier(schema), sql.Identifier(table))
    digest, count = hashlib.sha256(), 0
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            digest.update(block)
            count += bytes(block).count(b"\n")
    return count, digest.hexdigest()


def _compare(connection: Connection, table: str) -> list[Difference]:
    name = sql.Identifier(table)
    found: list[Difference] = []
    for side, left, right in (("live", _LIVE, _REPLAYED), ("replayed", _REPLAYED, _LIVE)):
        rows = connection.execute(
            sql.SQL(
                "SELECT row_to_json(l)::text AS row FROM {0}.{2} AS l"
                " EXCEPT ALL SELECT row_to_json(r)::text FROM {1}.{2} AS r LIMIT {3}"
            ).format(sql.Identifier(left), sql.Identifier(right), name, MAX_ROWS_NAMED)
        ).fetchall()
        found.extend(Difference(table, side, row["row"]) for row in rows)
    return found
