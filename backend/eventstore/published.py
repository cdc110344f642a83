"""The published log as a source of entries: bundles on disk, held to the signed checkpoint."""

from collections.abc import Iterator
from dataclasses import dataclass

from anchoring.checkpoint import Checkpoint
from anchoring.errors import AnchoringError, MalformedInput, VerificationFailed
from anchoring.log_head import open_checkpoint
from anchoring.merkle import Frontier, leaf_hashes
from anchoring.policy import Policy
from anchoring.tile_check import CheckedTiles
from anchoring.tiles import (
    CHECKPOINT_PATH,
    TILE_WIDTH,
    Tile,
    TileSource,
    decode_entries,
    read_tile,
    tile_width,
)
from backend.eventstore.errors import LogInconsistent


@dataclass(frozen=True)
class LogEntry:
    """An entry of the log, and its leaf hash."""

    position: int
    entry: bytes
    leaf_hash: bytes


class PublishedLog:
    """The log up to a checkpoint that a log key of the policy signed."""

    def __init__(self, source: TileSource, policy: Policy) -> None:
        """Raises LogInconsistent when there is no checkpoint, or none of this log."""
        data = source.read(CHECKPOINT_PATH)
        if data is None:
            raise LogInconsistent("There is no published log in this place.")
        try:
            self.checkpoint: Checkpoint = open_checkpoint(data, policy)[0]
        except AnchoringError as error:
            raise LogInconsistent(f"The published checkpoint does not hold: {error}") from error
        self._source = source

    @property
    def size(self) -> int:
        """How many entries are published."""
        return self.checkpoint.size

    def entries(self) -> Iterator[LogEntry]:
        """Every entry in order of position.

        At the end the entries must have led to the checkpoint's root. Raises AnchoringError
        when they did not, or a bundle cannot be read.
        """
        frontier = Frontier()
        for number in range(-(-self.size // TILE_WIDTH)):
            tile = Tile(None, number, tile_width(None, number, self.size))
            entries = decode_entries(read_tile(self._source, tile), tile.width)
            leaves = leaf_hashes(entries)
            frontier.extend(leaves)
            for offset, (entry, leaf) in enumerate(zip(entries, leaves, strict=True)):
                yield LogEntry(number * TILE_WIDTH + offset, entry, leaf)
        if frontier.root() != self.checkpoint.root:
            raise VerificationFailed("log", "the entries lead to another root than the signed one")

    def signed_leaf(self, position: int) -> bytes | None:
        """The leaf hash that the signed root has at ``position``; None if the tiles are damaged."""
        try:
            tiles = CheckedTiles(self._source, self.size, self.checkpoint.root)
            return tiles.read_hashes([(0, position)])[0]
        except (AnchoringError, MalformedInput):
            return None
