"""Tiles are held to the signed root before a hash of theirs is used."""

import pytest

from anchoring.errors import StorageError, VerificationFailed
from anchoring.merkle import MemoryTree, leaf_hash, root_at
from anchoring.tile_check import CheckedTiles
from anchoring.tiles import TILE_HEIGHT, TILE_WIDTH, encode_hashes, tiles_of

SIZES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 66_100]
TREE = MemoryTree([leaf_hash(b"%d" % number) for number in range(SIZES[-1])])


class Tiles:
    """The tiles of the first ``size`` leaves, made by their definition."""

    def __init__(self, size):
        self.files = {}
        for tile in tiles_of(size):
            if tile.level is not None:
                first = tile.index * TILE_WIDTH
                places = [(tile.level * TILE_HEIGHT, first + at) for at in range(tile.width)]
                self.files[tile.path()] = encode_hashes(TREE.read_hashes(places))

    def read(self, path):
        return self.files.get(path)


@pytest.mark.parametrize("size", SIZES)
def test_hashes_and_roots_are_those_of_the_tree(size):
    checked = CheckedTiles(Tiles(size), size, TREE.root(size))
    for part in {size, size // 2, size // 3, max(0, size - 1), size // 256 * 256}:
        assert root_at(part, checked) == TREE.root(part)
    places = [(level, (size >> level) - 1) for level in range(17) if size >> level]
    assert checked.read_hashes(places) == TREE.read_hashes(places)


@pytest.mark.parametrize("size", [1, 257, 700, 66_100])
def test_every_tile_that_is_used_was_checked(size):
    """One bit of one hash of any tile: nothing is given out that is not of the tree."""
    wanted = [(0, at) for at in range(0, size, 97)] + [(8, at) for at in range(size >> 8)]
    for path in Tiles(size).files:
        tiles = Tiles(size)
        data = bytearray(tiles.files[path])
        data[len(data) // 2] ^= 1
        tiles.files[path] = bytes(data)
        with pytest.raises(VerificationFailed):
            CheckedTiles(tiles, size, TREE.root(size)).read_hashes(wanted)


def test_another_root_size_or_a_missing_tile():
    with pytest.raises(VerificationFailed):
        CheckedTiles(Tiles(700), 700, TREE.root(699))
    tiles = Tiles(700)
    del tiles.files["tile/0/001"]
    checked = CheckedTiles(tiles, 700, TREE.root(700))
    assert checked.read_hashes([(0, 5), (0, 699)]) == TREE.read_hashes([(0, 5), (0, 699)])
    with pytest.raises(StorageError):
        checked.read_hashes([(0, 256)])
    with pytest.raises(StorageError):
        checked.read_hashes([(0, 700)])
    with pytest.raises(StorageError):
        checked.read_hashes([(10, 0)])
