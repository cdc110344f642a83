"""The log's own side of witnessing: which sizes are cosigned, by whom, and what became of it.

A witness goes forward only, so a size it has passed can never be cosigned afterwards. What proofs
use are the anchored sizes; those are the ones sent: a multiple of 256, the size that was asked to
be anchored, the size of an anchor under way, and, when an event has waited too long, the newest
published size. Whoever chooses the next anchor takes no smaller size than ``last_cosigned_size``.

Nothing here can stop the log. A witness that is slow, away or wrong is counted and asked again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta

import msgspec
import structlog

from anchoring.checkpoint import parse_checkpoint
from anchoring.cosignature import verifiers_for
from anchoring.errors import AnchoringError, StorageError, WitnessFailed
from anchoring.note import NoteSignature, VerifierKey, open_note
from anchoring.policy import Policy
from anchoring.publisher import ANCHOR_ALIGNMENT
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH
from anchoring.witness_client import (
    HttpTransport,
    Prove,
    WitnessClient,
    merge_signatures,
    proofs_from,
)
from backend.audit.anchorer import read_state
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import EventStore

LONGEST_PAUSE = 60.0
"""Seconds until a witness that failed again and again is asked once more."""

_MOST_AT_ONCE = 16

# An anchor's own size first (the smallest not sent yet); else the newest that will be anchored.
_ELIGIBLE = """
SELECT coalesce(
  (SELECT min(anchors.size) FROM anchors JOIN checkpoints USING (size)
   WHERE size > %(last)s AND size <= %(published)s),
  (SELECT max(size) FROM checkpoints WHERE size > %(last)s AND size <= %(published)s
   AND (size %% %(alignment)s = 0 OR size = %(requested)s))) AS size
"""
# Events about anchors and the index count too: a round writes no event, so none is the cause of
# the next, and a log at rest has its newest head cosigned. The anchorer anchors no such tail.
_LATE = """
SELECT (SELECT max(size) FROM checkpoints WHERE size <= %(published)s) AS size
WHERE EXISTS (
  SELECT 1 FROM feed WHERE position >= %(last)s AND position < %(published)s
  AND sequenced_at < clock_timestamp() - %(age)s)
"""


class Witnessing(msgspec.Struct, frozen=True):
    """How the log is witnessed. ``policy`` names the log's keys, the witnesses, and the quorum."""

    policy: Policy
    max_age: timedelta
    seconds: float = 5.0


class Asked(msgspec.Struct, frozen=True):
    """One address, and the witnesses of the policy that answer there."""

    url: str
    names: tuple[str, ...]
    keys: tuple[VerifierKey, ...]


def last_cosigned_size(connection: Connection) -> int:
    """The largest size that was sent to witnesses (cosigned or not); 0 when there is none."""
    row = connection.execute("SELECT max(size) AS size FROM witness_rounds").fetchone()
    return int((row["size"] if row else None) or 0)


def quorum_reached(connection: Connection, size: int) -> bool:
    """Whether the checkpoint of ``size`` carries the quorum of the policy in force."""
    row = connection.execute(
        "SELECT quorum_at FROM witness_rounds WHERE size = %s", (size,)
    ).fetchone()
    return row is not None and row["quorum_at"] is not None


def asked_of(policy: Policy) -> list[Asked]:
    """The addresses to ask. Witnesses without one are asked by nobody here."""
    found: dict[str, list[tuple[str, VerifierKey]]] = {}
    for name, key in policy.witnesses.items():
        url = policy.urls.get(str(key))
        if url is not None:
            found.setdefault(url.rstrip("/"), []).append((name.decode("utf-8", "replace"), key))
    return [
        Asked(url, tuple(name for name, _ in each), tuple(key for _, key in each))
        for url, each in found.items()
    ]


class _Caller:
    """One address with its connection, its pause after failures, and its call under way."""

    def __init__(self, asked: Asked, seconds: float) -> None:
        self.asked = asked
        self.transport = HttpTransport(asked.url, seconds)
        self.client = WitnessClient(self.transport, asked.keys)
        self.call: Future[list[NoteSignature]] | None = None
        self._pause = 0.0
        self._next = 0.0

    def is_free(self) -> bool:
        running = self.call is not None and not self.call.done()
        return not running and time.monotonic() >= self._next

    def failed(self) -> None:
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or 1.0)
        self._next = time.monotonic() + self._pause

    def succeeded(self) -> None:
        self._pause = self._next = 0.0


class WitnessLoop:
    """Sends checkpoints to the witnesses of the policy. One at a time, which the lease ensures."""

    def __init__(
        self,
        store: EventStore,
        log: DirectoryStore,
        witnessing: Witnessing,
        lease: Lease | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self._config = witnessing
        self._lease = lease
        self._callers = [_Caller(each, witnessing.seconds) for each in asked_of(witnessing.policy)]
        workers = max(1, min(_MOST_AT_ONCE, len(self._callers)))
        self._pool = ThreadPoolExecutor(workers, "witness")
        self._logger = structlog.get_logger(process="witnesses")

    def close(self) -> None:
        """Give the lease back and close the connections; calls under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for caller in self._callers:
            caller.transport.close()
        if self._lease is not None and self._lease.fence is not None:
            self._lease.release()

    def step(self) -> bool:
        """Send the next checkpoint, or ask again who has not signed the last; whether it grew.

        Raises LogInconsistent when the published log and the database contradict each other,
        and what the database raises.
        """
        if self._lease is not None and not self._lease.acquire():
            return False
        published = self._published_size()
        if published == 0:
            return False
        size = self._open_round(published)
        if size == 0 or size > published:
            return False
        return self._ask(size, proofs_from(self._log, published))

    def _published_size(self) -> int:
        data = self._log.read(CHECKPOINT_PATH)
        return 0 if data is None else parse_checkpoint(data)[0].size

    def _open_round(self, published: int) -> int:
        """The size to ask for now. A new one is recorded before the first witness hears of it."""
        state = read_state(self._store)
        with self._store.database.transaction(Scope.sequencer()) as connection:
            last = last_cosigned_size(connection)
            values = {
                "last": last,
                "published": published,
                "alignment": ANCHOR_ALIGNMENT,
                "requested": 0 if state is None else state.requested_size,
                "age": self._config.max_age,
            }
            for query in (_ELIGIBLE, _LATE):
                row = connection.execute(query, values).fetchone()
                if row is not None and row["size"] is not None and int(row["size"]) > last:
                    connection.execute(
                        "INSERT INTO witness_rounds (size) VALUES (%s)", (row["size"],)
                    )
                    return int(row["size"])
        return last

    def _ask(self, size: int, prove: Prove) -> bool:
        with self._store.database.transaction(Scope.sequencer()) as connection:
            note = _note_of(connection, size)
        signed = self._signed(note)
        waiting = [
            caller
            for caller in self._callers
            if caller.is_free() and not signed.issuperset(caller.asked.keys)
        ]
        if not waiting:
            return False
        calls = [self._pool.submit(each.client.cosign, note, prove) for each in waiting]
        wait(calls, timeout=3 * self._config.seconds)
        lines: list[NoteSignature] = []
        for caller, call in zip(waiting, calls, strict=True):
            caller.call = call
            lines.extend(self._result(caller, call))
        if lines:
            self._keep(size, lines)
        return bool(lines)

    def _result(self, caller: _Caller, call: Future[list[NoteSignature]]) -> list[NoteSignature]:
        """What the call gave; a failure is counted and waited out."""
        try:
            if not call.done():
                raise WitnessFailed("timeout", "no answer in time")
            lines = call.result()
        except (WitnessFailed, StorageError) as error:
            caller.failed()
            reason = error.reason if isinstance(error, WitnessFailed) else "no-proof"
            self._count(caller.asked, reason, str(error))
            return []
        caller.succeeded()
        return lines

    def _signed(self, note: bytes) -> set[VerifierKey]:
        try:
            opened = open_note(note, verifiers_for(self._config.policy.keys()))
        except AnchoringError as error:
            raise LogInconsistent(f"A checkpoint does not verify: {error}") from error
        return {key for key, _ in opened.verified}

    def _keep(self, size: int, lines: Sequence[NoteSignature]) -> None:
        """Add verified lines to the checkpoint in the database, then to the published one."""
        with self._store.database.transaction(Scope.sequencer()) as connection:
            if self._lease is not None:
                self._lease.hold(connection)
            merged = merge_signatures(_note_of(connection, size), lines)
            connection.execute("UPDATE checkpoints SET note = %s WHERE size = %s", (merged, size))
            signed = self._signed(merged)
            for name, key in self._named(signed):
                connection.execute(
                    "INSERT INTO cosignatures (size, witness, key_id) VALUES (%s, %s, %s)"
                    " ON CONFLICT DO NOTHING",
                    (size, name, key.key_id.hex()),
                )
            if self._config.policy.is_met(signed):
                connection.execute(
                    "UPDATE witness_rounds SET quorum_at = coalesce(quorum_at, clock_timestamp())"
                    " WHERE size = %s",
                    (size,),
                )
        if self._published_size() == size:
            self._log.publish_checkpoint(merged)

    def _named(self, signed: Iterable[VerifierKey]) -> list[tuple[str, VerifierKey]]:
        """The policy's names of the witnesses among ``signed``."""
        known = self._config.policy.cosigned(signed)
        witnesses = self._config.policy.witnesses
        return [(name.decode("utf-8", "replace"), witnesses[name]) for name in sorted(known)]

    def _count(self, asked: Asked, reason: str, detail: str) -> None:
        self._logger.warning(
            "witness.failed", witness=", ".join(asked.names), reason=reason, detail=detail
        )
        with self._store.database.transaction(Scope.sequencer()) as connection:
            for name in asked.names:
                connection.execute(
                    "INSERT INTO witness_failures AS known (witness, reason, failures, last_at)"
                    " VALUES (%s, %s, 1, clock_timestamp())"
                    " ON CONFLICT (witness, reason) DO UPDATE SET"
                    " failures = known.failures + 1, last_at = excluded.last_at",
                    (name, reason),
                )


def _note_of(connection: Connection, size: int) -> bytes:
    """The checkpoint's bytes, locked until the transaction ends. Raises LogInconsistent."""
    row = connection.execute(
        "SELECT note FROM checkpoints WHERE size = %s FOR UPDATE", (size,)
    ).fetchone()
    if row is None:
        raise LogInconsistent("No checkpoint is kept for a size that was sent.", size=size)
    return bytes(row["note"])
