"""A small log in memory with keys that everybody knows: what the vectors are cut from."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from hashlib import sha256

from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.cosignature import Ed25519Cosigner
from anchoring.envelope import EventEnvelope, parse_entry, sign_entry
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from anchoring.stream_index import (
    INDEX_CONTEXT,
    INDEX_EVENT,
    INDEX_STREAM,
    StreamHead,
    StreamIndex,
    stream_key,
)

ORIGIN = "vectors.example/log"
WITNESS_NAME = "vectors.example/witness"
VENUE = "00000000-0000-7000-8000-000000000001"
ACME = "00000000-0000-7000-8000-00000000000a"
BOREAL = "00000000-0000-7000-8000-00000000000b"
COSIGNED_AT = 1_767_225_600
"""2026-01-01T00:00:00Z, in seconds since 1970."""

Json = dict[str, object]


def seed(name: str) -> bytes:
    """Return the published seed of the key ``name``: SHA-256 of ``tallystick vectors <name>``."""
    return sha256(f"tallystick vectors {name}".encode()).digest()


EVENT_SIGNER = Ed25519Signer.from_seed(seed("event key"))
OTHER_EVENT_SIGNER = Ed25519Signer.from_seed(seed("other event key"))
LOG_SIGNER = Ed25519NoteSigner(ORIGIN, Ed25519Signer.from_seed(seed("log key")))
WITNESS = Ed25519Cosigner(
    WITNESS_NAME, Ed25519Signer.from_seed(seed("witness key")), lambda: COSIGNED_AT
)


def policy_file() -> bytes:
    """Return the policy of the vectors: the log, and its one witness."""
    lines = (f"log {LOG_SIGNER.vkey}", f"witness w1 {WITNESS.vkey}", "quorum w1")
    return "".join(f"{line}\n" for line in lines).encode()


def keys_file() -> bytes:
    """Return the signed ``keys`` file: one event key, from the first entry on."""
    keys = EventKeys(ORIGIN, (EventKey(EVENT_SIGNER.public_key, 0),))
    return write_event_keys(keys, [LOG_SIGNER])


@dataclass
class VectorLog:
    """Entries in order, as a log holds them; honest unless told otherwise."""

    entries: list[bytes] = field(default_factory=list)
    tree: MemoryTree = field(default_factory=MemoryTree)
    heads: dict[tuple[str, str], int] = field(default_factory=dict)

    def append(
        self,
        tenant: str,
        stream: str,
        kind: str,
        payload: Json,
        signer: Ed25519Signer = EVENT_SIGNER,
        **forged: object,
    ) -> int:
        """Sign and append an event of ``stream``; ``forged`` fields replace the right ones."""
        number = len(self.entries)
        last = self.heads.get((tenant, stream))
        version, previous = 1, None
        if last is not None:
            version = parse_entry(self.entries[last]).envelope.stream_version + 1
            previous = leaf_hash(self.entries[last]).hex()
        fields: Json = {
            "actor": "system:vectors",
            "algorithm": "ed25519",
            "causation_id": None,
            "correlation_id": None,
            "effective_at": _time(number),
            "event_id": _uuid7(number),
            "key_id": signer.key_id,
            "origin": ORIGIN,
            "payload": payload,
            "previous": previous,
            "recorded_at": _time(number),
            "salt": sha256(f"salt {number}".encode()).hexdigest()[:32],
            "schema_version": 1,
            "stream_id": stream,
            "stream_version": version,
            "tenant_id": tenant,
            "type": kind,
        }
        envelope = EventEnvelope(**(fields | forged))  # type: ignore[arg-type]
        self.add(sign_entry(envelope, signer))
        self.heads[tenant, stream] = number
        return number

    def add(self, entry: bytes) -> int:
        """Append the bytes of an entry; returns where it stands."""
        self.entries.append(entry)
        self.tree.extend([leaf_hash(entry)])
        return len(self.entries) - 1

    def commit_index(self, **forged: object) -> int:
        """Append an ``index.committed`` event over all entries so far."""
        index = self.index_at(len(self.entries))
        payload: Json = {
            "algorithm": INDEX_CONTEXT,
            "root": index.root().hex(),
            "size": len(self.entries),
            "streams": index.streams,
        }
        return self.append(VENUE, INDEX_STREAM, INDEX_EVENT, payload | forged)

    def index_at(self, size: int) -> StreamIndex:
        """Return the index of streams over the first ``size`` entries, from their bytes."""
        found: dict[bytes, StreamHead] = {}
        for entry in self.entries[:size]:
            envelope = parse_entry(entry).envelope
            key = stream_key(envelope.tenant_id, envelope.stream_id)
            found[key] = StreamHead(key, envelope.stream_version, leaf_hash(entry))
        return StreamIndex.of(found.values())

    def positions(self, tenant: str, stream: str, size: int) -> list[int]:
        """Return where the stream's events stand among the first ``size`` entries."""
        found = []
        for number, entry in enumerate(self.entries[:size]):
            envelope = parse_entry(entry).envelope
            if (envelope.tenant_id, envelope.stream_id) == (tenant, stream):
                found.append(number)
        return found

    def checkpoint(self, size: int | None = None) -> bytes:
        """Return the checkpoint of ``size`` entries, signed by log and witness."""
        count = len(self.entries) if size is None else size
        head = Checkpoint(ORIGIN, count, self.tree.root(count))
        return sign_checkpoint(head, [LOG_SIGNER, WITNESS])


def _time(number: int) -> str:
    return f"2026-01-02T09:{number // 60:02d}:{number % 60:02d}.000000Z"


def _uuid7(number: int) -> str:
    bits = int.from_bytes(sha256(f"event {number}".encode()).digest()[:16], "big")
    bits = bits & ~(0xF << 76) | 7 << 76
    return str(uuid.UUID(int=bits & ~(0x3 << 62) | 2 << 62))
