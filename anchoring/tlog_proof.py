"""The proof file, c2sp.org/tlog-proof: a leaf's index, its inclusion proof, and a checkpoint.

::

    c2sp.org/tlog-proof@v1
    extra <base64>            (optional, not authenticated)
    index <decimal>
    <base64 hash>             (any number, the leaf's side first)

    <signed checkpoint, verbatim>
"""

from __future__ import annotations

from dataclasses import dataclass

from anchoring.encoding import encode_base64, parse_base64, parse_decimal, parse_utf8
from anchoring.errors import MalformedInput
from anchoring.merkle import HASH_BYTES

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_HASHES = 63
MAX_FILE_BYTES = 1_100_000


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a proof file says; nothing of it is verified. ``checkpoint`` is a signed note."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Return the file's bytes; parsing them gives this proof again."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(encode_base64(item) for item in self.hashes)
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Parse a proof file strictly; raises MalformedInput."""
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput("the proof file is longer than 1,100,000 bytes")
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or not checkpoint:
        raise MalformedInput("the proof has no checkpoint after an empty line")
    header, *lines = parse_utf8(head, "the proof").split("\n")
    if header != HEADER:
        raise MalformedInput(f"the proof does not start with {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0)[len("extra ") :], "the proof's extra data")
    if not lines or not lines[0].startswith("index "):
        raise MalformedInput("the proof has no index line")
    index = parse_decimal(lines.pop(0)[len("index ") :], "the proof's index")
    if len(lines) > MAX_PROOF_HASHES:
        raise MalformedInput(f"the proof has more than {MAX_PROOF_HASHES} hashes")
    hashes = tuple(parse_base64(line, "a proof hash", HASH_BYTES) for line in lines)
    return TlogProof(index, hashes, checkpoint, extra)
