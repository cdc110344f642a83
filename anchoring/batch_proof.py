"""One inclusion proof for many entries: the multi-proof of an RFC 9162 tree, NAME.tlog-batch.

::

    tallystick/batch@v1
    index <decimal>           (one for each entry, strictly ascending)
    <base64 hash>             (any number)

    <signed checkpoint, verbatim>

The hashes are those that the entries do not give. The tree of the checkpoint's size is walked
from the root, depth first, left before right: a subtree without a listed index gives one hash,
its MTH; a single listed leaf gives none; any other is split at the largest power of two smaller
than its width. Whoever verifies walks the same way, so the indices and the size decide how many
hashes there are, and each is used exactly once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from anchoring.encoding import MAX_UINT63
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.events_file import MAX_ENTRIES
from anchoring.merkle import HASH_BYTES, HashReader, node_hash
from anchoring.merkle_proof import Span, read_spans, split_width
from anchoring.proof_text import (
    has_word,
    hash_lines,
    join_proof,
    parse_hashes,
    parse_number,
    split_proof,
)

HEADER = "tallystick/batch@v1"


@dataclass(frozen=True, slots=True)
class BatchProof:
    """What a batch proof says; nothing of it is verified. ``checkpoint`` is a signed note."""

    indices: tuple[int, ...]
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the file's bytes; parsing them gives this proof again."""
        lines = [f"index {index}" for index in self.indices]
        return join_proof(HEADER, lines + hash_lines(self.hashes), self.checkpoint)


def parse_batch_proof(data: bytes) -> BatchProof:
    """Parse a batch proof strictly; raises MalformedInput."""
    lines, checkpoint = split_proof(data, HEADER)
    count = 0
    while count < len(lines) and has_word(lines[count], "index"):
        count += 1
    if not 1 <= count <= MAX_ENTRIES:
        raise MalformedInput(f"a batch proof has 1 to {MAX_ENTRIES:,} index lines")
    indices = tuple(parse_number(line, "index") for line in lines[:count])
    _require_ascending(indices)
    return BatchProof(indices, parse_hashes(lines[count:]), checkpoint)


def prove_batch(indices: Sequence[int], size: int, reader: HashReader) -> list[bytes]:
    """Return the hashes that prove the leaves at ``indices`` in the tree of ``size`` leaves.

    Raises MalformedInput unless the indices ascend strictly within the tree.
    """
    _require_ascending(indices)
    if not indices or indices[0] < 0 or indices[-1] >= size:
        raise MalformedInput(f"the indices are not within a tree of {size} leaves")
    spans: list[Span] = []
    _collect(indices, (0, len(indices)), (0, size), spans)
    return read_spans(spans, reader)


def _collect(indices: Sequence[int], listed: Span, span: Span, spans: list[Span]) -> None:
    """Add the subtrees of ``span`` that hold none of ``indices[listed]``."""
    (first, last), (low, high) = listed, span
    if first == last:
        spans.append(span)
    elif high - low > 1:
        middle = low + split_width(high - low)
        cut = bisect_left(indices, middle, first, last)
        _collect(indices, (first, cut), (low, middle), spans)
        _collect(indices, (cut, last), (middle, high), spans)


def verify_batch(
    leaves: Sequence[bytes],
    indices: Sequence[int],
    size: int,
    hashes: Sequence[bytes],
    root: bytes,
) -> None:
    """Check that ``leaves`` (leaf hashes) stand at ``indices`` of the tree (size, root).

    Raises VerificationFailed("inclusion"). At most 63 levels are walked for each leaf.
    """
    if not 0 < size <= MAX_UINT63:
        raise VerificationFailed("inclusion", "the tree's size is outside 1 to 2^63-1")
    if not leaves or len(leaves) != len(indices):
        raise VerificationFailed(
            "inclusion", f"{len(leaves)} entries cannot stand at {len(indices)} indices"
        )
    if indices[0] < 0 or any(low >= high for low, high in pairwise(indices)):
        raise VerificationFailed("inclusion", "the indices do not ascend strictly")
    if indices[-1] >= size:
        raise VerificationFailed("inclusion", f"leaf {indices[-1]} is outside [0, {size})")
    if any(len(item) != HASH_BYTES for item in (*leaves, *hashes, root)):
        raise VerificationFailed("inclusion", "a hash does not have 32 bytes")
    fold = _Fold(leaves, indices, iter(hashes))
    found = fold.root((0, len(indices)), (0, size))
    if next(fold.hashes, None) is not None:
        raise VerificationFailed("inclusion", "the proof has more hashes than it needs")
    if found != root:
        raise VerificationFailed("inclusion", "the proof leads to another root")


@dataclass(slots=True)
class _Fold:
    leaves: Sequence[bytes]
    indices: Sequence[int]
    hashes: Iterator[bytes]

    def root(self, listed: Span, span: Span) -> bytes:
        (first, last), (low, high) = listed, span
        if first == last:
            given = next(self.hashes, None)
            if given is None:
                raise VerificationFailed("inclusion", "the proof has fewer hashes than it needs")
            return given
        if high - low == 1:
            return self.leaves[first]
        middle = low + split_width(high - low)
        cut = bisect_left(self.indices, middle, first, last)
        left = self.root((first, cut), (low, middle))
        return node_hash(left, self.root((cut, last), (middle, high)))


def _require_ascending(indices: Sequence[int]) -> None:
    if any(low >= high for low, high in pairwise(indices)):
        raise MalformedInput("the indices do not ascend strictly")
