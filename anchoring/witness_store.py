"""What a witness remembers, in one SQLite file: the newest head of each log, and the last few.

SQLite because its lock holds between processes and its commit is durable (``synchronous=EXTRA``
also syncs the folder after the journal is gone). A decision runs inside ``BEGIN IMMEDIATE``: nobody
else reads the old head until the new one is committed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import MalformedInput, StorageError
from anchoring.witness import origin_hash

KEPT_HEADS = 16
"""How many heads of a log are kept: a mirror takes uploads for any of them."""

_BUSY_SECONDS = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS heads (
  origin TEXT NOT NULL, origin_hash TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL,
  PRIMARY KEY (origin, size)) WITHOUT ROWID, STRICT;
CREATE INDEX IF NOT EXISTS heads_by_hash ON heads (origin_hash, size);
CREATE TABLE IF NOT EXISTS entries (
  origin TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID, STRICT;
"""
_NEWEST = "SELECT note FROM heads WHERE {} = ? ORDER BY size DESC LIMIT 1"
_PRUNE = """
DELETE FROM heads WHERE origin = ?1 AND size NOT IN
  (SELECT size FROM heads WHERE origin = ?1 ORDER BY size DESC LIMIT ?2)
"""


class SqliteHeadStore:
    """A HeadStore in one file. ``path``'s folder is created; raises StorageError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot create {path.parent}: {error.strerror}") from error
        with self._connection() as connection:
            connection.executescript(_SCHEMA)

    def read(self, origin: str) -> bytes | None:
        """Return the newest checkpoint of ``origin``, or None."""
        return self._read(_NEWEST.format("origin"), origin)

    def read_by_hash(self, origin_hash: str) -> bytes | None:
        """Return the newest checkpoint of the log whose origin has this SHA-256, or None."""
        return self._read(_NEWEST.format("origin_hash"), origin_hash)

    def read_size(self, origin: str, size: int) -> bytes | None:
        """Return one of the last heads by its size, or None."""
        query = "SELECT note FROM heads WHERE origin = ? AND size = ?"
        return self._read(query, origin, size)

    def update(self, origin: str, decide: Callable[[bytes | None], bytes]) -> bytes:
        """Run ``decide`` on the newest head and keep what it returns, as one durable step."""
        with self._locked() as connection:
            row = connection.execute(_NEWEST.format("origin"), (origin,)).fetchone()
            note = decide(None if row is None else row[0])
            size = _size_of(note)
            connection.execute(
                "INSERT INTO heads VALUES (?, ?, ?, ?)"
                " ON CONFLICT (origin, size) DO UPDATE SET note = excluded.note",
                (origin, origin_hash(origin), size, note),
            )
            connection.execute(_PRUNE, (origin, KEPT_HEADS))
        return note

    def next_entry(self, origin: str) -> int:
        """Return how many entries of ``origin`` a mirror has stored."""
        with self._connection() as connection:
            return _next_entry(connection, origin)

    def store_entries(self, origin: str, end: int, write: Callable[[int], None]) -> int:
        """Advance the number of stored entries to ``end`` after ``write(stored)``, atomically.

        ``write`` makes the entries durable; it is not called when they are stored already.
        Returns the number stored afterwards.
        """
        with self._locked() as connection:
            stored = _next_entry(connection, origin)
            if end <= stored:
                return stored
            write(stored)
            connection.execute(
                "INSERT INTO entries VALUES (?, ?)"
                " ON CONFLICT (origin) DO UPDATE SET next = excluded.next",
                (origin, end),
            )
            return end

    def _read(self, query: str, *values: str | int) -> bytes | None:
        with self._connection() as connection:
            row = connection.execute(query, values).fetchone()
        return None if row is None else bytes(row[0])

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for one step: none is shared between threads or over a fork."""
        try:
            opened = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
            with closing(opened) as connection:
                connection.execute("PRAGMA synchronous = EXTRA")
                yield connection
        except sqlite3.Error as error:
            raise StorageError(f"the state in {self._path.name} cannot be used: {error}") from error


def _next_entry(connection: sqlite3.Connection, origin: str) -> int:
    row = connection.execute("SELECT next FROM entries WHERE origin = ?", (origin,)).fetchone()
    return 0 if row is None else int(row[0])


def _size_of(note: bytes) -> int:
    size = parse_checkpoint(note)[0].size
    if size > 2**63 - 1:
        raise MalformedInput("a checkpoint is larger than 2^63-1")
    return size
