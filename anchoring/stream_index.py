"""The index of streams: what the last event of every stream is, under one root.

A hash chain shows that no event is missing *before* the last one shown; it cannot show that the
last one shown is the last. The index can. It is a map from stream to (count, head): how many
events the stream has among the first ``size`` entries of the log, and the leaf hash of the last
of them, which commits to all earlier ones through ``previous``. The log commits to the map's
root in an ``index.committed`` event, so that a log cannot show two people two maps; whoever
reads all entries can compute the root again and see whether the map was right.

The map is a binary trie over 256-bit keys::

    key   = SHA-256("tallystick/index/v1\\n" || tenant_id || "\\n" || stream_id)
    leaf  = SHA-256(0x02 || key || count as 64-bit big-endian || head)
    node  = SHA-256(0x03 || left || right)
    empty = 32 zero bytes

A subtree without leaves is ``empty``, one with a single leaf is that leaf (it rises, since its
key says where it belongs), any other is a node; bit 0 of the key (the highest) decides at the
root. The root is therefore a function of the map alone, whatever the order of updates. The
prefixes 0x02 and 0x03 keep these hashes apart from those of the log's own tree.

Tries are immutable: an update returns a new one that shares what did not change, so the trie of
every commitment can be kept for the price of its changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.merkle import HASH_BYTES

INDEX_CONTEXT = "tallystick/index/v1"
INDEX_EVENT = "index.committed"
INDEX_STREAM = "index-log"
EMPTY = bytes(HASH_BYTES)
KEY_BITS = 256

_LEAF_PREFIX = b"\x02"
_NODE_PREFIX = b"\x03"


@dataclass(frozen=True, slots=True)
class StreamHead:
    """What the index says of one stream: ``count`` events, the last with leaf hash ``head``."""

    key: bytes
    count: int
    head: bytes

    def hash(self) -> bytes:
        """Return the hash of the stream's leaf."""
        count = self.count.to_bytes(8, "big")
        return sha256(b"".join((_LEAF_PREFIX, self.key, count, self.head))).digest()


@dataclass(frozen=True, slots=True)
class IndexPath:
    """The way from a key's place to the root: sibling hashes, the deepest first.

    ``neighbour`` is the leaf that stands at the key's place when it is another stream's; None
    when the stream itself stands there, or nothing does.
    """

    siblings: tuple[bytes, ...]
    neighbour: StreamHead | None = None


class _Branch:
    __slots__ = ("_hash", "left", "right")

    def __init__(self, left: _Node, right: _Node) -> None:
        self.left = left
        self.right = right
        self._hash = b""

    def hash(self) -> bytes:
        if not self._hash:
            self._hash = _node_hash(_hash_of(self.left), _hash_of(self.right))
        return self._hash


_Node = StreamHead | _Branch | None


def stream_key(tenant_id: str, stream_id: str) -> bytes:
    """Return the key of a stream; raises MalformedInput for a tenant id with a line break."""
    if "\n" in tenant_id:
        raise MalformedInput("a tenant id holds a line break")
    return sha256(f"{INDEX_CONTEXT}\n{tenant_id}\n{stream_id}".encode()).digest()


class StreamIndex:
    """An immutable index. ``StreamIndex()`` is the index of no streams."""

    __slots__ = ("_top", "streams")

    def __init__(self, top: _Node = None, streams: int = 0) -> None:
        self._top = top
        self.streams = streams

    @classmethod
    def of(cls, heads: Iterable[StreamHead]) -> StreamIndex:
        """Return the index of ``heads``; of several with one key, the last counts."""
        return cls().updated(heads)

    def updated(self, heads: Iterable[StreamHead]) -> StreamIndex:
        """Return the index with these streams added or moved on."""
        top, streams = self._top, self.streams
        for head in heads:
            top, is_new = _put(top, head, 0)
            streams += is_new
        return StreamIndex(top, streams)

    def root(self) -> bytes:
        """Return the root, 32 zero bytes for no streams."""
        return _hash_of(self._top)

    def get(self, key: bytes) -> StreamHead | None:
        """Return what stands under ``key``."""
        found, _ = self._walk(key)
        return found if found is not None and found.key == key else None

    def prove(self, key: bytes) -> IndexPath:
        """Return the path of ``key``, whether the stream is there or not."""
        found, siblings = self._walk(key)
        neighbour = found if found is not None and found.key != key else None
        return IndexPath(tuple(_hash_of(node) for node in reversed(siblings)), neighbour)

    def _walk(self, key: bytes) -> tuple[StreamHead | None, list[_Node]]:
        siblings: list[_Node] = []
        node = self._top
        while isinstance(node, _Branch):
            is_right = _bit(key, len(siblings))
            siblings.append(node.left if is_right else node.right)
            node = node.right if is_right else node.left
        return node, siblings


def verify_index_path(root: bytes, key: bytes, claimed: StreamHead | None, path: IndexPath) -> None:
    """Check that the index with ``root`` holds ``claimed`` under ``key`` (None: no such stream).

    Raises VerificationFailed("completeness").
    """
    depth = len(path.siblings)
    if depth > KEY_BITS:
        raise VerificationFailed("completeness", "the path is longer than a key")
    place = claimed
    if claimed is not None:
        if claimed.key != key or path.neighbour is not None:
            raise VerificationFailed("completeness", "the path is of another stream")
    elif path.neighbour is not None:
        place = path.neighbour
        if place.key == key or _shared_bits(place.key, key) < depth:
            raise VerificationFailed("completeness", "the neighbour does not stand in that place")
    if root_from_path(key, place, path.siblings) != root:
        raise VerificationFailed("completeness", "the path does not lead to the index's root")


def root_from_path(key: bytes, place: StreamHead | None, siblings: Sequence[bytes]) -> bytes:
    """Return the root to which the path from ``place`` leads."""
    result = EMPTY if place is None else place.hash()
    for depth, sibling in zip(range(len(siblings) - 1, -1, -1), siblings, strict=True):
        pair = (sibling, result) if _bit(key, depth) else (result, sibling)
        result = _node_hash(*pair)
    return result


def _put(node: _Node, head: StreamHead, depth: int) -> tuple[_Node, bool]:
    """Return the node with ``head`` in it, and whether its key was new."""
    if node is None:
        return head, True
    if isinstance(node, StreamHead):
        if node.key == head.key:
            return head, False
        return _part(node, head, depth), True
    if _bit(head.key, depth):
        right, is_new = _put(node.right, head, depth + 1)
        return _Branch(node.left, right), is_new
    left, is_new = _put(node.left, head, depth + 1)
    return _Branch(left, node.right), is_new


def _part(one: StreamHead, other: StreamHead, depth: int) -> _Branch:
    """Return the smallest trie below ``depth`` that holds two leaves."""
    fork = _shared_bits(one.key, other.key)
    node = _Branch(one, other) if _bit(other.key, fork) else _Branch(other, one)
    for level in range(fork - 1, depth - 1, -1):
        node = _Branch(None, node) if _bit(one.key, level) else _Branch(node, None)
    return node


def _shared_bits(one: bytes, other: bytes) -> int:
    """Return how many leading bits two keys have in common."""
    difference = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return KEY_BITS - difference.bit_length()


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _hash_of(node: _Node) -> bytes:
    return EMPTY if node is None else node.hash()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"".join((_NODE_PREFIX, left, right))).digest()
