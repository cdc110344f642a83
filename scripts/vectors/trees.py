"""Vectors of the tree alone: inclusion, consistency, batch and range proofs, right and wrong.

Leaf number n of the tree is the leaf hash of n in decimal, as ASCII.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anchoring.batch_proof import prove_batch
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.merkle_proof import prove_consistency, prove_inclusion
from anchoring.range_proof import RangeHashes, prove_range
from scripts.vectors.cases import flip
from scripts.vectors.log import Json

LEAVES = [leaf_hash(str(number).encode()) for number in range(40)]
TREE = MemoryTree(LEAVES)

_INCLUSIONS = [
    (0, 1),
    (0, 2),
    (1, 2),
    (2, 3),
    (4, 5),
    (6, 7),
    (6, 13),
    (12, 13),
    (31, 32),
    (20, 33),
]
_CONSISTENCIES = [
    (1, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (3, 7),
    (4, 7),
    (6, 13),
    (8, 13),
    (16, 32),
    (21, 37),
]
_BATCHES = [
    ((0,), 1),
    ((0, 1), 2),
    ((0,), 3),
    ((1, 2), 3),
    ((0, 2, 4), 7),
    ((5, 6, 12), 13),
    ((0, 15, 16, 31), 32),
    ((3, 4, 5, 33, 36), 37),
    (tuple(range(8)), 8),
]
_RANGES = [
    (0, 1, 1),
    (0, 2, 2),
    (1, 3, 3),
    (3, 4, 9),
    (5, 13, 13),
    (5, 13, 21),
    (0, 8, 8),
    (9, 30, 37),
]


def documents() -> Json:
    """Return the vectors by kind of proof."""
    return {
        "inclusion": list(_inclusion()),
        "consistency": list(_consistency()),
        "batch": list(_batch()),
        "range": list(_range()),
    }


def _inclusion() -> Iterator[Json]:
    for index, size in _INCLUSIONS:
        hashes = prove_inclusion(index, size, TREE)
        given: Json = {"leaf": LEAVES[index].hex(), "index": index, "size": size}
        given["root"] = TREE.root(size).hex()
        yield from _with_wrong(given, {"hashes": hashes})
        if index:
            yield _vector({**given, "index": index - 1}, {"hashes": hashes}, "another index")


def _consistency() -> Iterator[Json]:
    for first, second in _CONSISTENCIES:
        hashes = prove_consistency(first, second, TREE)
        given: Json = {"first": first, "second": second}
        given |= {"first_root": TREE.root(first).hex(), "second_root": TREE.root(second).hex()}
        yield from _with_wrong(given, {"hashes": hashes})
        other = flip(TREE.root(first), 0).hex()
        yield _vector({**given, "first_root": other}, {"hashes": hashes}, "another first root")


def _batch() -> Iterator[Json]:
    for indices, size in _BATCHES:
        hashes = prove_batch(indices, size, TREE)
        leaves = [LEAVES[index].hex() for index in indices]
        given: Json = {"leaves": leaves, "indices": list(indices), "size": size}
        given["root"] = TREE.root(size).hex()
        yield from _with_wrong(given, {"hashes": hashes})
        if len(leaves) > 1:
            swapped = [leaves[1], leaves[0], *leaves[2:]]
            yield _vector({**given, "leaves": swapped}, {"hashes": hashes}, "two leaves swapped")
            fewer: Json = {"leaves": leaves[:-1], "indices": list(indices[:-1])}
            yield _vector({**given, **fewer}, {"hashes": hashes}, "the last leaf withheld")


def _range() -> Iterator[Json]:
    for start, end, size in _RANGES:
        proof = prove_range(start, end, size, TREE)
        leaves = [leaf.hex() for leaf in LEAVES[start:end]]
        given: Json = {"leaves": leaves, "start": start, "size": size}
        given["root"] = TREE.root(size).hex()
        parts = _parts(proof)
        yield from _with_wrong(given, parts)
        if len(leaves) > 1:
            yield _vector({**given, "leaves": leaves[:-1]}, parts, "the last leaf withheld")
            swapped = [leaves[1], leaves[0], *leaves[2:]]
            yield _vector({**given, "leaves": swapped}, parts, "two leaves swapped")


def _parts(proof: RangeHashes) -> dict[str, Sequence[bytes]]:
    names = ("first_subtree", "second_subtree")
    return {"left": proof.left, **dict(zip(names, proof.subtrees, strict=False))}


def _with_wrong(given: Json, parts: dict[str, Sequence[bytes]]) -> Iterator[Json]:
    """The vector that holds, then: each hash changed, the last left out, one too many."""
    yield _vector(given, parts, None)
    root = "root" if "root" in given else "second_root"
    other = flip(bytes.fromhex(str(given[root])), 31, 7).hex()
    yield _vector({**given, root: other}, parts, "another root")
    for name, hashes in parts.items():
        for at, item in enumerate(hashes):
            changed = [*hashes[:at], flip(item, at, at % 8), *hashes[at + 1 :]]
            yield _vector(given, {**parts, name: changed}, f"{name} {at} changed")
        if hashes:
            yield _vector(given, {**parts, name: hashes[:-1]}, f"{name}: the last left out")
        yield _vector(given, {**parts, name: [*hashes, bytes(32)]}, f"{name}: one too many")


def _vector(given: Json, parts: dict[str, Sequence[bytes]], wrong: str | None) -> Json:
    hashes = {name: [item.hex() for item in items] for name, items in parts.items()}
    return {**given, **hashes, "holds": wrong is None} | ({"wrong": wrong} if wrong else {})
