"""A tile directory: written so that a crash leaves either the old file or the new one.

Every file is written under a temporary name, synced, renamed, and its folder synced. Tiles are
immutable: writing one again must give the same bytes. The checkpoint is replaced only by a
larger one, or by the same text with more signatures; a lock file makes that comparison and the
rename one step for every process on the machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import MalformedInput, OutOfOrder, StorageError, StoreConflict
from anchoring.merkle import Frontier, leaf_hashes
from anchoring.tiles import (
    CHECKPOINT_PATH,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TileReader,
    decode_entries,
    decode_hashes,
    encode_entries,
    encode_hashes,
    read_tile,
    tile_width,
)

KEPT_CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints kept for anchored sizes, named by size."""


class DirectoryStore:
    """The files of one log under ``root``; readable by any number of processes.

    ``between`` is called between two files of one batch: crash tests stop the process there.
    """

    def __init__(self, root: Path, between: Callable[[], None] | None = None) -> None:
        self.root = root
        self._between = between

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None if it does not exist; raises StorageError."""
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error

    def write_immutable(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Write files that never change; raises StoreConflict if one exists with other bytes."""
        new: list[tuple[str, bytes]] = []
        for path, data in files:
            known = self.read(path)
            if known is None:
                new.append((path, data))
            elif known != data:
                raise StoreConflict(f"{path} is published with other bytes")
        self._replace(new)

    def publish_checkpoint(self, data: bytes) -> bool:
        """Replace the checkpoint if ``data`` is larger, or adds signatures to the same text.

        Returns whether it was written. Raises StoreConflict for another text of the same size.
        """
        with self._locked():
            known = self.read(CHECKPOINT_PATH)
            if known is not None and not _supersedes(data, known):
                return False
            self._replace([(CHECKPOINT_PATH, data)])
            return True

    def keep_checkpoint(self, size: int, data: bytes) -> bytes:
        """Keep the checkpoint of an anchored size; the one that is already kept stays."""
        path = f"{KEPT_CHECKPOINTS}/{size}"
        with self._locked():
            known = self.read(path)
            if known is not None and not _supersedes(data, known):
                return known
            self._replace([(path, data)])
            return data

    def kept_checkpoint(self, size: int) -> bytes | None:
        """Return the checkpoint kept for ``size``, if any."""
        return self.read(f"{KEPT_CHECKPOINTS}/{size}")

    def kept_sizes(self) -> list[int]:
        """Return the sizes whose checkpoints are kept, ascending."""
        folder = self.root / KEPT_CHECKPOINTS
        if not folder.is_dir():
            return []
        return sorted(int(item.name) for item in folder.iterdir() if item.name.isdecimal())

    def drop_partials(self, tile: Tile) -> None:
        """Remove the partial tiles of a place whose full tile is written."""
        folder = self.root / f"{tile.full().path()}.p"
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)

    def _replace(self, files: Sequence[tuple[str, bytes]]) -> None:
        folders: set[Path] = set()
        renames: list[tuple[Path, Path]] = []
        try:
            for path, data in files:
                target = self.root / path
                folders |= _make_folder(target.parent, self.root)
                # Tile names hold no '~', so a leftover of a crash is never served as a tile.
                temporary = target.with_name(f"{target.name}~{os.getpid()}")
                _write_synced(temporary, data)
                renames.append((temporary, target))
            for number, (temporary, target) in enumerate(renames):
                if number and self._between is not None:
                    self._between()
                temporary.replace(target)
            for folder in folders:
                _sync_folder(folder)
        except OSError as error:
            raise StorageError(f"cannot write to the log folder: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _supersedes(new: bytes, old: bytes) -> bool:
    (new_head, new_note), (old_head, old_note) = parse_checkpoint(new), parse_checkpoint(old)
    if new_head.size != old_head.size:
        return new_head.size > old_head.size
    if new_note.text != old_note.text:
        raise StoreConflict(f"two checkpoints of size {new_head.size} differ")
    have = {(item.name, item.key_id) for item in old_note.signatures}
    return have < {(item.name, item.key_id) for item in new_note.signatures}


def _make_folder(folder: Path, root: Path) -> set[Path]:
    """Create ``folder``; return it and the parents whose entries changed."""
    touched = {folder}
    missing = folder
    while not missing.exists():
        missing = missing.parent
        touched.add(missing)
        if missing == root.parent:
            break
    folder.mkdir(parents=True, exist_ok=True)
    return touched


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class TileWriter:
    """Extends a tile directory; one writer at a time, which the publisher's fence ensures."""

    def __init__(self, store: DirectoryStore, size: int = 0) -> None:
        """Take up a log of ``size`` entries from its tiles; raises StorageError."""
        self._store = store
        self._frontier = Frontier.read(size, TileReader(store, size))
        self._rows = [self._read_row(level) for level in range(64 // TILE_HEIGHT)]
        self._entries = self._read_entries()

    @property
    def size(self) -> int:
        """Return the number of entries written."""
        return self._frontier.size

    def root(self) -> bytes:
        """Return the root of the tree written."""
        return self._frontier.root()

    def extend(self, entries: Sequence[bytes]) -> None:
        """Write the tiles of the log with ``entries`` added.

        Raises StorageError; then this writer must be built anew, since what reached the disk is
        unknown. Until a checkpoint covers them, the new tiles mean nothing.
        """
        frontier = self._frontier.copy()
        completed = frontier.extend(leaf_hashes(entries))
        files, bundle_rest = self._bundles(entries)
        rows = [list(row) for row in self._rows]
        for level, row in enumerate(rows):
            if level * TILE_HEIGHT >= len(completed):
                break
            first = (self.size >> (level * TILE_HEIGHT)) // TILE_WIDTH
            whole = row + completed[level * TILE_HEIGHT]
            for number, at in enumerate(range(0, len(whole), TILE_WIDTH), start=first):
                part = whole[at : at + TILE_WIDTH]
                files.append((Tile(level, number, len(part)), encode_hashes(part)))
            rows[level] = whole[len(whole) // TILE_WIDTH * TILE_WIDTH :]
        self._store.write_immutable([(tile.path(), data) for tile, data in files])
        for tile, _ in files:
            if tile.width == TILE_WIDTH:
                self._store.drop_partials(tile)
        self._frontier, self._rows, self._entries = frontier, rows, bundle_rest

    def _bundles(self, entries: Sequence[bytes]) -> tuple[list[tuple[Tile, bytes]], list[bytes]]:
        whole = [*self._entries, *entries]
        files: list[tuple[Tile, bytes]] = []
        first = self.size // TILE_WIDTH
        for number, at in enumerate(range(0, len(whole), TILE_WIDTH), start=first):
            part = whole[at : at + TILE_WIDTH]
            files.append((Tile(None, number, len(part)), encode_entries(part)))
        return files, whole[len(whole) // TILE_WIDTH * TILE_WIDTH :]

    def _read_row(self, level: int) -> list[bytes]:
        tile = self._last_tile(level)
        if tile is None:
            return []
        try:
            return decode_hashes(read_tile(self._store, tile), tile.width)
        except MalformedInput as error:
            raise StorageError(f"{tile.path()}: {error}") from error

    def _read_entries(self) -> list[bytes]:
        tile = self._last_tile(None)
        if tile is None:
            return []
        try:
            return decode_entries(read_tile(self._store, tile), tile.width)
        except MalformedInput as error:
            raise StorageError(f"{tile.path()}: {error}") from error

    def _last_tile(self, level: int | None) -> Tile | None:
        number = (self.size >> (TILE_HEIGHT * (level or 0))) // TILE_WIDTH
        width = tile_width(level, number, self.size)
        return Tile(level, number, width) if width else None


def require_position(expected: int, given: int) -> None:
    """Raise OutOfOrder unless entries start exactly where the log ends."""
    if expected != given:
        raise OutOfOrder(f"the log has {expected} entries; the next batch starts at {given}")
