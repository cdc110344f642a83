"""Bringing a log to a mirror: over HTTP (push), or to a mirror in this very process (pull).

Whoever holds the entries may do it: a mirror checks every package by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.errors import MalformedInput, StorageError, WitnessFailed
from anchoring.mirror import PACKAGES_PER_REQUEST, Mirror
from anchoring.mirror_upload import (
    INFO_TYPE,
    ChunkReader,
    MirrorInfo,
    UploadHeader,
    make_package,
    package_spans,
    parse_mirror_info,
)
from anchoring.note import NoteSignature, VerifierKey
from anchoring.tiles import (
    TILE_WIDTH,
    Tile,
    TileReader,
    TileSource,
    decode_entries,
    read_tile,
    tile_width,
)
from anchoring.witness_client import BYTES, Transport, WitnessClient, proofs_from, verified_lines

_STALLS = 3


class LocalMirror:
    """A mirror in this process, spoken to as if it were far away."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, str, bytes]:
        """Return what the mirror answers to ``body``."""
        del content_type
        if path == "add-checkpoint":
            reply = self._mirror.add_checkpoint(body)
        else:
            reply = self._mirror.add_entries(ChunkReader([body]))
        return reply.status, reply.content_type, reply.body


def upload(
    source: TileSource, checkpoint: bytes, transport: Transport, keys: Sequence[VerifierKey]
) -> list[NoteSignature]:
    """Bring a mirror to ``checkpoint``, whose entries ``source`` has; returns its verified lines.

    Sends only what the mirror has not stored. Raises WitnessFailed with a reason, as
    :meth:`WitnessClient.cosign` does, and StorageError when the source lacks something.
    """
    head, _ = parse_checkpoint(checkpoint)
    WitnessClient(transport, keys).submit(checkpoint, proofs_from(source, head.size))
    # An upload of nothing from the end: 200 when all is stored, else told where to begin.
    start, stalls = head.size, 0
    while True:
        body = _request(source, head, start)
        status, kind, data = transport.post("add-entries", body, BYTES)
        if status == 200:
            return verified_lines(checkpoint, data, keys)
        info = _read_info(status, kind, data)
        if info.size != head.size or info.next_entry > head.size:
            raise WitnessFailed("ahead", f"it waits for the checkpoint of size {info.size}")
        stalls = stalls + 1 if info.next_entry <= start and status == 409 else 0
        if stalls > _STALLS:
            raise WitnessFailed("refused-409", "it takes no entries")
        start = info.next_entry


def _read_info(status: int, kind: str, data: bytes) -> MirrorInfo:
    if status not in (202, 409):
        words = " ".join(data[:200].decode("utf-8", "replace").split())
        raise WitnessFailed(f"refused-{status}", f"it answered {status}: {words}")
    if kind.split(";")[0].strip() != INFO_TYPE:
        raise WitnessFailed("malformed", f"an answer without {INFO_TYPE}")
    try:
        return parse_mirror_info(data)
    except MalformedInput as error:
        raise WitnessFailed("malformed", str(error)) from error


def _request(source: TileSource, head: Checkpoint, start: int) -> bytes:
    """Return an upload from ``start``: the header and as many packages as one request takes."""
    parts = [UploadHeader(head.origin, start, head.size).encode()]
    reader = TileReader(source, head.size)
    for low, high in islice(package_spans(start, head.size), PACKAGES_PER_REQUEST):
        entries = _entries(source, low, high, head.size)
        parts.append(make_package(low, entries, head.size, reader).encode())
    return b"".join(parts)


def _entries(source: TileSource, low: int, high: int, size: int) -> list[bytes]:
    number, offset = divmod(low, TILE_WIDTH)
    tile = Tile(None, number, tile_width(None, number, size))
    try:
        return decode_entries(read_tile(source, tile), tile.width)[offset : offset + high - low]
    except MalformedInput as error:
        raise StorageError(f"{tile.path()}: {error}") from error
