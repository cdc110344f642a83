"""Completeness of a stream: all its events, and the index commitment that says they are all.

The newest commitment under an anchored checkpoint is used where it covers the stream, else the
newest under the published one. What came after the commitment's ``size`` is not covered.
"""

import threading
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from anchoring.bundle import EventsBundle, StreamEvents, build_stream
from anchoring.events_file import MAX_ENTRIES
from anchoring.stream_index import stream_key
from backend.audit.errors import ProofNotReady
from backend.audit.feed_index import (
    Commitment,
    IndexAt,
    commitment_below,
    index_at,
    require_committed,
)
from backend.audit.personal_files import PersonalEvidence
from backend.audit.proof_source import (
    ProofSource,
    Standing,
    no_wrong_proof,
    require_count,
    require_room,
)
from backend.audit.proofs import Progress, untold
from backend.eventstore.database import Database
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.scope import Connection, Scope
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import Conflict, NotFound, ValueInvalid

KEPT_TRIES = 4
WAIT_SECONDS = 1.0
"""How long a request waits while another one builds the index."""

_CHUNK = 1_000

_COUNT = """
SELECT count(*) AS entries FROM feed
WHERE tenant_id = %s AND stream_id = %s AND position < %s
"""
_ENTRIES = """
SELECT events.stream_version, events.entry, feed.position
FROM events LEFT JOIN feed USING (tenant_id, stream_id, stream_version)
WHERE tenant_id = %s AND stream_id = %s AND stream_version <= %s ORDER BY stream_version
"""
# By its whole id, or by the id of the one thing whose stream it is: account-ID, order-ID.
_NAMED = """
SELECT DISTINCT tenant_id::text, stream_id FROM events
WHERE stream_version = 1 AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid)
  AND (stream_id = %(name)s OR right(stream_id, length(%(name)s) + 1) = '-' || %(name)s)
ORDER BY stream_id, tenant_id LIMIT 10
"""


class StreamName(NamedTuple):
    """A stream is known by its tenant and its id."""

    tenant_id: str
    stream_id: str


class StreamShown(msgspec.Struct, frozen=True):
    """A stream bundle: ``count`` events are all among the first ``index_size`` entries.

    ``index_position`` is the entry that commits to it; ``size`` that of the checkpoint.
    """

    name: StreamName
    count: int
    index_size: int
    index_position: int
    size: int
    anchored: bool
    bundle: EventsBundle


class _Chosen(NamedTuple):
    commitment: Commitment
    position: int
    versions: int
    standing: Standing


class StreamProofService:
    """Makes stream bundles. Reads only; keeps the tries of the last commitments it used.

    The first proof builds the trie from the heads of all streams (measured in docs/adr/0038);
    later ones advance it by what changed.
    """

    def __init__(
        self,
        database: Database,
        source: ProofSource,
        personal: PersonalEvidence,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._database = database
        self._source = source
        self._personal = personal
        self._wait = wait
        self._tries: OrderedDict[int, IndexAt] = OrderedDict()
        self._lock = threading.Lock()  # of the tries that are kept: never held for long
        self._building = threading.Lock()

    def find(self, scope: Scope, name: str, tenant_id: str | None = None) -> StreamName | None:
        """The stream with this id, or of the one account, order … with this id; None for none.

        Raises Conflict, which lists them, when several streams are meant.
        """
        with self._database.transaction(scope) as connection:
            rows = connection.execute(_NAMED, {"name": name, "tenant": tenant_id}).fetchall()
        whole = [row for row in rows if row["stream_id"] == name] or rows
        if len(whole) > 1:
            listed = ", ".join(f"{row['stream_id']} of {row['tenant_id']}" for row in whole)
            raise Conflict(f"{name} names several streams: {listed}.")
        return StreamName(whole[0]["tenant_id"], whole[0]["stream_id"]) if whole else None

    def prove(
        self,
        scope: Scope,
        name: StreamName,
        *,
        allow_absent: bool = False,
        disclose: bool = False,
        limit: int = MAX_ENTRIES,
        progress: Progress = untold,
    ) -> StreamShown:
        """The stream's bundle, for who may see its events.

        ``disclose`` puts the personal values beside it that the scope's tenant holds.

        Raises NotFound for a stream that is not there unless its absence is to be shown,
        ValueInvalid for an id that no stream has, ProofNotReady while no published commitment
        covers it or its index is still built, ProofTooLarge, and LogInconsistent when feed, tiles
        and commitments contradict each other: no wrong proof is given out.
        """
        chosen = self._choose(scope, name, allow_absent)
        require_count(chosen.versions + 1, limit)
        trie = self._trie(chosen.commitment)
        entries, positions = self._entries(scope, name, chosen.versions, progress)
        index_entry = self._index_entry(chosen.commitment)
        require_room([*entries, index_entry])
        personal = self._personal.of(scope, entries, disclose)
        with no_wrong_proof(stream_id=name.stream_id):
            events = StreamEvents(
                name.tenant_id,
                name.stream_id,
                tuple(entries),
                tuple(positions),
                index_entry,
                chosen.position,
                trie.index.prove(stream_key(*name)),
            )
            standing = chosen.standing
            reader = self._source.reader(standing)
            bundle = build_stream(events, standing.note, reader, standing.anchor(), personal)
        return StreamShown(
            name,
            chosen.versions,
            chosen.commitment.size,
            chosen.position,
            standing.size,
            standing.anchored,
            bundle,
        )

    def _choose(self, scope: Scope, name: StreamName, allow_absent: bool) -> _Chosen:
        """The commitment to use. Raises NotFound, ProofNotReady."""
        exists = self._exists(scope, name)
        if not exists and not allow_absent:
            raise NotFound("There is no such stream.", stream_id=name.stream_id)
        if not exists:
            _require_fitting(name.stream_id)
        with self._database.transaction(Scope.auditor()) as connection:
            for size in (self._source.anchored_size(connection), self._source.published_size()):
                commitment = commitment_below(connection, size)
                if commitment is None or commitment.position is None:
                    continue
                count = _count(connection, name, commitment.size)
                if count or not exists:
                    standing = self._source.standing(connection, commitment.position)
                    return _Chosen(commitment, commitment.position, count, standing)
        raise ProofNotReady(
            "No published index commitment covers the stream yet.", stream_id=name.stream_id
        )

    def _exists(self, scope: Scope, name: StreamName) -> bool:
        with self._database.transaction(scope) as connection:
            row = connection.execute(
                "SELECT 1 FROM events WHERE tenant_id = %s AND stream_id = %s LIMIT 1", name
            ).fetchone()
        return row is not None

    def _trie(self, commitment: Commitment) -> IndexAt:
        """The index of the commitment, found equal to it.

        One is built at a time, and no request waits long for another's: each holds a thread that
        serves everybody. Raises ProofNotReady then, and LogInconsistent.
        """
        found = self._kept(commitment.size)
        if found is not None:
            return found
        if not self._building.acquire(timeout=self._wait):
            raise ProofNotReady("The index of streams is being computed: ask again in a moment.")
        try:
            return self._kept(commitment.size) or self._built(commitment)
        finally:
            self._building.release()

    def _kept(self, size: int) -> IndexAt | None:
        with self._lock:
            if size in self._tries:
                self._tries.move_to_end(size)
            return self._tries.get(size)

    def _built(self, commitment: Commitment) -> IndexAt:
        with self._lock:
            below = [each for each in self._tries if each < commitment.size]
            nearest = self._tries[max(below)] if below else None
        with self._database.transaction(Scope.auditor()) as connection:
            found = index_at(connection, commitment.size, nearest)
            require_committed(connection, commitment, found)
        with self._lock:
            self._tries[commitment.size] = found
            while len(self._tries) > KEPT_TRIES:
                self._tries.popitem(last=False)
        return found

    def _entries(
        self, scope: Scope, name: StreamName, count: int, progress: Progress
    ) -> tuple[list[bytes], list[int]]:
        """Entries and positions of the versions up to ``count``. Raises LogInconsistent."""
        entries: list[bytes] = []
        positions: list[int] = []
        with (
            self._database.transaction(scope) as connection,
            connection.cursor(name="stream", binary=True) as cursor,
        ):
            cursor.itersize = _CHUNK
            cursor.execute(_ENTRIES, (*name, count))
            for row in cursor:
                if row["stream_version"] != len(entries) + 1 or row["position"] is None:
                    break
                entries.append(row["entry"])
                positions.append(row["position"])
                if len(entries) % _CHUNK == 0:
                    progress(len(entries))
        if len(entries) != count:
            raise LogInconsistent(
                f"Version {len(entries) + 1} of the stream {name.stream_id} is missing.",
                stream_id=name.stream_id,
                version=len(entries) + 1,
            )
        return entries, positions

    def _index_entry(self, commitment: Commitment) -> bytes:
        """The commitment's event: of the venue's tenant, and for everybody to see."""
        with self._database.transaction(Scope.auditor()) as connection:
            row = connection.execute(
                "SELECT entry FROM events WHERE tenant_id = %s AND event_id = %s",
                (VENUE_TENANT, commitment.event_id),
            ).fetchone()
        if row is None:
            raise LogInconsistent(
                "The event of an index commitment is missing.", event_id=commitment.event_id
            )
        return bytes(row["entry"])


def _require_fitting(stream_id: str) -> None:
    """Raise ValueInvalid for an id that no stream has and that a proof could not name."""
    if not stream_id.isprintable() or stream_id != stream_id.strip() or not stream_id:
        raise ValueInvalid("A stream's id is printable and has no space at an end.")


def _count(connection: Connection, name: StreamName, size: int) -> int:
    row = connection.execute(_COUNT, (*name, size)).fetchone()
    return int(row["entries"]) if row else 0
