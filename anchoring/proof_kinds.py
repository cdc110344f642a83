"""The kinds of proof, told apart by the first line of the file, under one face.

Whatever the kind, a proof says: these entries stand at these indices of this checkpoint's tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from anchoring import batch_proof, range_proof, stream_proof, tlog_proof
from anchoring.batch_proof import parse_batch_proof, verify_batch
from anchoring.checkpoint import Checkpoint
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.merkle_proof import verify_inclusion
from anchoring.range_proof import parse_range_proof, verify_range
from anchoring.tlog_proof import parse_tlog_proof


class ProofKind(Enum):
    """A kind of proof; the value is the header line of its file."""

    ENTRY = tlog_proof.HEADER
    BATCH = batch_proof.HEADER
    RANGE = range_proof.HEADER
    STREAM = stream_proof.HEADER

    @property
    def suffix(self) -> str:
        """Return how the names of such files end."""
        return _SUFFIXES[self]


_SUFFIXES = {
    ProofKind.ENTRY: ".tlog-proof",
    ProofKind.BATCH: ".tlog-batch",
    ProofKind.RANGE: ".tlog-range",
    ProofKind.STREAM: ".stream",
}


def proof_kind(data: bytes) -> ProofKind:
    """Return the kind that the first line names; raises MalformedInput for any other line."""
    line, newline, _ = data.partition(b"\n")
    for kind in ProofKind:
        if newline and line == kind.value.encode():
            return kind
    raise MalformedInput("the proof's first line names no kind of proof that is known here")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a proof file says. ``check`` verifies leaf hashes against a checkpoint's tree."""

    indices: Sequence[int]
    checkpoint: bytes
    check: Callable[[Sequence[bytes], Checkpoint], None]
    has_extra: bool = False


def read_claim(data: bytes) -> Claim:
    """Parse the proof of one entry, a batch or a range; raises MalformedInput.

    A stream file is none of these: its batch proof lies beside it.
    """
    return _READERS[proof_kind(data)](data)


def read_entry_claim(data: bytes) -> Claim:
    """Parse the proof of one entry; raises MalformedInput."""
    proof = parse_tlog_proof(data)

    def check(leaves: Sequence[bytes], head: Checkpoint) -> None:
        verify_inclusion(leaves[0], proof.index, head.size, proof.hashes, head.root)

    return Claim((proof.index,), proof.checkpoint, check, proof.extra is not None)


def _read_batch(data: bytes) -> Claim:
    proof = parse_batch_proof(data)

    def check(leaves: Sequence[bytes], head: Checkpoint) -> None:
        verify_batch(leaves, proof.indices, head.size, proof.hashes, head.root)

    return Claim(proof.indices, proof.checkpoint, check)


def _read_range(data: bytes) -> Claim:
    proof = parse_range_proof(data)

    def check(leaves: Sequence[bytes], head: Checkpoint) -> None:
        if len(leaves) != proof.end - proof.start:
            raise VerificationFailed("inclusion", "the range has another number of entries")
        verify_range(leaves, proof.start, head.size, proof.hashes, head.root)

    return Claim(range(proof.start, proof.end), proof.checkpoint, check)


def _read_stream(_: bytes) -> Claim:
    raise MalformedInput("a stream file is no proof by itself: its batch proof lies beside it")


_READERS: dict[ProofKind, Callable[[bytes], Claim]] = {
    ProofKind.ENTRY: read_entry_claim,
    ProofKind.BATCH: _read_batch,
    ProofKind.RANGE: _read_range,
    ProofKind.STREAM: _read_stream,
}
