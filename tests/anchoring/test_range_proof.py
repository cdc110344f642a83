"""Range proofs: every range of every small tree beside the definition, and every hash corrupted."""

import pytest

from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.events_file import MAX_ENTRIES
from anchoring.merkle import MemoryTree, is_subtree
from anchoring.range_proof import (
    HEADER,
    RangeHashes,
    RangeProof,
    find_subtrees,
    parse_range_proof,
    prove_range,
    verify_range,
)
from tests.anchoring import naive

SIZES = range(1, 41)
LEAVES = naive.make_leaves(48)
TREE = MemoryTree(LEAVES)
ROOTS = [naive.mth(LEAVES[:size]) for size in range(49)]
HASH = "A" * 43 + "="


def ranges(size):
    return ((start, end) for start in range(size) for end in range(start + 1, size + 1))


def check(start, end, size, hashes, changes=None):
    arguments = {"leaves": LEAVES[start:end], "start": start, "size": size, "root": ROOTS[size]}
    verify_range(**{**arguments, "hashes": hashes, **(changes or {})})


def test_two_subtrees_cover_every_range():
    """The properties that the draft names, for every range within 200."""
    for start, end in ranges(200):
        spans = find_subtrees(start, end)
        assert len(spans) == (1 if end - start == 1 else 2)
        assert all(is_subtree(low, high) for low, high in spans)
        assert spans[0][0] <= start < spans[0][1]
        assert spans[-1][1] == end
        assert [high for _, high in spans[:-1]] == [low for low, _ in spans[1:]]
        assert 2 * (start - spans[0][0]) < spans[0][1] - spans[0][0]


@pytest.mark.parametrize(
    ("wanted", "spans"),
    [
        # By hand, from the paths in binary: 5..12 part at bit 3; 0101 has its highest zero at 1.
        ((5, 13), [(4, 8), (8, 13)]),
        ((0, 8), [(0, 4), (4, 8)]),
        ((7, 9), [(7, 8), (8, 9)]),
        ((3, 4), [(3, 4)]),
        ((1, 16), [(0, 8), (8, 16)]),
        ((2**62 + 1, 2**63 - 1), [(2**62, 2**62 + 2**61), (2**62 + 2**61, 2**63 - 1)]),
    ],
)
def test_the_subtrees_of_some_ranges(wanted, spans):
    assert find_subtrees(*wanted) == spans


@pytest.mark.parametrize("wanted", [(3, 3), (4, 3), (-1, 3)])
def test_an_empty_range_has_no_subtrees(wanted):
    with pytest.raises(MalformedInput):
        find_subtrees(*wanted)


@pytest.mark.parametrize("size", SIZES)
def test_every_range_is_proven(size):
    for start, end in ranges(size):
        hashes = prove_range(start, end, size, TREE)
        check(start, end, size, hashes)
        low = find_subtrees(start, end)[0][0]
        assert len(hashes.left) == (start - low).bit_count()


@pytest.mark.parametrize("size", SIZES)
def test_each_hash_corrupted_once(size):
    for start, end in ranges(size):
        hashes = prove_range(start, end, size, TREE)
        for variant in mutations(hashes):
            with pytest.raises(VerificationFailed):
                check(start, end, size, variant)


def mutations(hashes):
    """Every hash changed in one bit, every hash left out, one hash too many, a subtree less."""
    parts = [hashes.left, *hashes.subtrees]
    for number, part in enumerate(parts):
        changed = [(*part[:at], wrong(part[at]), *part[at + 1 :]) for at in range(len(part))]
        changed += [(*part[:at], *part[at + 1 :]) for at in range(len(part))]
        changed += [(*part, bytes(32)), (*part[:-1], b"short")]
        for other in changed:
            left, *subtrees = [*parts[:number], other, *parts[number + 1 :]]
            yield RangeHashes(left, tuple(subtrees))
    yield RangeHashes(hashes.left, hashes.subtrees[1:])
    yield RangeHashes(hashes.left, (*hashes.subtrees, ()))


def wrong(item):
    return bytes([item[0] ^ 1]) + item[1:]


@pytest.mark.parametrize("size", [5, 8, 21, 40])
def test_other_leaves_places_sizes_and_roots_are_refused(size):
    for start, end in ranges(size):
        hashes, leaves = prove_range(start, end, size, TREE), LEAVES[start:end]
        variants = [
            {"root": wrong(ROOTS[size])},
            {"leaves": [wrong(leaves[0]), *leaves[1:]]},
            {"leaves": [*leaves[:-1], wrong(leaves[-1])]},
            {"leaves": leaves[:-1]},
            {"leaves": [leaves[0][:31], *leaves[1:]]},
            {"size": end - 1},
            {"start": -1},
        ]
        if end < size:
            variants.append({"leaves": LEAVES[start : end + 1]})
            variants.append({"start": start + 1})
        if len(leaves) > 1:
            variants.append({"leaves": [leaves[1], leaves[0], *leaves[2:]]})
        for changes in variants:
            with pytest.raises(VerificationFailed):
                check(start, end, size, hashes, changes)


def test_a_proof_beyond_the_tree_is_not_made():
    for start, end in [(0, 41), (40, 41), (3, 3)]:
        with pytest.raises(MalformedInput):
            prove_range(start, end, 40, TREE)


def test_files_read_back():
    for start, end in ranges(20):
        proof = RangeProof(start, end, prove_range(start, end, 20, TREE), b"checkpoint")
        assert parse_range_proof(proof.encode()) == proof


def text(*lines: str, checkpoint: str = "x") -> bytes:
    return ("\n".join(lines) + "\n\n" + checkpoint).encode()


def test_well_formed_files_are_the_control():
    assert parse_range_proof(text(HEADER, "range 3 4", "subtree 3 4", HASH)).start == 3
    both = text(HEADER, "range 5 13", HASH, "subtree 4 8", HASH, "subtree 8 13")
    assert parse_range_proof(both).hashes.left == (bytes(32),)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("range 3 4",),
        ("range 3 3", "subtree 3 3"),
        ("range 4 3", "subtree 4 3"),
        ("range 3", "subtree 3 4"),
        ("range 3 4 5", "subtree 3 4"),
        ("range 03 4", "subtree 3 4"),
        ("range 3  4", "subtree 3 4"),
        ("range 3 4 ", "subtree 3 4"),
        ("range 3 4", "subtree 3 5"),
        ("range 3 4", HASH, "subtree 3 4"),
        ("range 3 4", "subtree 3 4", "subtree 4 5"),
        ("range 0 8", "subtree 0 8"),
        ("range 5 13", "subtree 4 8", "subtree 8 13"),
        ("range 5 13", HASH, HASH, "subtree 4 8", "subtree 8 13"),
        ("range 5 13", HASH, "subtree 8 13", "subtree 4 8"),
        ("range 5 13", HASH, "subtree 4 8"),
        ("range 5 13", HASH, "subtree 4 8", "subtree 8 13 "),
        ("range 3 4", "subtree 3 4", *[HASH] * 65),
        ("range 3 4", "subtree 3 4", HASH[:-1]),
        (f"range 0 {MAX_ENTRIES + 1}", "subtree 0 65536", f"subtree 65536 {MAX_ENTRIES + 1}"),
    ],
)
def test_malformed_files(lines):
    with pytest.raises(MalformedInput):
        parse_range_proof(text(HEADER, *lines))


def test_another_header_or_no_checkpoint():
    good = ("range 3 4", "subtree 3 4")
    for data in (text("tallystick/batch@v1", *good), text(HEADER, *good, checkpoint="")):
        with pytest.raises(MalformedInput):
            parse_range_proof(data)
