"""The formats of c2sp.org/tlog-mirror: uploads in packages, and what a mirror answers.

An upload is a header and packages. A package is the entries of one bundle of 256 (each after its
length in 16 bits, big endian), the number of proof hashes in one byte, and the hashes: the subtree
consistency proof of [first entry of the bundle, end of the package) to the upload's end.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from anchoring.encoding import encode_base64, parse_base64, parse_decimal, parse_utf8
from anchoring.errors import MalformedInput
from anchoring.merkle import HASH_BYTES, HashReader
from anchoring.merkle_proof import prove_subtree_consistency
from anchoring.tiles import TILE_WIDTH, encode_entries
from anchoring.witness import MAX_PROOF_HASHES

INFO_TYPE = "text/x.tlog.mirror-info"
MAX_TICKET_BYTES = 65_535
_PIECE_BYTES = 65_536


class Truncated(MalformedInput):
    """The body ends within a value."""


class Reader(Protocol):
    """A request's body, read as it arrives."""

    def read(self, count: int) -> bytes:
        """Return exactly ``count`` bytes; raises Truncated."""
        ...

    def at_end(self) -> bool:
        """Say whether nothing is left."""
        ...


class ChunkReader:
    """Reads exact lengths from chunks of any size, without holding more than it must."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = bytearray()

    def read(self, count: int) -> bytes:
        """Return exactly ``count`` bytes; raises Truncated."""
        while len(self._buffer) < count and self._more():
            continue
        if len(self._buffer) < count:
            raise Truncated("the body ends within a value")
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def at_end(self) -> bool:
        """Say whether nothing is left."""
        while not self._buffer and self._more():
            continue
        return not self._buffer

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._buffer += chunk
        return True


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress gzip as it arrives, 64 KiB at a time; raises MalformedInput."""
    inflater = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        data, is_full = chunk, False
        while data or is_full:
            piece = _inflate(inflater, data)
            if piece:
                yield piece
            # A full piece may have left output behind, with no input left to say so.
            is_full = len(piece) == _PIECE_BYTES and not inflater.eof
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail


def _inflate(inflater: zlib._Decompress, data: bytes) -> bytes:
    if inflater.eof:
        raise MalformedInput("something follows the gzip stream")
    try:
        return inflater.decompress(data, _PIECE_BYTES)
    except zlib.error as error:
        raise MalformedInput("the body is not gzip") from error


@dataclass(frozen=True, slots=True)
class UploadHeader:
    """What stands before the packages of an ``add-entries`` request."""

    origin: str
    start: int
    end: int
    ticket: bytes = b""

    def encode(self) -> bytes:
        """Return the header's bytes; reading them gives this header again."""
        name = self.origin.encode()
        if len(name) > 65_535 or len(self.ticket) > MAX_TICKET_BYTES:
            raise MalformedInput("an origin or ticket is longer than 65,535 bytes")
        return b"".join(
            (
                len(name).to_bytes(2, "big"),
                name,
                self.start.to_bytes(8, "big"),
                self.end.to_bytes(8, "big"),
                len(self.ticket).to_bytes(2, "big"),
                self.ticket,
            )
        )


def read_header(body: Reader) -> UploadHeader:
    """Read the header of ``add-entries``; raises MalformedInput."""
    name = parse_utf8(body.read(int.from_bytes(body.read(2), "big")), "the log's origin")
    start = int.from_bytes(body.read(8), "big")
    end = int.from_bytes(body.read(8), "big")
    ticket = body.read(int.from_bytes(body.read(2), "big"))
    if start > end or end > 2**63 - 1:
        raise MalformedInput("an upload ends before it starts, or beyond 2^63-1")
    return UploadHeader(name, start, end, ticket)


@dataclass(frozen=True, slots=True)
class Package:
    """Entries [start, end) of one bundle, and the proof of the subtree from its first entry."""

    start: int
    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the package's bytes; reading them gives this package again."""
        if len(self.proof) > MAX_PROOF_HASHES:
            raise MalformedInput(f"a proof has more than {MAX_PROOF_HASHES} hashes")
        return encode_entries(self.entries) + bytes([len(self.proof)]) + b"".join(self.proof)


def package_spans(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the intervals of the canonical sequence of packages for [start, end)."""
    while start < end:
        stop = min(end, (start // TILE_WIDTH + 1) * TILE_WIDTH)
        yield start, stop
        start = stop


def read_package(body: Reader, start: int, end: int) -> Package:
    """Read the package of [start, end); raises MalformedInput (Truncated at the body's end)."""
    entries = tuple(body.read(int.from_bytes(body.read(2), "big")) for _ in range(end - start))
    count = body.read(1)[0]
    if count > MAX_PROOF_HASHES:
        raise MalformedInput(f"a package's proof has more than {MAX_PROOF_HASHES} hashes")
    return Package(start, entries, tuple(body.read(HASH_BYTES) for _ in range(count)))


def make_package(start: int, entries: Sequence[bytes], size: int, reader: HashReader) -> Package:
    """Make the package of ``entries`` that start at ``start``, proven to a tree of ``size``."""
    first = start - start % TILE_WIDTH
    proof = prove_subtree_consistency(first, start + len(entries), size, reader)
    return Package(start, tuple(entries), tuple(proof))


@dataclass(frozen=True, slots=True)
class MirrorInfo:
    """The body of 202 and 409: a pending size, the next entry, and a ticket."""

    size: int
    next_entry: int
    ticket: bytes = b""

    def encode(self) -> bytes:
        """Return the three lines."""
        return f"{self.size}\n{self.next_entry}\n{encode_base64(self.ticket)}\n".encode()


def parse_mirror_info(data: bytes) -> MirrorInfo:
    """Parse the body of 202 and 409; raises MalformedInput."""
    lines = parse_utf8(data, "the mirror's answer").split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedInput("a mirror's answer has three lines")
    size = parse_decimal(lines[0], "the pending size")
    return MirrorInfo(
        size, parse_decimal(lines[1], "the next entry"), parse_base64(lines[2], "the ticket")
    )
