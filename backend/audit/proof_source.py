"""What every proof is made under: a signed checkpoint, its chain evidence, and the tiles."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import AnchoringError
from anchoring.ethproof import AnchorEvidence, parse_anchor
from anchoring.events_file import MAX_ENTRIES, MAX_FILE_BYTES
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader
from backend.audit.anchorer import evidence_path
from backend.audit.errors import ProofNotReady
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.scope import Connection
from backend.kernel.errors import ValueInvalid

# The smallest final anchor that covers the entry; else the newest published checkpoint.
_ANCHORED = """
SELECT checkpoints.size, checkpoints.note, anchors.evidence_sha256
FROM anchors JOIN checkpoints USING (size)
WHERE anchors.state = 'FINAL' AND anchors.size > %s ORDER BY anchors.size LIMIT 1
"""
_LENGTH_BYTES = 2


class ProofTooLarge(ValueInvalid):
    """More entries, or longer ones, than one bundle can hold."""


class Standing(msgspec.Struct, frozen=True):
    """A checkpoint to prove under; ``evidence`` are the bytes of its anchor, once final."""

    size: int
    note: bytes
    evidence: bytes | None

    @property
    def anchored(self) -> bool:
        """Whether chain evidence goes with it."""
        return self.evidence is not None

    def anchor(self) -> AnchorEvidence | None:
        """The evidence, parsed. Raises MalformedInput."""
        return None if self.evidence is None else parse_anchor(self.evidence)


class ProofSource:
    """The published log's folder and that of the anchors' evidence. Reads only."""

    def __init__(self, log: DirectoryStore, evidence: Path) -> None:
        self._log = log
        self._evidence = evidence

    def reader(self, standing: Standing) -> TileReader:
        """The hashes of the log as large as the checkpoint says."""
        return TileReader(self._log, standing.size)

    def standing(self, connection: Connection, position: int) -> Standing:
        """What to prove the entry at ``position`` under, anchored if an anchor covers it.

        Raises ProofNotReady while it is not published, LogInconsistent for changed evidence.
        """
        row = connection.execute(_ANCHORED, (position,)).fetchone()
        if row is not None:
            evidence = self._read_evidence(int(row["size"]), row["evidence_sha256"])
            return Standing(int(row["size"]), bytes(row["note"]), evidence)
        published = self._log.read(CHECKPOINT_PATH)
        if published is not None:
            size = parse_checkpoint(published)[0].size
            if size > position:
                return Standing(size, published, None)
        raise ProofNotReady("The event is not in a published checkpoint yet.", position=position)

    def anchored_size(self, connection: Connection) -> int:
        """The largest size with a final anchor, 0 before the first."""
        row = connection.execute(
            "SELECT coalesce(max(size), 0) AS size FROM anchors WHERE state = 'FINAL'"
        ).fetchone()
        return int(row["size"]) if row else 0

    def published_size(self) -> int:
        """How many entries the published checkpoint covers, 0 before the first."""
        published = self._log.read(CHECKPOINT_PATH)
        return 0 if published is None else parse_checkpoint(published)[0].size

    def _read_evidence(self, size: int, digest: str) -> bytes:
        """Raises LogInconsistent when the file is not the one the anchor's event names."""
        try:
            data = evidence_path(self._evidence, size, digest).read_bytes()
        except OSError as error:
            raise LogInconsistent("The evidence of an anchor is missing.", size=size) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise LogInconsistent("The evidence of an anchor was changed.", size=size)
        return data


@contextmanager
def no_wrong_proof(**context: object) -> Iterator[None]:
    """Turn what a builder refuses into LogInconsistent: tiles, entry or evidence were changed."""
    try:
        yield
    except AnchoringError as error:
        raise LogInconsistent(
            "The published log and these entries contradict each other.", **context
        ) from error


def require_room(entries: Sequence[bytes], limit: int = MAX_ENTRIES) -> None:
    """Raise ProofTooLarge for more than ``limit`` entries, or more bytes than a file may have."""
    require_count(len(entries), limit)
    if sum(map(len, entries)) + _LENGTH_BYTES * len(entries) > MAX_FILE_BYTES:
        raise ProofTooLarge("These entries are longer than the 64 MiB that one bundle may hold.")


def require_count(count: int, limit: int = MAX_ENTRIES) -> None:
    """Raise ProofTooLarge for more than ``limit`` entries."""
    if count > limit:
        raise ProofTooLarge(
            f"One proof from here covers at most {limit:,} entries, not {count:,}.",
            limit=limit,
            entries=count,
        )
