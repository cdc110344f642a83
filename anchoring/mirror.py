"""A mirror, c2sp.org/tlog-mirror: a cosigner that has stored every entry before it signs.

``add-checkpoint`` moves the pending checkpoint, exactly as a witness does but without a signature.
``add-entries`` uploads entries in packages that end at multiples of 256; each package proves itself
to a pending checkpoint (a subtree consistency proof), so it is stored the moment it is checked,
whatever becomes of the rest. Only when all entries of a pending checkpoint are stored and the tiles
give its root is the checkpoint cosigned and published in the mirror's own tile directory.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.errors import AnchoringError, MalformedInput, StorageError, VerificationFailed
from anchoring.merkle import MemoryTree, leaf_hashes
from anchoring.merkle_proof import verify_subtree_consistency
from anchoring.mirror_upload import (
    INFO_TYPE,
    MirrorInfo,
    Package,
    Reader,
    Truncated,
    UploadHeader,
    package_spans,
    read_header,
    read_package,
)
from anchoring.note import Note, NoteSigner, VerifierKey, parse_note, sign_note
from anchoring.tile_store import DirectoryStore, TileWriter
from anchoring.tiles import (
    CHECKPOINT_PATH,
    TILE_WIDTH,
    Tile,
    decode_entries,
    encode_entries,
    read_tile,
    tile_width,
)
from anchoring.witness import Reply, Witness, origin_hash
from anchoring.witness_store import SqliteHeadStore

PACKAGES_PER_REQUEST = 32
"""As many packages as one request brings; the rest is asked for with 202."""

MAX_EXCESS = PACKAGES_PER_REQUEST * TILE_WIDTH
"""Entries that a client may send again although they are stored."""

_COMMIT_ENTRIES = 20 * TILE_WIDTH


class _Refused(AnchoringError):
    def __init__(self, reply: Reply) -> None:
        super().__init__("refused")
        self.reply = reply


class Mirror:
    """Full copies of logs below ``folder``. Any number of threads and processes may call it."""

    def __init__(
        self, logs: Iterable[VerifierKey], cosigners: Sequence[NoteSigner], folder: Path
    ) -> None:
        """Take the keys of the logs and the mirror's own; raises StorageError, MalformedInput."""
        keys = list(logs)
        self._heads = SqliteHeadStore(folder / "mirror.sqlite")
        Witness(keys, cosigners, self._heads)  # refuses a cosigner with a log's key
        self._pending = Witness(keys, (), self._heads)
        self._origins = {key.name for key in keys}
        self._cosigners = tuple(cosigners)
        self._folder = folder

    @property
    def vkeys(self) -> list[VerifierKey]:
        """Return the keys that this mirror cosigns with."""
        return [signer.vkey for signer in self._cosigners]

    def store(self, origin: str) -> DirectoryStore:
        """Return the copy of a log: a tile directory like the log's own."""
        return DirectoryStore(self._folder / origin_hash(origin))

    def origin_of(self, hashed: str) -> str | None:
        """Return the origin whose SHA-256 this is, if the log is mirrored."""
        return next((name for name in self._origins if origin_hash(name) == hashed), None)

    def size(self, origin: str) -> int:
        """Return the size of the mirror checkpoint; 0 before there is one."""
        data = self.store(origin).read(CHECKPOINT_PATH)
        return 0 if data is None else parse_checkpoint(data)[0].size

    def next_entry(self, origin: str) -> int:
        """Return the index of the first entry that is not stored."""
        return self._heads.next_entry(origin)

    def add_checkpoint(self, body: bytes) -> Reply:
        """Move the pending checkpoint; answers as a witness, with an empty body for 200."""
        return self._pending.add_checkpoint(body)

    def add_entries(self, body: Reader) -> Reply:
        """Answer ``add-entries``: 200, 202, 400, 404, 409 or 422. Raises StorageError."""
        try:
            header = read_header(body)
            pending = self._check_header(header)
            return self._receive(header, pending, body)
        except _Refused as refused:
            return refused.reply
        except MalformedInput as error:
            return _plain(400, str(error))

    def _check_header(self, header: UploadHeader) -> bytes:
        """Return the pending checkpoint of the upload's end."""
        if header.origin not in self._origins:
            raise _Refused(_plain(404, "this mirror does not know the log"))
        newest = self._heads.read(header.origin)
        if newest is None:
            raise _Refused(_plain(422, "no checkpoint of this log was received yet"))
        stored, size = self.next_entry(header.origin), self.size(header.origin)
        pending = self._heads.read_size(header.origin, header.end)
        excess = min(header.end, stored) - header.start
        if pending is None or header.end < size or header.start > stored or excess > MAX_EXCESS:
            known = header.end if pending is not None and header.end >= size else None
            raise _Refused(self._info(409, header.origin, known))
        return pending

    def _info(self, status: int, origin: str, size: int | None = None) -> Reply:
        if size is None:
            newest = self._heads.read(origin)
            size = 0 if newest is None else parse_checkpoint(newest)[0].size
        body = MirrorInfo(size, self.next_entry(origin)).encode()
        return Reply(status, body, INFO_TYPE)

    def _receive(self, header: UploadHeader, pending: bytes, body: Reader) -> Reply:
        """Read and store package after package; what was stored stays, whatever follows."""
        head, _ = parse_checkpoint(pending)
        spans = list(_first(package_spans(header.start, header.end), PACKAGES_PER_REQUEST + 1))
        accepted = 0
        for start, end in spans[:PACKAGES_PER_REQUEST]:
            if body.at_end():
                break
            try:
                package = read_package(body, start, end)
            except Truncated:
                break
            self._accept(head, package)
            accepted += 1
        if accepted < len(spans):
            if not accepted:
                raise MalformedInput("the body ends before the first package does")
            return self._info(202, header.origin, header.end)
        if not body.at_end():
            raise MalformedInput("something follows the last package")
        return self._finish(head, pending)

    def _accept(self, head: Checkpoint, package: Package) -> None:
        """Check a package against the pending checkpoint, then make its entries durable."""
        store = self.store(head.origin)
        number, offset = divmod(package.start, TILE_WIDTH)
        before = self._stored_part(store, head.origin, number, offset)
        entries = [*before, *package.entries]
        first, end = number * TILE_WIDTH, package.start + len(package.entries)
        root = MemoryTree(leaf_hashes(entries)).root()
        try:
            verify_subtree_consistency(first, end, head.size, package.proof, root, head.root)
        except VerificationFailed as error:
            raise _Refused(_plain(422, f"entries {package.start} to {end}: {error}")) from error
        bundle = Tile(None, number, len(entries))

        def write(_stored: int) -> None:
            store.write_immutable([(bundle.path(), encode_entries(entries))])

        self._heads.store_entries(head.origin, end, write)

    def _stored_part(
        self, store: DirectoryStore, origin: str, number: int, offset: int
    ) -> list[bytes]:
        """Return the first ``offset`` entries of a bundle, which are stored already."""
        if not offset:
            return []
        stored = self.next_entry(origin) - number * TILE_WIDTH
        tile = Tile(None, number, min(TILE_WIDTH, stored))
        return _entries_of(store, tile)[:offset]

    def _finish(self, head: Checkpoint, pending: bytes) -> Reply:
        """Write the tiles, then cosign and publish; a mirror never goes back."""
        with self._committing(head.origin):
            return self._commit(self.store(head.origin), head, pending)

    @contextmanager
    def _committing(self, origin: str) -> Iterator[None]:
        """One writer of a log's tiles at a time, among all threads and processes."""
        with (self._folder / f"{origin_hash(origin)}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _commit(self, store: DirectoryStore, head: Checkpoint, pending: bytes) -> Reply:
        writer = TileWriter(store, self.size(head.origin))
        while writer.size < head.size:
            end = min(head.size, (writer.size + _COMMIT_ENTRIES) // TILE_WIDTH * TILE_WIDTH)
            writer.extend(self._stored_entries(store, head.origin, writer.size, end))
        if writer.size == head.size and writer.root() != head.root:
            raise StorageError("the stored entries do not have the root of the checkpoint")
        note = parse_note(pending)
        lines = sign_note(note.text, self._cosigners).signatures
        signed = Note(note.text, (*note.signatures, *lines)).encode()
        published = store.publish_checkpoint(signed)
        if not published and self.size(head.origin) != head.size:
            return self._info(409, head.origin)
        return Reply(200, "".join(line.line() for line in lines).encode())

    def _stored_entries(
        self, store: DirectoryStore, origin: str, start: int, end: int
    ) -> list[bytes]:
        stored = self.next_entry(origin)
        entries: list[bytes] = []
        for low, high in package_spans(start, end):
            number, offset = divmod(low, TILE_WIDTH)
            tile = Tile(None, number, tile_width(None, number, stored))
            entries += _entries_of(store, tile)[offset : offset + high - low]
        if len(entries) != end - start:
            raise StorageError("entries that were stored are missing")
        return entries


def _entries_of(store: DirectoryStore, tile: Tile) -> list[bytes]:
    try:
        return decode_entries(read_tile(store, tile), tile.width)
    except MalformedInput as error:
        raise StorageError(f"{tile.path()}: {error}") from error


def _first(spans: Iterator[tuple[int, int]], count: int) -> Iterator[tuple[int, int]]:
    for _, span in zip(range(count), spans, strict=False):
        yield span


def _plain(status: int, message: str) -> Reply:
    return Reply(status, f"{message}\n".encode())
