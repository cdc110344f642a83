"""Batch proofs beside the definition: every subset of small trees, every hash corrupted."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchoring.batch_proof import (
    HEADER,
    BatchProof,
    parse_batch_proof,
    prove_batch,
    verify_batch,
)
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.events_file import MAX_ENTRIES, encode_events, parse_events
from anchoring.merkle import MemoryTree
from tests.anchoring import naive

LEAVES = naive.make_leaves(64)
TREE = MemoryTree(LEAVES)
HASH = "A" * 43 + "="


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def check(indices, size, hashes, leaves=None, root=None):
    leaves = [LEAVES[index] for index in indices] if leaves is None else leaves
    verify_batch(leaves, indices, size, hashes, root or naive.mth(LEAVES[:size]))


@pytest.mark.parametrize("size", range(1, 9))
def test_every_subset_of_a_small_tree(size):
    for count in range(1, size + 1):
        for indices in combinations(range(size), count):
            hashes = prove_batch(indices, size, TREE)
            assert hashes == naive.batch(LEAVES[:size], indices)
            check(indices, size, hashes)


@pytest.mark.parametrize("size", range(9, 65))
def test_some_subsets_of_every_larger_tree(size):
    rand = random.Random(size)
    wanted = [rand.sample(range(size), rand.randint(1, size)) for _ in range(10)]
    for indices in [sorted(each) for each in wanted] + [[index] for index in range(size)]:
        hashes = prove_batch(indices, size, TREE)
        assert hashes == naive.batch(LEAVES[:size], indices)
        check(indices, size, hashes)


@pytest.mark.parametrize("size", range(1, 9))
def test_each_hash_corrupted_once_each_left_out_and_each_twice(size):
    for count in range(1, size + 1):
        for indices in combinations(range(size), count):
            hashes = prove_batch(indices, size, TREE)
            for at, item in enumerate(hashes):
                wrong = [flip(item, (at * 37) % 256), b"", item[:31], item + b"\0"]
                variants = [[*hashes[:at], other, *hashes[at + 1 :]] for other in wrong]
                variants += [hashes[:at] + hashes[at + 1 :], [*hashes[:at], item, *hashes[at:]]]
                for variant in variants:
                    with pytest.raises(VerificationFailed):
                        check(indices, size, variant)
            with pytest.raises(VerificationFailed):
                check(indices, size, [*hashes, bytes(32)])


@pytest.mark.parametrize("size", [2, 5, 8, 13])
def test_another_leaf_index_size_or_root_is_refused(size):
    rand = random.Random(size)
    for _ in range(40):
        indices = sorted(rand.sample(range(size), rand.randint(1, size)))
        hashes, leaves = prove_batch(indices, size, TREE), [LEAVES[index] for index in indices]
        root = naive.mth(LEAVES[:size])
        at = rand.randrange(len(indices))
        changed = [*leaves[:at], flip(leaves[at], 3), *leaves[at + 1 :]]
        others = [
            (changed, indices, size, root),
            (leaves[:-1], indices, size, root),
            (leaves, indices, size, flip(root, 0)),
            (leaves, indices, size, root[:-1]),
            (leaves, [*indices[:-1], indices[-1] + 64], size + 64, root),
            (leaves, [indices[0] - size, *indices[1:]], size, root),
            (leaves, indices, indices[-1], root),
            ([*leaves, leaves[-1]], [*indices, indices[-1]], size, root),
        ]
        if len(indices) > 1:
            others.append((leaves[::-1], indices, size, root))
            others.append((leaves[::-1], indices[::-1], size, root))
        for variant in others:
            with pytest.raises(VerificationFailed):
                verify_batch(variant[0], variant[1], variant[2], hashes, variant[3])


def refused(match, leaves, indices, size, hashes, root=bytes(32)):
    with pytest.raises(VerificationFailed, match=match):
        verify_batch(leaves, indices, size, hashes, root)


def test_an_index_beyond_the_tree_is_not_its_last_leaf():
    """By the walk alone index 8 of 8 leaves would be leaf 7, and index -1 leaf 0."""
    root = naive.mth(LEAVES[:8])
    for index, wrong in ((7, 8), (7, 10**6), (0, -1)):
        hashes = prove_batch([index], 8, TREE)
        verify_batch([LEAVES[index]], [index], 8, hashes, root)
        match = "outside" if wrong > 0 else "ascend"
        refused(match, [LEAVES[index]], [wrong], 8, hashes, root)


def test_a_byte_cannot_move_from_one_hash_to_the_next():
    """Two hashes of 33 and 31 bytes have the same concatenation as the right ones."""
    leaf, sibling, root = LEAVES[0], LEAVES[1], naive.mth(LEAVES[:2])
    verify_batch([leaf], [0], 2, [sibling], root)
    refused("32 bytes", [leaf + sibling[:1]], [0], 2, [sibling[1:]], root)


def test_nothing_and_sizes_beyond_the_limit_are_refused():
    refused("0 entries", [], [], 8, [bytes(32)])
    refused("2 entries", [bytes(32)] * 2, [0], 8, [bytes(32)] * 3)
    for size in (0, -1, 2**63):
        refused("size is outside", [bytes(32)], [0], size, [bytes(32)] * 63)
    # The largest tree: 63 levels, no more.
    refused("another root", [bytes(32)], [0], 2**63 - 1, [bytes(32)] * 63)


@pytest.mark.parametrize("indices", [[], [3, 3], [4, 3], [-1], [8], [0, 9]])
def test_a_proof_of_impossible_indices_is_not_made(indices):
    with pytest.raises(MalformedInput):
        prove_batch(indices, 8, TREE)


@given(st.sets(st.integers(0, 63), min_size=1), st.binary(min_size=1, max_size=40))
def test_the_file_reads_back(indices, checkpoint):
    ordered = tuple(sorted(indices))
    proof = BatchProof(ordered, tuple(prove_batch(ordered, 64, TREE)), checkpoint)
    assert parse_batch_proof(proof.encode()) == proof


def text(*lines: str, checkpoint: str = "x") -> bytes:
    return ("\n".join(lines) + "\n\n" + checkpoint).encode()


def test_a_well_formed_file_is_the_control():
    assert parse_batch_proof(text(HEADER, "index 3", HASH)).indices == (3,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        text(HEADER, "index 3", checkpoint=""),
        text("tallystick/batch@v2", "index 3"),
        text(HEADER + " ", "index 3"),
        text(HEADER),
        text(HEADER, HASH),
        text(HEADER, "index 03"),
        text(HEADER, "index +3"),
        text(HEADER, "index  3"),
        text(HEADER, "index 3 "),
        text(HEADER, "index 1_0"),
        text(HEADER, "index ٣"),
        text(HEADER, "index 9223372036854775808"),
        text(HEADER, "index 3", "index 3"),
        text(HEADER, "index 4", "index 3"),
        text(HEADER, "index 3", HASH, "index 4"),
        text(HEADER, "index 3", HASH[:-2] + "B="),
        text(HEADER, "index 3", HASH[:-1]),
        text(HEADER, "index 3", HASH + " "),
        text(HEADER, "extra AA==", "index 3"),
        text(HEADER, "index 3\r"),
        text(HEADER, "index 3", HASH + "\u2028" + HASH),
        HEADER.encode() + b"\nindex 3\n\xff\n\nx",
    ],
)
def test_malformed_files(data):
    with pytest.raises(MalformedInput):
        parse_batch_proof(data)


def test_a_file_beyond_the_limits_is_refused():
    lines = [f"index {number}" for number in range(MAX_ENTRIES + 1)]
    with pytest.raises(MalformedInput, match="100,000"):
        parse_batch_proof(text(HEADER, *lines))
    assert len(parse_batch_proof(text(HEADER, *lines[:-1])).indices) == MAX_ENTRIES
    with pytest.raises(MalformedInput, match="64 MiB"):
        parse_batch_proof(bytes(2**26 + 1))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_the_file_of_events_reads_back(entries):
    assert parse_events(encode_events(entries)) == entries


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x01ab", b"\xff" * 9]
)
def test_malformed_files_of_events(data):
    with pytest.raises(MalformedInput):
        parse_events(data)


def test_limits_of_the_file_of_events():
    with pytest.raises(MalformedInput):
        parse_events(b"\0\0" * (MAX_ENTRIES + 1))
    with pytest.raises(MalformedInput, match="64 MiB"):
        parse_events(bytes(2**26 + 1))
    assert len(parse_events(b"\0\0" * MAX_ENTRIES)) == MAX_ENTRIES
    for entries in ([], [b""] * (MAX_ENTRIES + 1), [bytes(65_536)], [bytes(65_535)] * 1_025):
        with pytest.raises(MalformedInput):
            encode_events(entries)
