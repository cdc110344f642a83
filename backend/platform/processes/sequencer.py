"""The sequencer's process: the only one with the log key. Sequences, signs, publishes."""

import threading
from datetime import timedelta
from pathlib import Path
from time import monotonic

from anchoring.publisher import Publisher
from anchoring.tile_store import DirectoryStore
from backend.audit.proofs import policy_text, signed_keys
from backend.audit.publication import DatabaseFence, LogPublication
from backend.eventstore.database import Database
from backend.eventstore.errors import LeaseLost
from backend.eventstore.lease import Lease, holder_name
from backend.eventstore.scope import Scope
from backend.eventstore.sequencer import Sequencer
from backend.kernel.faults import FAULTS
from backend.platform.home import Home
from backend.platform.processes.loop import Loop

LEASE_SECONDS = 5.0
PRUNE_SECONDS = 60.0


class SequencerProcess:
    """Holds the lease, moves the outbox into the log, and brings the tiles up to it."""

    def __init__(self, database: Database, home: Home, origin: str) -> None:
        signer = home.log_signer(origin)
        holder = holder_name()
        ttl = timedelta(seconds=LEASE_SECONDS)
        self._lease = Lease(database, "sequencer", holder, ttl, Scope.sequencer())
        self._sequencer = Sequencer(database, self._lease, signer, origin)
        self._database = database
        self._home = home
        self._origin = origin
        self._signer = signer
        self._publication: LogPublication | None = None
        self._keys_of = -1
        self._pruned_at = monotonic()

    def step(self) -> bool:
        """Sequence and publish what waits; whether there was anything.

        Raises LeaseLost (retryable) when another sequencer leads: this one stands by.
        """
        publication = self._publication
        if publication is None or self._lease.fence is None:
            if not self._lease.acquire():
                raise LeaseLost("Another sequencer leads; standing by.")
            publication = self._publication = self._open_publication()
        batch = self._sequencer.step()
        published = publication.catch_up()
        self._prune()
        if published is not None or self._keys_of < 0:
            self._write_keys()
        return batch is not None

    def _prune(self) -> None:
        if monotonic() - self._pruned_at > PRUNE_SECONDS:
            self._sequencer.prune()
            self._pruned_at = monotonic()

    def release(self) -> None:
        if self._lease.fence is not None:
            self._lease.release()

    def _open_publication(self) -> LogPublication:
        fence = DatabaseFence(self._database, self._lease)
        tiles = DirectoryStore(self._home.log, lambda: FAULTS.reach("publication.tiles_half"))
        publisher = Publisher(tiles, self._origin, [self._signer], fence)
        return LogPublication(self._database, publisher)

    def _write_keys(self) -> None:
        """Keep ``keys`` and ``policy.txt`` beside the log, signed anew when a key is added."""
        with self._database.transaction(Scope.sequencer()) as connection:
            row = connection.execute("SELECT count(*) AS n FROM event_keys").fetchone()
        count = int(row["n"]) if row else 0
        if count == self._keys_of:
            return
        _replace(self._home.log / "policy.txt", policy_text(str(self._signer.vkey)))
        _replace(self._home.log / "keys", signed_keys(self._database, self._origin, self._signer))
        self._keys_of = count


def run(database: Database, home: Home, origin: str, idle: float, stop: threading.Event) -> None:
    """Sequence until ``stop``; the lease is given back at the end."""
    process = SequencerProcess(database, home, origin)
    try:
        Loop("sequencer", stop, idle, home.pulse("sequencer")).run(process.step)
    finally:
        process.release()


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + "~")
    temporary.write_bytes(data)
    temporary.replace(path)
