"""The tree as RFC 9162 section 2.1.1 defines it, by recursion and slicing: slow, and obvious."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(leaves: Sequence[bytes]) -> bytes:
    """The hash of a list of leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    at = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:at]) + mth(leaves[at:])).digest()


def batch(leaves: Sequence[bytes], listed: Collection[int], first: int = 0) -> list[bytes]:
    """The hashes of the batch proof for the ``listed`` indices, as its format defines them."""
    within = [index for index in listed if first <= index < first + len(leaves)]
    if not within:
        return [mth(leaves)]
    if len(leaves) == 1:
        return []
    at = split(len(leaves))
    return batch(leaves[:at], within, first) + batch(leaves[at:], within, first + at)


def make_leaves(count: int) -> list[bytes]:
    return [sha256(b"\x00" + str(number).encode()).digest() for number in range(count)]
