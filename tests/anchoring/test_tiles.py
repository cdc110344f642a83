"""Tiles: paths and widths beside other people's numbers, and reading hashes from them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchoring.errors import MalformedInput, StorageError, TileMissing
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.tile_store import DirectoryStore, TileWriter
from anchoring.tiles import (
    Tile,
    TileReader,
    decode_entries,
    decode_hashes,
    encode_entries,
    parse_tile_path,
    read_entry,
    tile_width,
    tiles_of,
)


def test_the_paths_of_sumdb(load):
    """Theirs carry the tile height and a width below it; C2SP has neither, and entries for data."""
    data = load("sumdb/tlog.json")
    for path, (height, level, index, width) in data[
        "tile_paths (sumdb form tile/H/L/N; C2SP drops H)"
    ]:
        c2sp = path.replace(f"tile/{height}/", "tile/", 1).replace("/data/", "/entries/")
        tile = Tile(None if level < 0 else level, index, 256 if width == 1 << height else width)
        assert tile.path() == c2sp
        assert parse_tile_path(c2sp) == tile
    for path in data["bad_tile_paths"]:
        with pytest.raises(MalformedInput):
            parse_tile_path(path.replace("tile/3/", "tile/", 1))


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/00/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/05",
        "tile/0/001.p",
        "tile/0/001/",
        "tile/0/x001",
        "tile/0/٠٠١",
        "/tile/0/001",
        "tile/0/../001",
        "tile/data/001",
        "tile/0/001\n",
        "tile/0/" + "x999/" * 30 + "999",
    ],
)
def test_other_spellings_of_a_path(path):
    with pytest.raises(MalformedInput):
        parse_tile_path(path)


@given(st.none() | st.integers(0, 63), st.integers(0, 10**15), st.integers(1, 256))
def test_paths_read_back(level, index, width):
    tile = Tile(level, index, width)
    assert parse_tile_path(tile.path()) == tile


def test_the_layouts_of_the_specification(load):
    examples = load("c2sp/examples.json")
    for path, number in ((v, k) for k, v in examples["tile_index_path"].items()):
        assert Tile(0, int(number)).path() == f"tile/0/{path}"
    for size in (70_000, 256):
        expected = examples[f"tile_layout_for_{size}"]
        found: dict[str, int] = {}
        for tile in tiles_of(size):
            if tile.level is None:
                continue
            if tile.width == 256:
                name = f"level{tile.level}_full"
                found[name] = found.get(name, 0) + 1
            else:
                found[f"level{tile.level}_partial"] = tile.width
        assert found == expected


def test_widths():
    assert [tile_width(0, n, 600) for n in range(4)] == [256, 256, 88, 0]
    assert tile_width(1, 0, 600) == 2
    assert tiles_of(0) == []


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_entries_read_back(entries):
    data = encode_entries(entries)
    assert decode_entries(data, len(entries)) == entries
    with pytest.raises(MalformedInput):
        decode_entries(data, len(entries) + 1)
    with pytest.raises(MalformedInput):
        decode_entries(data + b"\x00", 0)
    with pytest.raises(MalformedInput):
        decode_entries(data + b"\x00\x05abc", 0)


def test_limits_of_bundles_and_tiles():
    assert decode_entries(encode_entries([b"x" * 65_535]), 1) == [b"x" * 65_535]
    with pytest.raises(MalformedInput):
        encode_entries([b"x" * 65_536])
    with pytest.raises(MalformedInput):
        decode_entries(encode_entries([b""] * 257), 1)
    for data, width in ((b"x" * 31, 0), (bytes(32), 2), (bytes(32 * 257), 256)):
        with pytest.raises(MalformedInput):
            decode_hashes(data, width)


@given(st.sampled_from([1, 2, 255, 256, 257, 511, 513, 700]), st.data())
@settings(max_examples=20, deadline=None)
def test_the_reader_gives_the_hashes_of_the_tree(tmp_path_factory, size, data):
    folder = tmp_path_factory.mktemp("tiles")
    entries = [str(number).encode() for number in range(size)]
    TileWriter(DirectoryStore(folder)).extend(entries)
    tree = MemoryTree([leaf_hash(entry) for entry in entries])
    reader = TileReader(DirectoryStore(folder), size)
    coordinates = [
        (level, data.draw(st.integers(0, (size >> level) - 1)))
        for level in range(size.bit_length())
        for _ in range(3)
    ]
    assert reader.read_hashes(coordinates) == tree.read_hashes(coordinates)
    index = data.draw(st.integers(0, size - 1))
    assert read_entry(DirectoryStore(folder), index, size) == entries[index]


def test_what_is_missing_or_short_is_said(tmp_path):
    store = DirectoryStore(tmp_path)
    TileWriter(store).extend([b"a", b"b", b"c"])
    reader = TileReader(store, 3)
    for coordinate in ((0, 3), (1, 1), (8, 0)):
        with pytest.raises(StorageError):
            reader.read_hashes([coordinate])
    with pytest.raises(StorageError):
        read_entry(store, 3, 3)
    tile = tmp_path / "tile/0/000.p/3"
    tile.write_bytes(tile.read_bytes()[:-1])
    with pytest.raises(StorageError):
        reader.read_hashes([(0, 0)])
    tile.unlink()
    with pytest.raises(TileMissing):
        reader.read_hashes([(0, 0)])
