"""Rebuild every read model from the log and compare it with the live tables.

The projections run against temporary tables that hide the live ones in this session; then
each pair is compared in both directions. Nothing live is touched.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from psycopg import sql

from backend.eventstore.database import Database
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.recorded import read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Scope

_EVENTS = """
SELECT feed.position, events.entry, events.leaf_hash
FROM feed JOIN events USING (tenant_id, stream_id, stream_version) ORDER BY feed.position
"""


class Difference(msgspec.Struct, frozen=True):
    """A row that stands on one side only: ``live`` (changed by hand?) or ``replayed`` (lost?)."""

    table: str
    side: str
    row: str


class ReplayReport(msgspec.Struct, frozen=True):
    """What a replay saw: how many events, how many rows, and where the sides differ."""

    events: int
    rows: dict[str, int]
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences


def replay_and_compare(
    database: Database,
    registry: EventRegistry,
    projections: ProjectionSet,
    progress: Callable[[int], None] = lambda _: None,
) -> ReplayReport:
    """Replay the sequenced log in one snapshot and compare. Raises EventUnreadable.

    Events that have no position yet are in the live tables but not in the log: call it when
    the outbox is empty, or a difference may be a matter of milliseconds.
    """
    with database.transaction(Scope.auditor()) as connection:
        for table in projections.tables:
            connection.execute(
                sql.SQL(
                    "CREATE TEMP TABLE {0} (LIKE public.{0} INCLUDING ALL) ON COMMIT DROP"
                ).format(sql.Identifier(table))
            )
        count = 0
        for recorded in _stream(connection, registry):
            projections.apply(connection, recorded)
            count += 1
            if count % 1_000 == 0:
                progress(count)
        progress(count)
        rows = {table: _count(connection, table) for table in projections.tables}
        found = [each for table in projections.tables for each in _compare(connection, table)]
    return ReplayReport(count, rows, tuple(found))


def _stream(connection: Connection, registry: EventRegistry) -> Iterator[Any]:
    with connection.cursor(name="replay") as cursor:
        cursor.itersize = 1_000
        cursor.execute(_EVENTS)
        for row in cursor:
            yield read_recorded(registry, row["entry"], row["leaf_hash"], row["position"])


def _count(connection: Connection, table: str) -> int:
    row = connection.execute(
        sql.SQL("SELECT count(*) AS n FROM public.{}").format(sql.Identifier(table))
    ).fetchone()
    return int(row["n"]) if row else 0


def _compare(connection: Connection, table: str) -> list[Difference]:
    name = sql.Identifier(table)
    found: list[Difference] = []
    for side, left, right in (("live", "public", "pg_temp"), ("replayed", "pg_temp", "public")):
        rows = connection.execute(
            sql.SQL(
                "SELECT row_to_json(d)::text AS row FROM"
                " (SELECT * FROM {0}.{2} EXCEPT ALL SELECT * FROM {1}.{2}) d LIMIT 5"
            ).format(sql.Identifier(left), sql.Identifier(right), name)
        ).fetchall()
        found.extend(Difference(table, side, row["row"]) for row in rows)
    return found
