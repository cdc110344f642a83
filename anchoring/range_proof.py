"""A contiguous range of entries, proven by subtree consistency, NAME.tlog-range.

::

    tallystick/range@v1
    range <start> <end>       (the entries start to end - 1)
    <base64 hash>             (the MTHs of what covers [s0, start), left to right)
    subtree <s0> <e0>
    <base64 hash>             (subtree consistency proof of [s0, e0))
    subtree <s1> <e1>         (where the range needs two)
    <base64 hash>

    <signed checkpoint, verbatim>

Two subtrees cover any range (draft-ietf-plants-merkle-tree-certs section 4.5.1); the first may
begin before ``start``, by less than half its width, which the first hashes make up for. The
reader computes both subtrees' hashes from the entries and checks each against the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.events_file import MAX_ENTRIES
from anchoring.merkle import HASH_BYTES, Frontier, HashReader, subtree_coordinates
from anchoring.merkle_proof import (
    Span,
    prove_subtree_consistency,
    verify_subtree_consistency,
)
from anchoring.proof_text import (
    has_word,
    hash_lines,
    join_proof,
    parse_hashes,
    parse_span,
    split_proof,
)

HEADER = "tallystick/range@v1"
MAX_SUBTREE_HASHES = 64

SubtreeProof = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RangeHashes:
    """The hashes of a range proof: what lies left of the range, and a proof for each subtree."""

    left: tuple[bytes, ...]
    subtrees: tuple[SubtreeProof, ...]


@dataclass(frozen=True, slots=True)
class RangeProof:
    """What a range proof says; nothing of it is verified. ``checkpoint`` is a signed note."""

    start: int
    end: int
    hashes: RangeHashes
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the file's bytes; parsing them gives this proof again."""
        lines = [f"range {self.start} {self.end}", *hash_lines(self.hashes.left)]
        spans = find_subtrees(self.start, self.end)
        for (low, high), proof in zip(spans, self.hashes.subtrees, strict=True):
            lines += [f"subtree {low} {high}", *hash_lines(proof)]
        return join_proof(HEADER, lines, self.checkpoint)


def find_subtrees(start: int, end: int) -> list[Span]:
    """Return the one or two subtrees that cover [start, end); requires 0 <= start < end.

    One for a single entry, else two, split where the paths of the first and the last entry part,
    also where the range is a subtree by itself. Raises MalformedInput.
    """
    if not 0 <= start < end:
        raise MalformedInput(f"the range from {start} to {end} is empty")
    if end - start == 1:
        return [(start, end)]
    last = end - 1
    below = (1 << ((start ^ last).bit_length() - 1)) - 1
    middle = last & ~below
    low = start & ~((1 << (~start & below).bit_length()) - 1)
    return [(low, middle), (middle, end)]


def parse_range_proof(data: bytes) -> RangeProof:
    """Parse a range proof strictly; raises MalformedInput, also for other subtrees than due."""
    lines, checkpoint = split_proof(data, HEADER)
    if not lines:
        raise MalformedInput("the proof has no range line")
    start, end = parse_span(lines[0], "range")
    if end - start > MAX_ENTRIES:
        raise MalformedInput(f"a range proof is of at most {MAX_ENTRIES:,} entries")
    marks = [number for number, line in enumerate(lines) if has_word(line, "subtree")]
    spans = find_subtrees(start, end)
    if [parse_span(lines[mark], "subtree") for mark in marks] != spans:
        raise MalformedInput("the subtrees are not those that cover the range")
    left = parse_hashes(lines[1 : marks[0]])
    if len(left) != len(subtree_coordinates(spans[0][0], start)):
        raise MalformedInput("the hashes left of the range are not as many as it takes")
    parts = [lines[mark + 1 : stop] for mark, stop in zip(marks, [*marks[1:], None], strict=True)]
    if any(len(part) > MAX_SUBTREE_HASHES for part in parts):
        raise MalformedInput(f"a subtree has more than {MAX_SUBTREE_HASHES} hashes")
    hashes = RangeHashes(left, tuple(parse_hashes(part) for part in parts))
    return RangeProof(start, end, hashes, checkpoint)


def prove_range(start: int, end: int, size: int, reader: HashReader) -> RangeHashes:
    """Return the hashes that prove the leaves [start, end) of the tree of ``size`` leaves.

    Raises MalformedInput unless 0 <= start < end <= size.
    """
    spans = find_subtrees(start, end)
    if end > size:
        raise MalformedInput(f"the range from {start} to {end} is beyond a tree of {size}")
    left = reader.read_hashes(subtree_coordinates(spans[0][0], start))
    proofs = [prove_subtree_consistency(low, high, size, reader) for low, high in spans]
    return RangeHashes(tuple(left), tuple(tuple(proof) for proof in proofs))


def verify_range(
    leaves: Sequence[bytes], start: int, size: int, hashes: RangeHashes, root: bytes
) -> None:
    """Check that ``leaves`` (leaf hashes) stand at ``start`` and after in the tree (size, root).

    Raises VerificationFailed("inclusion").
    """
    end = start + len(leaves)
    if not leaves or not 0 <= start < end <= size:
        raise VerificationFailed("inclusion", f"[{start}, {end}) is no range of {size} leaves")
    spans = find_subtrees(start, end)
    before = start - spans[0][0]
    if len(hashes.left) != before.bit_count() or len(hashes.subtrees) != len(spans):
        raise VerificationFailed("inclusion", "the proof has another shape than its range")
    if any(len(item) != HASH_BYTES for item in (*leaves, *hashes.left)):
        raise VerificationFailed("inclusion", "a hash does not have 32 bytes")
    frontier = Frontier(before, hashes.left)
    for (low, high), proof in zip(spans, hashes.subtrees, strict=True):
        frontier.extend(leaves[max(low, start) - start : high - start])
        _verify_part(low, high, size, proof, frontier.root(), root)
        frontier = Frontier()


def _verify_part(
    low: int, high: int, size: int, proof: SubtreeProof, subtree: bytes, root: bytes
) -> None:
    try:
        verify_subtree_consistency(low, high, size, proof, subtree, root)
    except VerificationFailed as error:
        raise VerificationFailed("inclusion", f"the subtree [{low}, {high}): {error}") from error
