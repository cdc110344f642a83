"""A well-formed log to order: keys announced, streams chained, the index committed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from anchoring.envelope import parse_entry, sign_entry
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.merkle import leaf_hash
from anchoring.publisher import Published
from anchoring.signing import Ed25519Signer
from tests.anchoring.support import (
    EVENT_SIGNER,
    LOG_SIGNER,
    ORIGIN,
    envelope,
    make_policy,
    make_publisher,
)

VENUE = "venue"


class LogBuilder:
    """Entries in order. The index is computed by the naive recursive definition."""

    def __init__(self, first_key: Ed25519Signer = EVENT_SIGNER) -> None:
        self.entries: list[bytes] = []
        self.heads: dict[tuple[str, str], tuple[int, str]] = {}
        self._numbers = itertools.count()
        self.announce(first_key)

    def add(
        self,
        stream: str = "order-0",
        tenant: str = "acme",
        signer: Ed25519Signer = EVENT_SIGNER,
        **changes: Any,
    ) -> int:
        """Append an event to a stream; returns its position."""
        version, previous = self.heads.get((tenant, stream), (0, None))
        fields: dict[str, Any] = {
            "stream_id": stream,
            "tenant_id": tenant,
            "stream_version": version + 1,
            "previous": previous,
            "key_id": signer.key_id,
        }
        entry = sign_entry(envelope(next(self._numbers), **(fields | changes)), signer)
        self.append(entry)
        return len(self.entries) - 1

    def append(self, entry: bytes) -> None:
        found = parse_entry(entry).envelope
        key = (found.tenant_id, found.stream_id)
        self.heads[key] = (found.stream_version, leaf_hash(entry).hex())
        self.entries.append(entry)

    def fill(self, size: int, streams: int = 7) -> LogBuilder:
        """Append events until there are ``size``."""
        while len(self.entries) < size:
            self.add(f"order-{len(self.entries) % streams}")
        return self

    def announce(self, signer: Ed25519Signer, **changes: Any) -> int:
        payload = {
            "first_position": len(self.entries),
            "key_id": signer.key_id,
            "process": "api",
            "public_key": signer.public_key.hex(),
        }
        return self.note("event_key.announced", "keyring-log", payload | changes)

    def retire(self, signer: Ed25519Signer, last: int) -> int:
        payload = {"key_id": signer.key_id, "last_position": last}
        return self.note("event_key.retired", "keyring-log", payload)

    def commit(self, size: int | None = None, stream: str = "index-log", **changes: Any) -> int:
        """Append an index commitment over the first ``size`` entries (default: all so far)."""
        size = len(self.entries) if size is None else size
        heads = heads_of(self.entries[:size])
        payload = {
            "algorithm": "tallystick/index/v1",
            "root": index_root(heads).hex(),
            "size": size,
            "streams": len(heads),
        }
        return self.note("index.committed", stream, payload | changes)

    def note(self, kind: str, stream: str, payload: Mapping[str, Any], tenant: str = VENUE) -> int:
        return self.add(stream, tenant, type=kind, payload=dict(payload))

    def publish(
        self, folder: Path, kept: tuple[int, ...] = (), upto: int | None = None
    ) -> Published:
        """Publish what is not published yet; ``policy.txt`` and ``keys`` lie beside it."""
        publisher = make_publisher(folder)
        published = publisher.publish(publisher.size, self.entries[publisher.size : upto])
        for size in kept:
            publisher.keep(size)
        if not (folder / "keys").exists():
            (folder / "policy.txt").write_bytes(make_policy())
            (folder / "keys").write_bytes(make_ring(EventKey(EVENT_SIGNER.public_key, 0)))
        return published


def make_ring(*keys: EventKey) -> bytes:
    return write_event_keys(EventKeys(ORIGIN, keys), [LOG_SIGNER])


def heads_of(entries: list[bytes]) -> dict[tuple[str, str], tuple[int, bytes]]:
    """The map that the index is of, entry by entry."""
    heads: dict[tuple[str, str], tuple[int, bytes]] = {}
    for entry in entries:
        found = parse_entry(entry).envelope
        heads[found.tenant_id, found.stream_id] = (found.stream_version, leaf_hash(entry))
    return heads


def index_root(heads: Mapping[tuple[str, str], tuple[int, bytes]]) -> bytes:
    """The root by its recursive definition, over keys as strings of bits."""
    leaves: list[tuple[str, bytes]] = []
    for (tenant, stream), (count, head) in heads.items():
        key = sha256(f"tallystick/index/v1\n{tenant}\n{stream}".encode()).digest()
        leaf = sha256(b"\x02" + key + count.to_bytes(8, "big") + head).digest()
        leaves.append((f"{int.from_bytes(key, 'big'):0256b}", leaf))
    return _naive(leaves)


def _naive(leaves: list[tuple[str, bytes]]) -> bytes:
    if len(leaves) < 2:
        return leaves[0][1] if leaves else bytes(32)
    left = _naive([(bits[1:], leaf) for bits, leaf in leaves if bits[0] == "0"])
    right = _naive([(bits[1:], leaf) for bits, leaf in leaves if bits[0] == "1"])
    return sha256(b"\x03" + left + right).digest()
