"""Inclusion and consistency proofs: RFC 9162 sections 2.1.3 and 2.1.4, and their subtree forms.

An inclusion proof shows that a leaf stands at an index of the tree with a given root. A
consistency proof shows that one tree is a prefix of another. Both also exist for a subtree
[start, end) (draft-ietf-plants-merkle-tree-certs section 4). Index, sizes and roots must come
from the trusted side. The ``verify_*`` functions raise; they return nothing to ignore.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from anchoring.encoding import MAX_UINT63
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    HashReader,
    fold,
    is_subtree,
    node_hash,
    subtree_coordinates,
)

Span: TypeAlias = tuple[int, int]


def prove_inclusion(index: int, size: int, reader: HashReader) -> list[bytes]:
    """Return the hashes from the leaf's side to the root's; requires 0 <= index < size."""
    return prove_subtree_inclusion(index, 0, size, reader)


def prove_subtree_inclusion(index: int, start: int, end: int, reader: HashReader) -> list[bytes]:
    """Prove leaf ``index`` within the subtree [start, end); requires start <= index < end."""
    if not is_subtree(start, end) or not start <= index < end:
        raise MalformedInput(f"leaf {index} is not in a subtree [{start}, {end})")
    siblings: list[Span] = []
    low, high = start, end
    while high - low > 1:
        middle = low + split_width(high - low)
        if index < middle:
            siblings.append((middle, high))
            high = middle
        else:
            siblings.append((low, middle))
            low = middle
    return read_spans(list(reversed(siblings)), reader)


def prove_consistency(first: int, second: int, reader: HashReader) -> list[bytes]:
    """Prove the tree of ``first`` leaves a prefix of the tree of ``second`` leaves.

    Requires 0 < first <= second; equal sizes give an empty proof.
    """
    if not 0 < first <= second:
        raise MalformedInput(f"no consistency proof from size {first} to {second}")
    return prove_subtree_consistency(0, first, second, reader)


def prove_subtree_consistency(start: int, end: int, size: int, reader: HashReader) -> list[bytes]:
    """Prove that the subtree [start, end) is part of the tree of ``size`` leaves."""
    if not is_subtree(start, end) or end > size:
        raise MalformedInput(f"[{start}, {end}) is not a subtree of {size} leaves")
    spans: list[Span] = []
    low, high, known = 0, size, True
    while (start, end) != (low, high):
        middle = low + split_width(high - low)
        if end <= middle:
            spans.append((middle, high))
            high = middle
        elif start >= middle:
            spans.append((low, middle))
            low = middle
        else:
            # The subtree straddles the split, so it starts at `low`; only its right part is
            # still unknown to a verifier who holds the subtree's hash.
            spans.append((low, middle))
            low = start = middle
            known = False
    if not known:
        spans.append((low, high))
    return read_spans(list(reversed(spans)), reader)


def split_width(width: int) -> int:
    """Return the largest power of two smaller than ``width``; requires width > 1."""
    return 1 << ((width - 1).bit_length() - 1)


def read_spans(spans: Sequence[Span], reader: HashReader) -> list[bytes]:
    """Return MTH(D[low:high]) of each span; each must be aligned as in :func:`is_subtree`."""
    parts = [subtree_coordinates(low, high) for low, high in spans]
    hashes = reader.read_hashes([coordinate for part in parts for coordinate in part])
    proof: list[bytes] = []
    at = 0
    for part in parts:
        proof.append(fold(hashes[at : at + len(part)]))
        at += len(part)
    return proof


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf`` (a leaf hash) stands at ``index`` of the tree (size, root).

    RFC 9162 section 2.1.3.2. Raises VerificationFailed("inclusion").
    """
    verify_subtree_inclusion(leaf, index, 0, size, proof, root)


def verify_subtree_inclusion(
    leaf: bytes, index: int, start: int, end: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf`` stands at ``index`` of the subtree [start, end) with hash ``root``."""
    _require_sizes("inclusion", start, end)
    if not is_subtree(start, end) or not start <= index < end:
        raise VerificationFailed("inclusion", f"leaf {index} is outside [{start}, {end})")
    _require_hashes("inclusion", (leaf, root, *proof))
    expected = proof_length(index - start, end - start)
    if len(proof) != expected:
        raise VerificationFailed(
            "inclusion", f"the proof has {len(proof)} hashes instead of {expected}"
        )
    if root_from_inclusion(leaf, index - start, end - start, proof) != root:
        raise VerificationFailed("inclusion", "the proof leads to another root")


def proof_length(index: int, size: int) -> int:
    """Return how many hashes an inclusion proof has; requires 0 <= index < size."""
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that a proof of the right length leads to (section 2.1.3.2)."""
    fn, sn, result = index, size - 1, leaf
    for sibling in proof:
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    return result


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Check that the tree (first, first_root) is a prefix of (second, second_root).

    RFC 9162 section 2.1.4.2. Size 0 proves nothing and is refused: callers who hold an empty
    tree have nothing to check. Raises VerificationFailed("consistency").
    """
    if first <= 0:
        raise VerificationFailed("consistency", "a proof from size 0 proves nothing")
    verify_subtree_consistency(0, first, second, proof, first_root, second_root)


def verify_subtree_consistency(
    start: int, end: int, size: int, proof: Sequence[bytes], subtree: bytes, root: bytes
) -> None:
    """Check that [start, end) with hash ``subtree`` is part of the tree (size, root).

    An empty subtree (start == end) is part of every tree iff its hash is the empty root and the
    proof is empty. Raises VerificationFailed("consistency").
    """
    check = "consistency"
    _require_sizes(check, start, end, size)
    if start == end <= size:
        if subtree != EMPTY_ROOT or proof:
            raise VerificationFailed(check, "an empty subtree has the empty root and no proof")
        return
    if end > size or not is_subtree(start, end):
        raise VerificationFailed(check, f"[{start}, {end}) is not a subtree of {size} leaves")
    if (start, end) == (0, size):
        if subtree != root or proof:
            raise VerificationFailed(check, "equal sizes have equal roots and no proof")
        return
    _require_hashes(check, (subtree, root, *proof))
    _check_subtree_path(start, end, size, list(proof), subtree, root)


def _check_subtree_path(
    start: int, end: int, size: int, path: list[bytes], subtree: bytes, root: bytes
) -> None:
    fn, sn, tn = start, end - 1, size - 1
    while fn != sn and (sn == tn or sn & 1):
        fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    if fn == sn:
        seed = subtree
    elif path:
        seed = path.pop(0)
    else:
        raise VerificationFailed("consistency", "the proof is too short")
    fr = sr = seed
    for item in path:
        if tn == 0:
            raise VerificationFailed("consistency", "the proof is too long")
        if sn & 1 or sn == tn:
            if fn < sn:
                fr = node_hash(item, fr)
            sr = node_hash(item, sr)
            while sn and not sn & 1:
                fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
        else:
            sr = node_hash(sr, item)
        fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    if tn != 0:
        raise VerificationFailed("consistency", "the proof is too short")
    if fr != subtree:
        raise VerificationFailed("consistency", "the proof leads to another first root")
    if sr != root:
        raise VerificationFailed("consistency", "the proof leads to another second root")


def _require_sizes(check: str, *sizes: int) -> None:
    if any(not 0 <= size <= MAX_UINT63 for size in sizes):
        raise VerificationFailed(check, "a tree size is outside 0 to 2^63-1")


def _require_hashes(check: str, hashes: Sequence[bytes]) -> None:
    if any(len(item) != HASH_BYTES for item in hashes):
        raise VerificationFailed(check, "a hash does not have 32 bytes")
