"""An RFC 9162 tree held whole, to make proofs for measurements and to check other code against.

Every complete subtree is kept by level; whatever is not complete is recomputed by the RFC's own
recursion (sections 2.1.1, 2.1.3.1, 2.1.4.1). Slow and obvious on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two strictly smaller than `size` (size ≥ 2)."""
    return 1 << ((size - 1).bit_length() - 1)


class MerkleTree:
    """A tree over given entries, able to speak about each of its earlier sizes."""

    def __init__(self, entries: Iterable[bytes]) -> None:
        self._levels = [[leaf_hash(entry) for entry in entries]]
        while len(below := self._levels[-1]) > 1:
            pairs = range(0, len(below) - 1, 2)
            self._levels.append([node_hash(below[i], below[i + 1]) for i in pairs])

    def __len__(self) -> int:
        return len(self._levels[0])

    def leaf(self, index: int) -> bytes:
        """Leaf hash of entry `index`."""
        return self._levels[0][index]

    def root(self, size: int) -> bytes:
        """MTH of the first `size` entries."""
        return self._range(0, size) if size else sha256().digest()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """PATH(index, D[size]), RFC 9162 section 2.1.3.1; needs index < size."""
        return self._path(index, 0, size)

    def consistency(self, old: int, size: int) -> list[bytes]:
        """PROOF(old, D[size]), RFC 9162 section 2.1.4.1; needs 0 < old ≤ size."""
        return self._proof(old, 0, size, whole=True)

    def _range(self, start: int, end: int) -> bytes:
        width = end - start
        if width & (width - 1) == 0 and start % width == 0:
            return self._levels[width.bit_length() - 1][start // width]
        middle = start + split(width)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + split(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self._range(middle, end)]
        return [*self._path(index, middle, end), self._range(start, middle)]

    def _proof(self, old: int, start: int, end: int, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self._range(start, end)]
        middle = start + split(end - start)
        if old <= middle:
            return [*self._proof(old, start, middle, whole), self._range(middle, end)]
        return [*self._proof(old, middle, end, whole=False), self._range(start, middle)]


def imagined_extension(old: int, size: int) -> tuple[bytes, bytes, list[bytes]]:
    """Roots and consistency proof of trees that nobody holds; needs 0 < old < size.

    Every subtree that the proof names whole has a made-up hash, and the two roots follow from
    those by the recursion of RFC 9162 section 2.1.4.1: the shape, and so the cost of checking
    it, is that of a real log of this size.
    """
    proof: list[bytes] = []

    def climb(start: int, end: int, whole: bool) -> tuple[bytes, bytes]:
        if old == end:
            known = _imagined(start, end)
            if not whole:
                proof.append(known)
            return known, known
        middle = start + split(end - start)
        if old <= middle:
            before, after = climb(start, middle, whole)
            right = _imagined(middle, end)
            proof.append(right)
            return before, node_hash(after, right)
        before, after = climb(middle, end, False)
        left = _imagined(start, middle)
        proof.append(left)
        return node_hash(left, before), node_hash(left, after)

    old_root, root = climb(0, size, True)
    return old_root, root, proof


def _imagined(start: int, end: int) -> bytes:
    return sha256(f"imagined subtree {start} {end}".encode()).digest()
