"""The tree beside the recursive definition of RFC 9162, and beside other people's vectors."""

import base64
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.merkle import (
    EMPTY_ROOT,
    Frontier,
    MemoryTree,
    fold,
    is_subtree,
    leaf_hash,
    leaf_hashes,
    subtree_coordinates,
)
from anchoring.merkle_proof import (
    prove_consistency,
    prove_inclusion,
    prove_subtree_consistency,
    prove_subtree_inclusion,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)

ENTRIES = [str(number).encode() for number in range(64)]
LEAVES = leaf_hashes(ENTRIES)
TREE = MemoryTree(LEAVES)


# The oracle: RFC 9162 section 2.1 as it is written, on the entries themselves.
def sha256(data):
    return hashlib.sha256(data).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha256(b"")
    if len(d) == 1:
        return sha256(b"\x00" + d[0])
    k = split(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m, d, b):
    if m == len(d):
        return [] if b else [mth(d)]
    k = split(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def corruptions(proof):
    """Every proof that differs in one hash, lacks one, or has one more."""
    for at, item in enumerate(proof):
        yield [*proof[:at], bytes([item[0] ^ 1]) + item[1:], *proof[at + 1 :]]
        yield proof[:at] + proof[at + 1 :]
    yield [*proof, bytes(32)]
    yield [bytes(32), *proof]
    if proof:
        yield [proof[0][:31], *proof[1:]]
        yield [proof[0] + b"\x00", *proof[1:]]


@pytest.mark.parametrize("size", range(65))
def test_every_size_up_to_64_agrees_with_the_definition(size):
    data = ENTRIES[:size]
    root = mth(data)
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert frontier.root() == root == TREE.root(size)
    assert (frontier.size, len(frontier.hashes)) == (size, bin(size).count("1"))
    for index in range(size):
        proof = prove_inclusion(index, size, TREE)
        assert proof == path(index, data)
        verify_inclusion(LEAVES[index], index, size, proof, root)
    for first in range(1, size + 1):
        proof = prove_consistency(first, size, TREE)
        assert proof == subproof(first, data, True)
        verify_consistency(first, size, proof, mth(data[:first]), root)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 33])
def test_no_corrupted_proof_verifies(size):
    root = mth(ENTRIES[:size])
    for index in range(size):
        proof = prove_inclusion(index, size, TREE)
        for wrong in corruptions(proof):
            with pytest.raises(VerificationFailed):
                verify_inclusion(LEAVES[index], index, size, wrong, root)
        for other in set(range(-1, size + 2)) - {index}:
            with pytest.raises(VerificationFailed):
                verify_inclusion(LEAVES[index], other, size, proof, root)
    for first in range(1, size):
        proof = prove_consistency(first, size, TREE)
        for wrong in corruptions(proof):
            with pytest.raises(VerificationFailed):
                verify_consistency(first, size, wrong, TREE.root(first), root)


@pytest.mark.parametrize("size", range(2, 18))
def test_a_consistency_proof_holds_for_its_roots_and_sizes_only(size):
    """Of the right length, so that only the comparison of each root can refuse them."""
    root = TREE.root(size)
    for first in range(1, size):
        proof = prove_consistency(first, size, TREE)
        first_root = TREE.root(first)
        for wrong in ((bytes(32), root), (first_root, bytes(32)), (root, first_root)):
            with pytest.raises(VerificationFailed):
                verify_consistency(first, size, proof, *wrong)
        for other in set(range(1, size + 1)) - {first}:
            with pytest.raises(VerificationFailed):
                verify_consistency(other, size, proof, first_root, root)


@pytest.mark.parametrize("size", range(1, 25))
def test_every_subtree_up_to_24(size):
    root = TREE.root(size)
    for start in range(size):
        for end in range(start + 1, size + 1):
            if not is_subtree(start, end):
                with pytest.raises(MalformedInput):
                    prove_subtree_consistency(start, end, size, TREE)
                continue
            subtree = mth(ENTRIES[start:end])
            assert fold(TREE.read_hashes(subtree_coordinates(start, end))) == subtree
            proof = prove_subtree_consistency(start, end, size, TREE)
            verify_subtree_consistency(start, end, size, proof, subtree, root)
            for index in range(start, end):
                proof = prove_subtree_inclusion(index, start, end, TREE)
                verify_subtree_inclusion(LEAVES[index], index, start, end, proof, subtree)


@given(st.lists(st.integers(0, 300), max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_growing_in_batches_is_growing_one_by_one(batches, data):
    frontier, tree = Frontier(), MemoryTree()
    leaves = []
    for batch in batches:
        new = [leaf_hash(bytes(str(len(leaves) + i), "ascii")) for i in range(batch)]
        levels = frontier.extend(new)
        tree.extend(new)
        leaves += new
        for level, hashes in enumerate(levels):
            count = len(leaves) >> level
            coordinates = [(level, count - len(hashes) + i) for i in range(len(hashes))]
            assert tree.read_hashes(coordinates) == hashes
    entries = [str(i).encode() for i in range(len(leaves))]
    assert frontier.root() == tree.root() == mth(entries)
    assert Frontier.parse(frontier.serialise()).root() == frontier.root()
    if leaves:
        size = data.draw(st.integers(1, len(leaves)))
        index = data.draw(st.integers(0, size - 1))
        verify_inclusion(
            leaves[index], index, size, prove_inclusion(index, size, tree), tree.root(size)
        )
        proof = prove_consistency(size, len(leaves), tree)
        verify_consistency(size, len(leaves), proof, tree.root(size), tree.root())


@pytest.mark.parametrize(
    "data", [b"", b"x" * 7, bytes(8) + b"x", (3).to_bytes(8, "big") + bytes(32)]
)
def test_a_frontier_of_another_form_is_refused(data):
    with pytest.raises(MalformedInput):
        Frontier.parse(data)


def test_only_hashes_are_leaves():
    with pytest.raises(MalformedInput):
        Frontier().extend([b"short"])
    with pytest.raises(MalformedInput):
        TREE.read_hashes([(0, 64)])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_indices_outside_the_tree_have_no_proof(index, size):
    with pytest.raises(MalformedInput):
        prove_inclusion(index, size, TREE)
    with pytest.raises(VerificationFailed):
        verify_inclusion(bytes(32), index, size, [], bytes(32))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 3), (-1, 3), (4, 3)])
def test_sizes_out_of_order_have_no_proof(first, second):
    with pytest.raises(MalformedInput):
        prove_consistency(first, second, TREE)
    with pytest.raises(VerificationFailed):
        verify_consistency(first, second, [], EMPTY_ROOT, EMPTY_ROOT)


def test_the_reference_tree(load):
    reference = load("merkle/reference_tree.json")
    entries = [bytes.fromhex(item) for item in reference["leaf_inputs_hex"]]
    tree = MemoryTree(leaf_hashes(entries))
    for level, hashes in enumerate(reference["node_hashes_hex"]):
        # The reference also lists nodes that promote a lone last child; ours are perfect only.
        for index in range(len(entries) >> level):
            assert tree.read_hashes([(level, index)])[0].hex() == hashes[index]
    for size, root in enumerate(reference["root_hashes_hex_by_size"]):
        assert tree.root(size).hex() == root


def verify_vector(kind, item):
    decode = base64.b64decode
    proof = [decode(text) for text in item["proof"] or []]
    match kind:
        case "inclusion":
            leaf, root = decode(item["leafHash"]), decode(item["root"])
            verify_inclusion(leaf, item["leafIdx"], item["treeSize"], proof, root)
        case "subtreeinclusion":
            leaf, root = decode(item["leafHash"]), decode(item["root"])
            span = (item["start"], item["end"])
            verify_subtree_inclusion(leaf, item["leafIdx"], *span, proof, root)
        case "consistency":
            sizes = (item["size1"], item["size2"])
            verify_consistency(*sizes, proof, decode(item["root1"]), decode(item["root2"]))
        case _:
            sizes = (item["start"], item["end"], item["size"])
            roots = (decode(item["root1"]), decode(item["root2"]))
            verify_subtree_consistency(*sizes, proof, *roots)


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("inclusion", 98),
        ("consistency", 98),
        ("subtreeinclusion", 204),
        ("subtreeconsistency", 118),
    ],
)
def test_the_foreign_proof_vectors(vectors, kind, count):
    files = sorted((vectors / "merkle/testdata" / kind).rglob("*.json"))
    assert len(files) == count
    for file in files:
        item = json.loads(file.read_text())
        try:
            verify_vector(kind, item)
            refused = False
        except VerificationFailed:
            refused = True
        assert refused == item.get("wantErr", False), f"{file.name}: {item['desc']}"
