"""The sequencer's process: the only one with the log's keys. Sequences, signs, publishes."""

import threading
from datetime import timedelta
from pathlib import Path
from time import monotonic

from anchoring.policy import Policy
from anchoring.publisher import Publisher
from anchoring.tile_store import DirectoryStore
from backend.audit.log_keys import LogKeys, bring_in_line, read_log_keys
from backend.audit.proofs import policy_text, signed_keys
from backend.audit.publication import DatabaseFence, LogPublication
from backend.eventstore.database import Database
from backend.eventstore.errors import LeaseLost
from backend.eventstore.lease import Lease, holder_name
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.sequencer import Sequencer
from backend.kernel.errors import InvariantBroken, KeyUnavailable
from backend.kernel.faults import FAULTS
from backend.platform.home import Home
from backend.platform.processes.loop import Loop

LEASE_SECONDS = 5.0
PRUNE_SECONDS = 60.0

_TOLD = """
SELECT (SELECT count(*) FROM event_keys) AS announced,
       (SELECT count(last_position) FROM event_keys) AS retired,
       (SELECT count(*) FROM log_keys) AS log_announced,
       (SELECT count(last_size) FROM log_keys) AS log_retired
"""
Told = tuple[int, ...]


class SequencerProcess:
    """Holds the lease, moves the outbox into the log, and brings the tiles up to it."""

    def __init__(
        self, database: Database, home: Home, origin: str, witnesses: Policy | None = None
    ) -> None:
        holder = holder_name()
        ttl = timedelta(seconds=LEASE_SECONDS)
        self._lease = Lease(database, "sequencer", holder, ttl, Scope.sequencer())
        self._sequencer = Sequencer(database, self._lease, home.log_signer(origin), origin)
        self._database = database
        self._home = home
        self._origin = origin
        self._witnesses = witnesses
        self._publication: LogPublication | None = None
        self._keys: LogKeys | None = None
        self._told: Told | None = None
        self._pruned_at = monotonic()

    def step(self) -> bool:
        """Sequence and publish what waits; whether there was anything.

        Raises LeaseLost (retryable) when another sequencer leads: this one stands by.
        """
        publication = self._publication
        if publication is None or self._lease.fence is None:
            if not self._lease.acquire():
                raise LeaseLost("Another sequencer leads; standing by.")
            self._follow_keys()
            publication = self._publication = self._open_publication()
        batch = self._sequencer.step()
        published = publication.catch_up()
        self._prune()
        if published is not None and self._follow_keys():
            self._publication = None  # its keys are others now; it is opened anew
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
        publisher = Publisher(tiles, self._origin, self._log_keys().signers, fence)
        return LogPublication(self._database, publisher)

    def _log_keys(self) -> LogKeys:
        if self._keys is None:
            raise InvariantBroken("The log's keys were not looked up.")
        return self._keys

    def _follow_keys(self) -> bool:
        """Do what the log says of keys; whether the keys that sign checkpoints are others now.

        A reader's files come first, so that no checkpoint has a line they do not know.
        """
        with self._database.transaction(Scope.sequencer()) as connection:
            told = _told(connection)
            if told == self._told:
                return False
            keys = read_log_keys(connection, self._home.log_signers(self._origin))
        if not keys.plain_signers:
            raise KeyUnavailable("No Ed25519 key that the log announced lies in this home.")
        if len({each.algorithm for each in keys.known}) > 1:
            bring_in_line(self._database, self._lease, keys)
        self._write_files(keys)
        changed = self._keys is None or keys.signers_differ(self._keys)
        self._keys, self._told = keys, told
        self._sequencer.sign_with(keys.signers)
        return changed

    def _write_files(self, keys: LogKeys) -> None:
        """``keys`` and ``policy.txt`` beside the log."""
        listed = (str(each) for each in keys.listed)
        _replace(self._home.log / "policy.txt", policy_text(*listed, witnesses=self._witnesses))
        signed = signed_keys(self._database, self._origin, keys.plain_signers)
        _replace(self._home.log / "keys", signed)


def _told(connection: Connection) -> Told:
    """How much the log has said about keys: what it said is never taken back."""
    row = connection.execute(_TOLD).fetchone()
    return tuple(row.values()) if row else ()


def run(
    database: Database,
    home: Home,
    origin: str,
    idle: float,
    stop: threading.Event,
    witnesses: Policy | None = None,
) -> None:
    """Sequence until ``stop``; the lease is given back at the end."""
    process = SequencerProcess(database, home, origin, witnesses)
    try:
        Loop("sequencer", stop, idle, home.pulse("sequencer")).run(process.step)
    finally:
        process.release()


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + "~")
    temporary.write_bytes(data)
    temporary.replace(path)
