"""What a walk over a log remembers: on disk while it runs, and in a state file to go on from.

An SQLite database. ``indexed`` holds count and head of each stream as of the entries that the
last commitment to the index covers, ``pending`` what each later entry changed: the next
commitment covers some of those, and nobody knows how many before it is read. So memory does not
grow with the entries, however far apart the commitments are. ``walk`` is one row, everything
else of a walk at a bundle boundary. A save is one transaction: a run that is stopped anywhere
leaves the last save.

A state file is the reader's own and as good as its disk and its owner. What it says is still
compared before it is used: that it is whole, of this log, and that the tree it reached is a
prefix of the one that is checked now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from anchoring.errors import MalformedInput, StorageError
from anchoring.stream_index import StreamHead

APPLICATION_ID = 0x54414C59
SCHEMA_VERSION = 1

_SCHEMA = f"""
CREATE TABLE walk (id INTEGER PRIMARY KEY CHECK (id = 1), document BLOB NOT NULL);
CREATE TABLE indexed (
  key BLOB PRIMARY KEY, count INTEGER NOT NULL, head BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pending (
  position INTEGER PRIMARY KEY, key BLOB NOT NULL, count INTEGER NOT NULL, head BLOB NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""
# With a single max() the other columns come from the row that has it (SQLite's documentation,
# "Bare columns in an aggregate query").
_CHANGED = "SELECT key, max(count), head FROM pending WHERE position < ? GROUP BY key"


class KeyUse(msgspec.Struct, frozen=True):
    """An event key and the first and last entry that it signed so far."""

    public_key: str
    first: int
    last: int


class KeyNotice(msgspec.Struct, frozen=True):
    """What the log says of an event key: from where on it signs, and up to where."""

    public_key: str
    first: int
    last: int | None = None


class SavedWalk(msgspec.Struct, forbid_unknown_fields=True):
    """A walk at the end of a full bundle.

    ``rows`` are the hashes of each tile level that do not fill a tile yet; ``index_root`` is the
    root over ``indexed`` streams as of ``index_size`` entries.
    """

    origin: str = ""
    frontier: bytes = bytes(8)
    rows: dict[int, list[bytes]] = msgspec.field(default_factory=dict)
    tiles: int = 0
    indexes: int = 0
    index_size: int = 0
    index_root: bytes = bytes(32)
    index_tenant: str | None = None
    uses: dict[str, KeyUse] = msgspec.field(default_factory=dict)
    notices: dict[str, KeyNotice] = msgspec.field(default_factory=dict)


class LogState:
    """The database; ``path`` None keeps it in a temporary file that nobody else sees."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the file.

        Raises MalformedInput when it is no state file and StorageError when it cannot be used.
        """
        self._path = path
        with self._errors():
            self._database = sqlite3.connect(str(path or ""), isolation_level=None, timeout=1)
            try:
                self._open(is_kept=path is not None)
            except BaseException:
                self._database.close()
                raise

    def close(self) -> None:
        """Forget what was not saved and close the file."""
        with self._errors():
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._database.close()

    def load(self) -> SavedWalk | None:
        """Return the walk saved last, and forget what came after; raises MalformedInput."""
        with self._errors():
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._database.execute("BEGIN IMMEDIATE")
            row = self._database.execute("SELECT document FROM walk").fetchone()
        if row is None:
            return None
        try:
            return msgspec.msgpack.decode(row[0], type=SavedWalk)
        except msgspec.MsgspecError as error:
            raise self._damaged() from error

    def save(self, walk: SavedWalk) -> None:
        """Make everything since the last save durable, at once."""
        document = msgspec.msgpack.encode(walk)
        with self._errors():
            self._database.execute("REPLACE INTO walk VALUES (1, ?)", (document,))
            self._database.execute("COMMIT")
            self._database.execute("BEGIN IMMEDIATE")

    def indexed(self) -> Iterator[StreamHead]:
        """Yield the streams as of the last commitment."""
        return self._heads("SELECT key, count, head FROM indexed")

    def pending(self) -> Iterator[StreamHead]:
        """Yield what later entries changed, in log order."""
        return self._heads("SELECT key, count, head FROM pending ORDER BY position")

    def add_pending(self, rows: Iterable[tuple[int, bytes, int, bytes]]) -> None:
        """Remember (position, key, count, head) of entries."""
        with self._errors():
            self._database.executemany("INSERT INTO pending VALUES (?, ?, ?, ?)", rows)

    def advance_index(self, size: int) -> list[StreamHead]:
        """Take the entries before ``size`` into ``indexed``; return the streams they changed."""
        changed = list(self._heads(_CHANGED, size))
        with self._errors():
            self._database.execute(f"REPLACE INTO indexed {_CHANGED}", (size,))
            self._database.execute("DELETE FROM pending WHERE position < ?", (size,))
        return changed

    def require(self, holds: bool) -> None:
        """Raise MalformedInput unless a property of every whole state ``holds``."""
        if not holds:
            raise self._damaged()

    def _heads(self, query: str, *parameters: int) -> Iterator[StreamHead]:
        with self._errors():
            for key, count, head in self._database.execute(query, parameters):
                yield StreamHead(key, count, head)

    def _open(self, is_kept: bool) -> None:
        execute = self._database.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute(f"PRAGMA synchronous = {'FULL' if is_kept else 'OFF'}")
        if not is_kept:
            execute("PRAGMA journal_mode = MEMORY")  # with none at all nothing can be rolled back
        is_new = execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if is_new:
            self._database.executescript(_SCHEMA)
        marks = [execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS]
        if marks != list(_MARKS.values()):
            raise MalformedInput(f"{self._path} is not a state file of this version")
        if execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise self._damaged()
        execute("BEGIN IMMEDIATE")

    def _damaged(self) -> MalformedInput:
        return MalformedInput(f"the state file {self._path} is damaged: delete it to start anew")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StorageError(f"the state file {self._path} is used by another run") from error
            raise StorageError(f"the state file {self._path} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise MalformedInput(f"{self._path} is not a state file: {error}") from error


_MARKS = {"application_id": APPLICATION_ID, "user_version": SCHEMA_VERSION}
