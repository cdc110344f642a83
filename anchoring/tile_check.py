"""Reading subtree hashes from tiles that are known to belong to a checkpoint.

A proof made from unchecked tiles that does not verify could mean a forked log or a rotten tile.
Here every tile is checked before a hash is taken from it, as in Go's sumdb/tlog TileHashReader:
the last tile of each level together give the checkpoint's root; every other tile is full, and
its hashes fold into the one hash that its parent tile has for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from anchoring.errors import MalformedInput, StorageError, VerificationFailed
from anchoring.merkle import Coordinate, fold, node_hash, subtree_coordinates
from anchoring.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TileSource,
    decode_hashes,
    read_tile,
    tile_width,
)


class CheckedTiles:
    """A HashReader over the tiles of the tree (``size``, ``root``)."""

    def __init__(self, source: TileSource, size: int, root: bytes) -> None:
        """Check the right edge.

        Raises StorageError when tiles cannot be read, VerificationFailed("log") when they do not
        lead to ``root``.
        """
        self._source = source
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._edge: dict[int, list[bytes]] = {}
        for level in range((size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT):
            number = (size >> (TILE_HEIGHT * level)) // TILE_WIDTH
            if width := tile_width(level, number, size):
                self._edge[level] = self._read(Tile(level, number, width))
        if self._edge_root() != root:
            raise VerificationFailed("log", "the tiles do not lead to the checkpoint's root")

    def read_hashes(self, coordinates: Sequence[Coordinate]) -> list[bytes]:
        """Return the hash at each coordinate.

        Raises StorageError when a tile cannot be read, VerificationFailed("log") when one does
        not belong to the tree.
        """
        return [self._hash(level, index) for level, index in coordinates]

    def _hash(self, level: int, index: int) -> bytes:
        if (index + 1) << level > self._size:
            raise StorageError(f"subtree ({level}, {index}) is beyond a log of {self._size}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, offset = divmod(index << height, TILE_WIDTH)
        row = self._checked(tile_level, number)[offset : offset + (1 << height)]
        return _subtree(row)

    def _checked(self, level: int, number: int) -> list[bytes]:
        if number == (self._size >> (TILE_HEIGHT * level)) // TILE_WIDTH:
            return self._edge[level]
        known = self._tiles.get((level, number))
        if known is None:
            tile = Tile(level, number)
            known = self._read(tile)
            parent = self._checked(level + 1, number // TILE_WIDTH)[number % TILE_WIDTH]
            if _subtree(known) != parent:
                raise VerificationFailed("log", f"{tile.path()} is not of the checkpoint's tree")
            self._tiles[level, number] = known
        return known

    def _read(self, tile: Tile) -> list[bytes]:
        data = read_tile(self._source, tile)
        try:
            return decode_hashes(data, tile.width)
        except MalformedInput as error:
            raise VerificationFailed("log", f"{tile.path()}: {error}") from error

    def _edge_root(self) -> bytes:
        parts: list[bytes] = []
        for level, index in subtree_coordinates(0, self._size):
            tile_level, height = divmod(level, TILE_HEIGHT)
            offset = (index << height) % TILE_WIDTH
            parts.append(_subtree(self._edge[tile_level][offset : offset + (1 << height)]))
        return fold(parts)


def _subtree(hashes: Sequence[bytes]) -> bytes:
    """Return the root over 2^k hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
