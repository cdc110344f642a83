"""Proof bundles: an entry, its inclusion under an anchored checkpoint, the chain's evidence."""

import hashlib
from pathlib import Path

import msgspec

from anchoring.bundle import Bundle, build_bundle
from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import AnchoringError
from anchoring.ethproof import parse_anchor
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.note import NoteSigner
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader
from anchoring.trust import Trust
from backend.audit.anchorer import evidence_path
from backend.audit.errors import ProofNotReady
from backend.eventstore.database import Database
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.scope import Connection, Scope
from backend.kernel.errors import NotFound

_EVENT = """
SELECT events.entry, feed.position FROM events
LEFT JOIN feed USING (tenant_id, stream_id, stream_version) WHERE events.event_id = %s
"""
# The smallest final anchor that covers the entry; else the newest published checkpoint.
_ANCHORED = """
SELECT checkpoints.size, checkpoints.note, anchors.evidence_sha256
FROM anchors JOIN checkpoints USING (size)
WHERE anchors.state = 'FINAL' AND anchors.size > %s ORDER BY anchors.size LIMIT 1
"""


class EventProof(msgspec.Struct, frozen=True):
    """A bundle and where it stands: ``anchored`` tells whether the chain evidence is in it."""

    event_id: str
    position: int
    size: int
    anchored: bool
    bundle: Bundle


class ProofService:
    """Makes proofs from the published tiles. Reads only; any number of processes."""

    def __init__(self, database: Database, log: DirectoryStore, evidence: Path) -> None:
        self._database = database
        self._log = log
        self._evidence = evidence

    def prove(self, scope: Scope, event_id: str) -> EventProof:
        """The proof of one event that ``scope`` may see.

        Raises NotFound, ProofNotReady while the event is not in a published checkpoint, and
        LogInconsistent when tiles, entry or evidence were changed: no wrong proof is given out.
        """
        with self._database.transaction(scope) as connection:
            row = connection.execute(_EVENT, (event_id,)).fetchone()
            if row is None:
                raise NotFound("There is no such event.", event_id=event_id)
            if row["position"] is None:
                raise ProofNotReady("The event is not in the log yet.", event_id=event_id)
            position = int(row["position"])
            note, size, evidence = self._checkpoint(connection, position)
        try:
            anchor = None if evidence is None else parse_anchor(evidence)
            bundle = build_bundle(row["entry"], position, note, TileReader(self._log, size), anchor)
        except AnchoringError as error:
            raise LogInconsistent(
                "The published log and this entry contradict each other.", event_id=event_id
            ) from error
        return EventProof(event_id, position, size, evidence is not None, bundle)

    def _checkpoint(self, connection: Connection, position: int) -> tuple[bytes, int, bytes | None]:
        row = connection.execute(_ANCHORED, (position,)).fetchone()
        if row is not None:
            evidence = self._read_evidence(int(row["size"]), row["evidence_sha256"])
            return bytes(row["note"]), int(row["size"]), evidence
        published = self._log.read("checkpoint")
        if published is not None:
            checkpoint, _ = parse_checkpoint(published)
            if checkpoint.size > position:
                return published, checkpoint.size, None
        raise ProofNotReady("The event is not in a published checkpoint yet.", position=position)

    def _read_evidence(self, size: int, digest: str) -> bytes:
        """Raises LogInconsistent when the file is not the one the anchor's event names."""
        try:
            data = evidence_path(self._evidence, size, digest).read_bytes()
        except OSError as error:
            raise LogInconsistent("The evidence of an anchor is missing.", size=size) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise LogInconsistent("The evidence of an anchor was changed.", size=size)
        return data


def policy_text(log_vkey: str) -> bytes:
    """The policy of a log that has no witnesses: its key, and no quorum."""
    return f"log {log_vkey}\nquorum none\n".encode()


def signed_keys(database: Database, origin: str, signer: NoteSigner) -> bytes:
    """The ``keys`` file: every announced event key, signed by the log key."""
    with database.transaction(Scope.sequencer()) as connection:
        rows = connection.execute(
            "SELECT public_key, first_position FROM event_keys ORDER BY first_position, key_id"
        ).fetchall()
    keys = tuple(EventKey(bytes.fromhex(row["public_key"]), row["first_position"]) for row in rows)
    return write_event_keys(EventKeys(origin, keys), [signer])


def trust_in(database: Database, chain_id: int, registry: str) -> Trust:
    """The trust file of someone who takes this platform's word for its final anchor blocks.

    For demonstrations: a careful reader compares the hashes with a node of their own.
    """
    with database.transaction(Scope.auditor()) as connection:
        rows = connection.execute(
            "SELECT evidence_block, evidence_block_hash FROM anchors WHERE state = 'FINAL'"
        ).fetchall()
    blocks = {
        int(row["evidence_block"]): bytes.fromhex(row["evidence_block_hash"].removeprefix("0x"))
        for row in rows
    }
    return Trust(chain_id, bytes.fromhex(registry.removeprefix("0x")), blocks)
