"""The Merkle tree of RFC 9162 section 2.1 (the same as RFC 6962) with SHA-256.

The hash of no leaves is SHA-256 of nothing; a leaf hashes as SHA-256(0x00 || entry), a node as
SHA-256(0x01 || left || right), and the prefixes keep a node from passing for a leaf. A tree of
``n`` leaves splits at the largest power of two smaller than ``n``.

Every perfect subtree has a coordinate ``(level, index)``: it covers the leaves from
``index * 2**level`` to before ``(index + 1) * 2**level`` and never changes once complete. Proofs
are made from those hashes alone, through :class:`HashReader`, one request per proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Protocol, TypeAlias

from anchoring.errors import MalformedInput

HASH_BYTES = 32
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
EMPTY_ROOT = sha256(b"").digest()

Coordinate: TypeAlias = tuple[int, int]
"""(level, index) of a perfect subtree; level 0 are the leaf hashes."""


class HashReader(Protocol):
    """Storage of subtree hashes."""

    def read_hashes(self, coordinates: Sequence[Coordinate]) -> list[bytes]:
        """Return the hash at each coordinate, in order; raises StorageError if one is absent."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry)."""
    return sha256(LEAF_PREFIX + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hash of each entry."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return sha256(NODE_PREFIX + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Join subtree hashes, left (largest) to right, into one root; none give the empty root."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def subtree_coordinates(start: int, end: int) -> list[Coordinate]:
    """Return the perfect subtrees that make up MTH(D[start:end]), left to right.

    Requires 0 <= start <= end and ``start`` aligned as in :func:`is_subtree`.
    """
    coordinates: list[Coordinate] = []
    while start < end:
        level = (end - start).bit_length() - 1
        coordinates.append((level, start >> level))
        start += 1 << level
    return coordinates


def is_subtree(start: int, end: int) -> bool:
    """Say whether [start, end) is a subtree: start is a multiple of the power of two >= width.

    draft-ietf-plants-merkle-tree-certs section 4.1.
    """
    if not 0 <= start < end:
        return False
    return start % (1 << (end - start - 1).bit_length()) == 0


def root_at(size: int, reader: HashReader) -> bytes:
    """Return the root of the first ``size`` leaves."""
    return fold(reader.read_hashes(subtree_coordinates(0, size)))


class Frontier:
    """The compact range of a growing tree: the roots of its perfect subtrees, left to right.

    Holds popcount(size) hashes. The naive recursive definition stands beside it in the tests.
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Take up a tree of ``size`` leaves; raises MalformedInput if the hashes do not fit."""
        if size < 0 or len(hashes) != size.bit_count():
            raise MalformedInput(f"a tree of {size} leaves does not have {len(hashes)} subtrees")
        if any(len(item) != HASH_BYTES for item in hashes):
            raise MalformedInput("a subtree hash does not have 32 bytes")
        self._size = size
        levels = [level for level, _ in subtree_coordinates(0, size)]
        self._nodes: dict[int, bytes] = dict(zip(levels, hashes, strict=True))

    @classmethod
    def read(cls, size: int, reader: HashReader) -> Frontier:
        """Take up the tree of ``size`` leaves held by ``reader``."""
        return cls(size, reader.read_hashes(subtree_coordinates(0, size)))

    @classmethod
    def parse(cls, data: bytes) -> Frontier:
        """Read what :meth:`serialise` wrote; raises MalformedInput."""
        if len(data) % HASH_BYTES != 8 or len(data) < 8:
            raise MalformedInput("a frontier is a 64-bit size and whole 32-byte hashes")
        hashes = [data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES)]
        return cls(int.from_bytes(data[:8], "big"), hashes)

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self._size

    @property
    def hashes(self) -> list[bytes]:
        """Return the subtree hashes, the largest (leftmost) first."""
        return [self._nodes[level] for level in sorted(self._nodes, reverse=True)]

    def serialise(self) -> bytes:
        """Return the size (64 bits, big endian) and the hashes, 32 bytes each."""
        return self._size.to_bytes(8, "big") + b"".join(self.hashes)

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        return fold(self.hashes)

    def copy(self) -> Frontier:
        """Return an independent frontier of the same tree."""
        return Frontier(self._size, self.hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.extend([leaf])

    def extend(self, leaves: Sequence[bytes]) -> list[list[bytes]]:
        """Add leaf hashes; return the hashes that became complete, by level.

        ``result[k]`` holds the new subtrees of level ``k`` in order; ``result[0]`` are the
        leaves. Works level by level, which leaves Python only the two-argument hash calls.
        """
        if any(len(leaf) != HASH_BYTES for leaf in leaves):
            raise MalformedInput("a leaf hash does not have 32 bytes")
        completed: list[list[bytes]] = []
        current = list(leaves)
        level = 0
        while current:
            completed.append(current)
            waiting = self._nodes.pop(level, None)
            row = current if waiting is None else [waiting, *current]
            if len(row) & 1:
                self._nodes[level] = row[-1]
            pairs = iter(row)
            current = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(pairs, pairs, strict=False)
            ]
            level += 1
        self._size += len(leaves)
        return completed


class MemoryTree:
    """A whole tree in memory: a HashReader for tests, small tools and rebuilt logs."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self._frontier = Frontier()
        self._levels: list[list[bytes]] = []
        self.extend(leaves)

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self._frontier.size

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes."""
        for level, hashes in enumerate(self._frontier.extend(leaves)):
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].extend(hashes)

    def root(self, size: int | None = None) -> bytes:
        """Return the root at ``size`` (default: now)."""
        return root_at(self.size if size is None else size, self)

    def read_hashes(self, coordinates: Sequence[Coordinate]) -> list[bytes]:
        """Return the hash at each coordinate; raises MalformedInput beyond the tree."""
        try:
            return [self._levels[level][index] for level, index in coordinates]
        except IndexError as error:
            raise MalformedInput("a coordinate lies beyond the tree") from error
