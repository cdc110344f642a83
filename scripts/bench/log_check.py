"""verify-log: entries per second beside a bare hash-and-verify loop, and its peak memory.

The memory is that of the process that walks the log, measured in a process of its own at a tenth
of the entries and at all of them: it must not grow with the entries. TALLYSTICK_BENCH_LOG sets
how many entries (100,000).
"""

import hashlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from anchoring.envelope import EVENT_CONTEXT, EventEnvelope, parse_entry, sign_entry
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.log_check import check_log
from anchoring.log_work import KEY_ANNOUNCED, usable_cores
from anchoring.merkle import leaf_hash
from anchoring.note import Ed25519NoteSigner
from anchoring.policy import parse_policy
from anchoring.publisher import Publisher
from anchoring.signing import Ed25519Signer, Ed25519Verifier
from anchoring.stream_index import (
    INDEX_CONTEXT,
    INDEX_EVENT,
    INDEX_STREAM,
    StreamHead,
    StreamIndex,
    stream_key,
)
from anchoring.tile_store import DirectoryStore
from scripts.bench.report import Figure, rate

ORIGIN = "localhost/bench"
STREAMS = 1_000
COMMIT_EVERY = 20_000
CHUNK = 5_120
SAMPLE = 5_000
KIBIBYTES = 1_024  # ru_maxrss is in these; a mebibyte has as many


class Log:
    """A well-formed log of any length: keys announced, streams chained, the index committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._event = Ed25519Signer.generate()
        self._log = Ed25519NoteSigner(ORIGIN, Ed25519Signer.generate())
        self.key = self._event.public_key
        self._heads: dict[tuple[str, str], StreamHead] = {}
        self._changed: dict[bytes, StreamHead] = {}
        self._index = StreamIndex()
        self._ids = (f"01900000-0000-7000-8000-{number:012x}" for number in itertools.count())

    def write(self, size: int) -> list[bytes]:
        """Publish a log of ``size`` entries; returns the first of them, for the bare loop."""
        publisher = Publisher(DirectoryStore(self.folder), ORIGIN, [self._log], _Fence())
        entries = self._entries(size)
        sample: list[bytes] = []
        while chunk := list(itertools.islice(entries, CHUNK)):
            publisher.publish(publisher.size, chunk)
            sample = sample or chunk
        keys = EventKeys(ORIGIN, (EventKey(self._event.public_key, 0),))
        (self.folder / "keys").write_bytes(write_event_keys(keys, [self._log]))
        policy = f"log {self._log.vkey}\nquorum none\n"
        (self.folder / "policy.txt").write_text(policy, encoding="ascii")
        return sample

    def _entries(self, size: int) -> Iterator[bytes]:
        announced = {
            "first_position": 0, "key_id": self._event.key_id, "process": "bench",
            "public_key": self._event.public_key.hex(),
        }  # fmt: skip
        yield self._next("keyring-log", KEY_ANNOUNCED, announced)
        for number in range(1, size):
            if number % COMMIT_EVERY:
                payload = {"quantity": "12.5", "side": "buy", "note": "x" * 80, "number": number}
                yield self._next(f"order-{number % STREAMS}", "order.accepted", payload)
            else:
                yield self._next(INDEX_STREAM, INDEX_EVENT, self._commitment(number))

    def _commitment(self, size: int) -> dict[str, object]:
        self._index, self._changed = self._index.updated(self._changed.values()), {}
        root, streams = self._index.root().hex(), self._index.streams
        return {"algorithm": INDEX_CONTEXT, "root": root, "size": size, "streams": streams}

    def _next(self, stream: str, kind: str, payload: dict[str, object]) -> bytes:
        known = self._heads.get(("acme", stream))
        version = 1 if known is None else known.count + 1
        envelope = EventEnvelope(
            actor="user:bench", algorithm="ed25519", causation_id=None, correlation_id=None,
            effective_at="2024-02-29T09:30:00.000000Z", event_id=next(self._ids),
            key_id=self._event.key_id, origin=ORIGIN, payload=payload,
            previous=None if known is None else known.head.hex(),
            recorded_at="2024-03-01T10:00:00.123456Z", salt="00" * 16, schema_version=1,
            stream_id=stream, stream_version=version, tenant_id="acme", type=kind,
        )  # fmt: skip
        entry = sign_entry(envelope, self._event)
        head = StreamHead(stream_key("acme", stream), version, leaf_hash(entry))
        self._heads["acme", stream] = self._changed[head.key] = head
        return entry


class _Fence:
    def lock(self, size: int, root: bytes) -> None:
        """One writer: nothing to keep apart."""


def bare(sample: list[bytes], key: bytes) -> Callable[[], int]:
    """One core: the leaf hash and the signature of each entry, nothing parsed."""
    verifier = Ed25519Verifier(key)
    parsed = [parse_entry(entry) for entry in sample]
    work = [
        (b"\x00" + entry, item.signature, EVENT_CONTEXT + item.event_bytes)
        for entry, item in zip(sample, parsed, strict=True)
    ]

    def loop() -> int:
        for leaf, signature, message in work:
            hashlib.sha256(leaf).digest()
            verifier.verify(signature, message)
        return len(work)

    return loop


def check(folder: Path, jobs: int) -> None:
    """Check the log in ``folder`` and print entries per second and peak memory (MiB)."""
    policy = parse_policy((folder / "policy.txt").read_bytes())
    keys = (folder / "keys").read_bytes()
    start = perf_counter()
    report = check_log(DirectoryStore(folder), policy, keys, jobs=jobs)
    seconds = perf_counter() - start
    if report.problem is not None:
        raise SystemExit(str(report.problem))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES
    json.dump({"rate": report.entries / seconds, "peak": peak}, sys.stdout)


def measured(folder: Path, jobs: int) -> tuple[float, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "scripts.bench.log_check", str(folder), str(jobs)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return found["rate"], found["peak"]


def figures() -> list[Figure]:
    """Entries per second on one core and on all, and the memory at two sizes."""
    size, cores = int(os.environ.get("TALLYSTICK_BENCH_LOG", "100000")), usable_cores()
    with tempfile.TemporaryDirectory() as name:
        small, large = Log(Path(name) / "small"), Log(Path(name) / "large")
        small.write(size // 10)
        floor = rate(bare(large.write(size)[:SAMPLE], large.key))
        single, _ = measured(large.folder, 1)
        every, peak = measured(large.folder, cores)
        _, small_peak = measured(small.folder, cores)
    return [
        Figure(f"verify-log, {size:,} entries, one process", single, "/s",
               "bare hash and Ed25519 loop, one core", floor, "", None),
        Figure(f"… {cores} processes", every, "/s", "the same", floor, "", None),
        Figure(f"… peak memory at {size:,} entries", peak, "MiB",
               f"at {size // 10:,}", small_peak, "flat", peak <= 1.25 * small_peak),
    ]  # fmt: skip


if __name__ == "__main__":
    check(Path(sys.argv[1]), int(sys.argv[2]))
