"""Tiles, c2sp.org/tlog-tiles: the log as static files of 256 hashes or entries.

Hash ``i`` of tile ``n`` at tile level ``L`` is the root of the perfect subtree
``(8 * L, 256 * n + i)``. A tile that is not full yet is served as a partial tile of width 1 to
255. Entry bundles are entries, each after its length in 16 bits, big endian.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anchoring.canonical import MAX_ENTRY_BYTES
from anchoring.errors import MalformedInput, StorageError, TileMissing
from anchoring.merkle import HASH_BYTES, Coordinate, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 256
ENTRIES = "entries"
CHECKPOINT_PATH = "checkpoint"

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9]|[1-5][0-9]|6[0-3])/"
    r"(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The address of a tile; ``level`` None is an entry bundle, ``width`` 256 a full tile."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def path(self) -> str:
        """Return the path below the log's prefix, without a leading slash."""
        level = ENTRIES if self.level is None else str(self.level)
        suffix = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{suffix}"

    def full(self) -> Tile:
        """Return the full tile of the same place."""
        return Tile(self.level, self.index)


def _index_path(index: int) -> str:
    """Return 1234067 as x001/x234/067."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def parse_tile_path(path: str) -> Tile:
    """Parse the path of a tile; raises MalformedInput for any other spelling of it."""
    match = _PATH.match(path)
    if match is None or len(path) > 80:
        raise MalformedInput("not the path of a tile")
    level = None if match["level"] == ENTRIES else int(match["level"])
    width = int(match["width"]) if match["width"] else TILE_WIDTH
    tile = Tile(level, int(match["index"].replace("/", "").replace("x", "")), width)
    if tile.path() != path:
        raise MalformedInput("not the path of a tile")
    return tile


def tile_width(level: int | None, index: int, size: int) -> int:
    """Return how many hashes (or entries) a tile has in a log of ``size``: 0 to 256."""
    count = size >> (TILE_HEIGHT * (level or 0))
    return max(0, min(TILE_WIDTH, count - index * TILE_WIDTH))


def tiles_of(size: int) -> list[Tile]:
    """Return every tile and entry bundle that a log of ``size`` entries must serve."""
    found: list[Tile] = []
    levels: list[int | None] = [None, *range((max(size, 1).bit_length() + 7) // TILE_HEIGHT)]
    for level in levels:
        count = size >> (TILE_HEIGHT * (level or 0))
        for index in range((count + TILE_WIDTH - 1) // TILE_WIDTH):
            found.append(Tile(level, index, tile_width(level, index, size)))
    return found


def encode_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return a tile's bytes."""
    return b"".join(hashes)


def decode_hashes(data: bytes, width: int) -> list[bytes]:
    """Return the first ``width`` hashes of a tile; raises MalformedInput when it is shorter."""
    if len(data) % HASH_BYTES or not width * HASH_BYTES <= len(data) <= TILE_WIDTH * HASH_BYTES:
        raise MalformedInput(f"a tile of {len(data)} bytes does not hold {width} hashes")
    return [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle's bytes; raises MalformedInput for an entry over 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise MalformedInput(f"an entry of {len(entry)} bytes is longer than 65,535")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_entries(data: bytes, width: int) -> list[bytes]:
    """Return the first ``width`` entries of a bundle; raises MalformedInput.

    The whole bundle must be well-formed, also past ``width``.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(entry) != length:
            raise MalformedInput("an entry bundle ends within an entry")
        entries.append(entry)
        at += 2 + length
    if not width <= len(entries) <= TILE_WIDTH:
        raise MalformedInput(f"a bundle of {len(entries)} entries does not hold {width}")
    return entries[:width]


class TileSource(Protocol):
    """Where tiles are read from: a directory, a web server, an object store."""

    def read(self, path: str) -> bytes | None:
        """Return the bytes at ``path``, or None if there is nothing; raises StorageError."""
        ...


def read_tile(source: TileSource, tile: Tile) -> bytes:
    """Return a tile's bytes, falling back from a partial tile to the full one.

    A log may delete partial tiles once the full one exists. Raises TileMissing.
    """
    data = source.read(tile.path())
    if data is None and tile.width != TILE_WIDTH:
        data = source.read(tile.full().path())
    if data is None:
        raise TileMissing(f"{tile.path()} is missing")
    return data


class TileReader:
    """A HashReader over the tiles of a log of ``size`` entries.

    Tiles are not authenticated here: whoever makes a proof from them verifies it before use.
    """

    def __init__(self, source: TileSource, size: int) -> None:
        self._source = source
        self._size = size

    def read_hashes(self, coordinates: Sequence[Coordinate]) -> list[bytes]:
        """Return the hash at each coordinate; raises StorageError."""
        cache: dict[tuple[int, int], list[bytes]] = {}
        return [self._read_hash(level, index, cache) for level, index in coordinates]

    def _read_hash(
        self, level: int, index: int, cache: dict[tuple[int, int], list[bytes]]
    ) -> bytes:
        if (index + 1) << level > self._size:
            raise StorageError(f"subtree ({level}, {index}) is beyond a log of {self._size}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, offset = divmod(index << height, TILE_WIDTH)
        hashes = cache.get((tile_level, number))
        if hashes is None:
            hashes = self._load(tile_level, number)
            cache[tile_level, number] = hashes
        row = hashes[offset : offset + (1 << height)]
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]

    def _load(self, level: int, number: int) -> list[bytes]:
        width = tile_width(level, number, self._size)
        tile = Tile(level, number, width)
        try:
            return decode_hashes(read_tile(self._source, tile), width)
        except MalformedInput as error:
            raise StorageError(f"{tile.path()}: {error}") from error


def read_entry(source: TileSource, index: int, size: int) -> bytes:
    """Return the entry at ``index`` of a log of ``size`` entries; raises StorageError."""
    if not 0 <= index < size:
        raise StorageError(f"entry {index} is beyond a log of {size}")
    number, offset = divmod(index, TILE_WIDTH)
    tile = Tile(None, number, tile_width(None, number, size))
    try:
        return decode_entries(read_tile(source, tile), tile.width)[offset]
    except MalformedInput as error:
        raise StorageError(f"{tile.path()}: {error}") from error
