"""Publishing: from sequenced entries to tiles and a signed checkpoint, and when to anchor.

The order is what makes a crash harmless. Entries are durable before they come here; tiles are
written and synced; the fence records the new head and refuses a publisher that was replaced;
only then is the checkpoint signed and published, and only a larger one. Nothing is signed that
is not durable, nothing is published that is not locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anchoring.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from anchoring.cosignature import verifiers_for
from anchoring.errors import StorageError, StoreConflict
from anchoring.merkle import root_at
from anchoring.note import NoteSigner, open_note
from anchoring.tile_store import DirectoryStore, TileWriter, require_position
from anchoring.tiles import CHECKPOINT_PATH, TILE_WIDTH, TileReader

ANCHOR_ALIGNMENT = TILE_WIDTH
"""Sizes that are multiples of 256 have consistency proofs about half as long (measured gas)."""


class Fence(Protocol):
    """The one place, outside the tile directory, that decides who may publish."""

    def lock(self, size: int, root: bytes) -> None:
        """Record (size, root) as the head to be signed, durably and atomically.

        Raises FenceLost when another publisher took over, or when the recorded head is larger or
        of the same size with another root.
        """
        ...


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint and its signed bytes; ``is_new`` tells whether it was published just now."""

    checkpoint: Checkpoint
    signed: bytes
    is_new: bool


def anchor_target(
    last_anchored: int,
    current_size: int,
    oldest_unanchored_age: float | None,
    requested: bool,
    max_age: float,
) -> int | None:
    """Return the size to anchor now, or None.

    The exact size when it was asked for or when the oldest unanchored event is older than
    ``max_age`` (both ages in seconds); else the largest multiple of 256 not anchored yet.
    """
    is_late = oldest_unanchored_age is not None and oldest_unanchored_age > max_age
    target = (
        current_size if requested or is_late else current_size - current_size % ANCHOR_ALIGNMENT
    )
    return target if target > last_anchored else None


class Publisher:
    """The publisher of one log. One at a time; the fence sees to it."""

    def __init__(
        self,
        store: DirectoryStore,
        origin: str,
        signers: Sequence[NoteSigner],
        fence: Fence,
    ) -> None:
        """Take up the published log.

        Raises StorageError when the tiles do not have the root of the published checkpoint, and
        VerificationFailed when that checkpoint is not signed by these keys.
        """
        self._store = store
        self._origin = origin
        self._signers = tuple(signers)
        self._fence = fence
        self._writer: TileWriter | None = None
        self._open()

    @property
    def size(self) -> int:
        """Return how many entries are published."""
        return self._open().size

    def publish(self, position: int, entries: Sequence[bytes]) -> Published:
        """Add ``entries``, the first of which has the log index ``position``, and publish.

        Raises OutOfOrder unless ``position`` is the published size, FenceLost, and StorageError;
        after any of them the next call starts again from the published checkpoint.
        """
        writer = self._open()
        require_position(writer.size, position)
        self._writer = None  # until all of it succeeded, the published checkpoint is the truth
        if entries:
            writer.extend(entries)
        checkpoint = Checkpoint(self._origin, writer.size, writer.root())
        self._fence.lock(checkpoint.size, checkpoint.root)
        signed = sign_checkpoint(checkpoint, self._signers)
        is_new = self._store.publish_checkpoint(signed)
        self._writer = writer
        return Published(checkpoint, self._published_bytes(checkpoint, signed, is_new), is_new)

    def keep(self, size: int) -> bytes:
        """Sign and keep the checkpoint of ``size`` (at most the published size); returns it.

        The same bytes come back for every later call with this size. Raises OutOfOrder beyond
        the published size.
        """
        known = self._store.kept_checkpoint(size)
        if known is not None:
            return known
        published = self.size
        if not 0 < size <= published:
            require_position(published, size)
        root = root_at(size, TileReader(self._store, published))
        signed = sign_checkpoint(Checkpoint(self._origin, size, root), self._signers)
        return self._store.keep_checkpoint(size, signed)

    def _open(self) -> TileWriter:
        if self._writer is None:
            self._writer = self._load()
        return self._writer

    def _load(self) -> TileWriter:
        data = self._store.read(CHECKPOINT_PATH)
        if data is None:
            return TileWriter(self._store)
        checkpoint, note = parse_checkpoint(data)
        open_note(note, verifiers_for([signer.vkey for signer in self._signers]))
        if checkpoint.origin != self._origin:
            raise StorageError(f"the folder holds the log {checkpoint.origin}")
        writer = TileWriter(self._store, checkpoint.size)
        if writer.root() != checkpoint.root:
            raise StorageError("the tiles do not have the root of the published checkpoint")
        return writer

    def _published_bytes(self, checkpoint: Checkpoint, signed: bytes, is_new: bool) -> bytes:
        """Return what is published, which has more signatures if witnesses cosigned meanwhile."""
        if is_new:
            return signed
        current = self._store.read(CHECKPOINT_PATH)
        if current is None or parse_checkpoint(current)[0] != checkpoint:
            raise StoreConflict("another publisher has published a different checkpoint")
        return current
