"""Completeness of one stream, NAME.stream: these events are all that it has.

::

    tallystick/stream@v1
    tenant <tenant id>
    stream <stream id>
    count <n>
    neighbour <key> <count> <head>    (only with count 0, where another stream's leaf stands)
    <base64 hash>                     (the index's sibling hashes, the deepest first)

Beside it lie NAME.events with the stream's n events and, last, an ``index.committed`` event, and
NAME.tlog-batch with their inclusion under one checkpoint. The index event commits to the root of
a map (:mod:`anchoring.stream_index`) over the first ``size`` entries of the log; the path leads
from the stream's last event to that root. What came after ``size`` is not covered, and the map is
as good as whoever recomputed it: a full check of the log does so at every index event.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from anchoring.encoding import parse_decimal, parse_hex, parse_utf8
from anchoring.envelope import ParsedEntry
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.proof_text import has_word, hash_lines, parse_hashes, parse_number
from anchoring.stream_index import (
    INDEX_CONTEXT,
    INDEX_EVENT,
    INDEX_STREAM,
    KEY_BITS,
    IndexPath,
    StreamHead,
    stream_key,
    verify_index_path,
)

HEADER = "tallystick/stream@v1"
MAX_FILE_BYTES = 200_000

_UNFIT = re.compile("[\x00-\x1f\ud800-\udfff]")
_INDEX_MEMBERS = {"algorithm", "root", "size", "streams"}


@dataclass(frozen=True, slots=True)
class StreamProof:
    """What a stream file says; nothing of it is verified."""

    tenant_id: str
    stream_id: str
    count: int
    path: IndexPath

    def encode(self) -> bytes:
        """Return the file's bytes; raises MalformedInput when an id does not fit on a line."""
        lines = [HEADER, f"tenant {_checked_id(self.tenant_id, 'tenant')}"]
        lines += [f"stream {_checked_id(self.stream_id, 'stream')}", f"count {self.count}"]
        near = self.path.neighbour
        if near is not None:
            lines.append(f"neighbour {near.key.hex()} {near.count} {near.head.hex()}")
        lines += hash_lines(self.path.siblings)
        return "".join(f"{line}\n" for line in lines).encode()


def parse_stream_proof(data: bytes) -> StreamProof:
    """Parse a stream file strictly; raises MalformedInput."""
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput("the stream file is longer than 200,000 bytes")
    lines = parse_utf8(data, "the stream file").split("\n")
    if lines.pop() or len(lines) < 4 or lines[0] != HEADER:
        raise MalformedInput(f"the stream file has no {HEADER}, tenant, stream, count and newline")
    tenant, stream = _parse_id(lines[1], "tenant"), _parse_id(lines[2], "stream")
    count, rest = parse_number(lines[3], "count"), lines[4:]
    neighbour = None
    if rest and has_word(rest[0], "neighbour"):
        neighbour = _parse_neighbour(rest.pop(0))
        if count:
            raise MalformedInput("a stream that is there has no neighbour in its place")
    if len(rest) > KEY_BITS:
        raise MalformedInput(f"the path has more than {KEY_BITS} hashes")
    return StreamProof(tenant, stream, count, IndexPath(parse_hashes(rest), neighbour))


def _parse_id(line: str, word: str) -> str:
    if not has_word(line, word):
        raise MalformedInput(f"the stream file has no {word} line where one belongs")
    return _checked_id(line[len(word) + 1 :], word)


def _checked_id(text: str, word: str) -> str:
    if not text or text != text.strip(" ") or _UNFIT.search(text):
        raise MalformedInput(
            f"a {word} id is empty, holds a control character or has a space at an end"
        )
    return text


def _parse_neighbour(line: str) -> StreamHead:
    words = line.split(" ")
    if len(words) != 4:
        raise MalformedInput("a neighbour line is neighbour <key> <count> <head>")
    count = parse_decimal(words[2], "the neighbour's count")
    if count < 1:
        raise MalformedInput("the neighbour has no event")
    key = parse_hex(words[1], "the neighbour's key", 32)
    return StreamHead(key, count, parse_hex(words[3], "the neighbour's head", 32))


@dataclass(frozen=True, slots=True)
class IndexCommitment:
    """What an index event says: the map of ``streams`` streams over the first ``size`` entries."""

    root: bytes
    size: int
    streams: int


def parse_index_commitment(entry: ParsedEntry) -> IndexCommitment:
    """Read an index event; raises MalformedInput when it is another event or has another form."""
    envelope = entry.envelope
    if (envelope.type, envelope.stream_id) != (INDEX_EVENT, INDEX_STREAM):
        raise MalformedInput(f"not an {INDEX_EVENT} event of the stream {INDEX_STREAM}")
    payload = envelope.payload
    if envelope.schema_version != 1 or set(payload) != _INDEX_MEMBERS:
        raise MalformedInput("the index event is not of version 1 or has other members")
    if payload["algorithm"] != INDEX_CONTEXT or not isinstance(payload["root"], str):
        raise MalformedInput(f"the index event is not of algorithm {INDEX_CONTEXT}")
    size, streams = payload["size"], payload["streams"]
    if type(size) is not int or type(streams) is not int or not 0 <= streams <= size:
        raise MalformedInput("the index event's size and streams are not counts")
    return IndexCommitment(parse_hex(payload["root"], "the index's root", 32), size, streams)


@dataclass(frozen=True, slots=True)
class Completeness:
    """What was shown: ``count`` events are all of the stream among the first ``size`` entries."""

    tenant_id: str
    stream_id: str
    count: int
    size: int
    position: int

    def __str__(self) -> str:
        return (
            f"complete: {self.count} events of {self.stream_id} among the first {self.size} "
            f"entries (index at entry {self.position})"
        )


def verify_stream(
    proof: StreamProof,
    entries: Sequence[ParsedEntry],
    leaves: Sequence[bytes],
    indices: Sequence[int],
) -> Completeness:
    """Check that ``entries`` are all of the stream's, and the index event that says so.

    ``leaves`` are their leaf hashes and ``indices`` where they stand in the log, which the caller
    has checked. Raises MalformedInput when the last is no index event, and
    VerificationFailed("completeness").
    """
    if not len(entries) == len(leaves) == len(indices) == proof.count + 1:
        raise VerificationFailed(
            "completeness", f"{len(entries)} entries are not {proof.count} and an index event"
        )
    index, position = parse_index_commitment(entries[-1]), indices[-1]
    if index.size > position:
        raise VerificationFailed("completeness", "the index event covers more than came before it")
    if proof.count and indices[-2] >= index.size:
        raise VerificationFailed(
            "completeness", f"entry {indices[-2]} is not among the first {index.size}"
        )
    _verify_chain(proof, entries[:-1], leaves)
    key = stream_key(proof.tenant_id, proof.stream_id)
    claimed = StreamHead(key, proof.count, leaves[-2]) if proof.count else None
    verify_index_path(index.root, key, claimed, proof.path)
    return Completeness(proof.tenant_id, proof.stream_id, proof.count, index.size, position)


def _verify_chain(
    proof: StreamProof, entries: Sequence[ParsedEntry], leaves: Sequence[bytes]
) -> None:
    """Check that the entries are versions 1, 2, 3 … of the stream, each naming the one before."""
    previous = None
    for version, (entry, leaf) in enumerate(zip(entries, leaves, strict=False), start=1):
        envelope = entry.envelope
        if (envelope.tenant_id, envelope.stream_id) != (proof.tenant_id, proof.stream_id):
            raise VerificationFailed(
                "completeness", f"event {version} is of stream {envelope.stream_id}"
            )
        if envelope.stream_version != version:
            raise VerificationFailed(
                "completeness", f"version {envelope.stream_version} stands where {version} belongs"
            )
        if envelope.previous != previous:
            raise VerificationFailed(
                "completeness", f"version {version} names another predecessor than the one shown"
            )
        previous = leaf.hex()
