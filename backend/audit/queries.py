"""What the log's API reads: rows of the database, as the models that are given out."""

import uuid
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from backend.audit.feed_index import Commitment, commitment_below, commitments_page
from backend.audit.standing import AnchoringOut, AuditOut, read_anchoring, read_audit
from backend.eventstore.recorded import read_recorded
from backend.eventstore.scope import Scope
from backend.eventstore.store import EventStore
from backend.kernel.errors import NotFound
from backend.web.auth import Principal
from backend.web.models import EdgeModel, Page
from backend.web.paging import Cursors


class IndexOut(EdgeModel):
    """A commitment to the index of streams over the first ``size`` entries of the log.

    ``position`` is the entry that holds it.
    """

    size: int
    root: str
    position: int | None
    streams: int


class IndexCommitmentOut(IndexOut):
    """A commitment with the event that makes it."""

    event_id: str


class LogOut(EdgeModel):
    """The log's signed head, as this platform has it now.

    ``checkpoint_at`` is when it was signed. ``audit`` is the platform's own audit of the log: null
    before its first round has ended.
    """

    origin: str
    size: int
    root: str
    anchored_size: int
    checkpoint: str
    checkpoint_at: datetime
    index: IndexOut | None
    anchoring: AnchoringOut
    audit: AuditOut | None


class AnchorOut(EdgeModel):
    """One anchor and its way to finality.

    ``fee_wei`` is what it cost: null until it is in a block, and where an old event has no price.
    """

    size: int
    root: str
    state: str
    transaction_hash: str
    block_number: int | None
    block_hash: str | None
    gas_used: int | None
    fee_wei: str | None
    chain_id: int
    registry: str


class EventOut(EdgeModel):
    """An event of one's own, with its place in the log once it has one."""

    event_id: str
    position: int | None
    type: str
    stream_id: str
    stream_version: int
    actor: str
    effective_at: str
    recorded_at: str
    correlation_id: str | None
    causation_id: str | None
    payload: dict[str, Any]
    leaf_hash: str


class Wanted(NamedTuple):
    """Which events of a list are wanted."""

    stream_id: str | None
    type_prefix: str | None
    order: str


_EVENTS = """
SELECT feed.position, events.entry, events.leaf_hash
FROM feed JOIN events USING (tenant_id, stream_id, stream_version)
WHERE (%(stream)s::text IS NULL OR feed.stream_id = %(stream)s)
  AND (%(type)s::text IS NULL OR starts_with(feed.type, %(type)s))
"""
_ORDERS: dict[str, tuple[int, LiteralString]] = {
    "asc": (-1, _EVENTS + "AND feed.position > %(from)s ORDER BY feed.position LIMIT %(limit)s"),
    "desc": (
        2**62,
        _EVENTS + "AND feed.position < %(from)s ORDER BY feed.position DESC LIMIT %(limit)s",
    ),
}


_HEAD = """
SELECT size, root, note, signed_at,
  (SELECT coalesce(max(size), 0) FROM anchors WHERE state = 'FINAL') AS anchored
FROM checkpoints ORDER BY size DESC LIMIT 1
"""
# A transaction that failed has a fee of the same size, and no block.
_ANCHORS = """
SELECT anchors.size, root, state, transaction_hash, block_number, anchors.block_hash,
  anchors.gas_used, trunc(fee)::text AS fee_wei, chain_id, registry
FROM anchors LEFT JOIN anchor_fees
  ON anchor_fees.size = anchors.size AND anchor_fees.block_hash = anchors.block_hash
WHERE anchors.size < %s ORDER BY anchors.size DESC LIMIT %s
"""


class LogQueries:
    """The log, its anchors and index commitments, and events, as rows of the database."""

    def __init__(self, store: EventStore, cursors: Cursors, origin: str) -> None:
        self._store = store
        self._cursors = cursors
        self._origin = origin

    def head(self) -> LogOut:
        """The newest signed tree head. Raises NotFound for an empty log."""
        with self._store.database.transaction(Scope.auditor()) as connection:
            row = connection.execute(_HEAD).fetchone()
            if row is None:
                raise NotFound("The log is empty.")
            commitment = commitment_below(connection, row["size"])
            anchoring = read_anchoring(connection, row["size"], row["anchored"])
            audit = read_audit(connection)
        return LogOut(
            origin=self._origin,
            size=row["size"],
            root=row["root"].hex(),
            anchored_size=row["anchored"],
            checkpoint=bytes(row["note"]).decode(),
            checkpoint_at=row["signed_at"],
            index=None if commitment is None else _index_out(commitment),
            anchoring=anchoring,
            audit=audit,
        )

    def commitments(self, cursor: str | None, limit: int) -> Page[IndexCommitmentOut]:
        """Commitments to the index of streams that have a position, the newest first."""
        below = self._cursors.decode("index", cursor)[0] if cursor else 2**62
        with self._store.database.transaction(Scope.auditor()) as connection:
            rows = commitments_page(connection, below, limit + 1)
        return self._cursors.page("index", rows, limit, lambda row: [row.size], _commitment_out)

    def anchors(self, cursor: str | None, limit: int) -> Page[AnchorOut]:
        """Anchors on chain, the newest first."""
        below = self._cursors.decode("anchors", cursor)[0] if cursor else 2**62
        with self._store.database.transaction(Scope.auditor()) as connection:
            rows = connection.execute(_ANCHORS, (below, limit + 1)).fetchall()
        return self._cursors.page(
            "anchors", rows, limit, lambda row: [row["size"]], lambda row: AnchorOut(**row)
        )

    def events(
        self, scope: Scope, cursor: str | None, limit: int, wanted: Wanted
    ) -> Page[EventOut]:
        """Events that ``scope`` sees, in the order that is wanted."""
        start, query = _ORDERS[wanted.order]
        listing = f"events-{wanted.order}"
        with self._store.database.transaction(scope) as connection:
            rows = connection.execute(
                query,
                {
                    "from": self._cursors.decode(listing, cursor)[0] if cursor else start,
                    "stream": wanted.stream_id,
                    "type": wanted.type_prefix,
                    "limit": limit + 1,
                },
            ).fetchall()
        return self._cursors.page(
            listing, rows, limit, lambda row: [row["position"]], self._event_out
        )

    def event(self, scope: Scope, event_id: str) -> EventOut:
        """One event. Raises NotFound for one that is not there or not visible."""
        with self._store.database.transaction(scope) as connection:
            row = connection.execute(
                "SELECT feed.position, events.entry, events.leaf_hash FROM events"
                " LEFT JOIN feed USING (tenant_id, stream_id, stream_version)"
                " WHERE events.event_id = %s",
                (known_uuid(event_id),),
            ).fetchone()
        if row is None:
            raise NotFound("There is no such event.", event_id=event_id)
        return self._event_out(row)

    def _event_out(self, row: dict[str, Any]) -> EventOut:
        recorded = read_recorded(
            self._store.registry, row["entry"], row["leaf_hash"], row["position"]
        )
        return EventOut(
            event_id=recorded.event_id,
            position=recorded.position,
            type=recorded.event.type,
            stream_id=recorded.stream_id,
            stream_version=recorded.stream_version,
            actor=recorded.actor,
            effective_at=recorded.effective_at.isoformat(),
            recorded_at=recorded.recorded_at.isoformat(),
            correlation_id=recorded.correlation_id,
            causation_id=recorded.causation_id,
            payload=recorded.event.payload(),
            leaf_hash=recorded.leaf_hash.hex(),
        )


def _index_out(found: Commitment) -> IndexOut:
    return IndexOut(
        size=found.size, root=found.root.hex(), position=found.position, streams=found.streams
    )


def _commitment_out(found: Commitment) -> IndexCommitmentOut:
    return IndexCommitmentOut(
        size=found.size,
        root=found.root.hex(),
        position=found.position,
        streams=found.streams,
        event_id=found.event_id,
    )


def reading_scope(principal: Principal) -> Scope:
    """What a caller may read: an auditor everything, anybody else the own tenant's."""
    return Scope.auditor() if "auditor" in principal.roles else principal.scope


def known_uuid(text: str, what: str = "event") -> str:
    """The id, as the database spells it: a malformed one is as unknown as one nobody has."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise NotFound(f"There is no such {what}.", id=text[:64]) from None
