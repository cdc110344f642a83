"""The log and its proofs over HTTP: who may see what is decided by the caller's tenant."""

import base64
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from backend.audit.anchorer import request_anchor
from backend.audit.proofs import ProofService
from backend.eventstore.recorded import read_recorded
from backend.eventstore.scope import Scope
from backend.eventstore.store import EventStore
from backend.kernel.errors import NotFound
from backend.web.auth import Authenticator, Principal
from backend.web.models import EdgeModel, Page
from backend.web.paging import MAX_LIMIT, Cursors

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


class LogOut(EdgeModel):
    """The log's signed head, as this platform has it now."""

    origin: str
    size: int
    root: str
    anchored_size: int
    checkpoint: str


class AnchorOut(EdgeModel):
    """One anchor and its way to finality."""

    size: int
    root: str
    state: str
    transaction_hash: str
    block_number: int | None
    block_hash: str | None
    gas_used: int | None


class AnchorRequestedOut(EdgeModel):
    """The size that will be anchored exactly."""

    size: int


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


class ProofOut(EdgeModel):
    """A bundle: the three files of ``tally verify`` in base64 (``anchor`` once it is final)."""

    event_id: str
    position: int
    checkpoint_size: int
    anchored: bool
    event: str
    tlog_proof: str
    anchor: str | None


def router(
    store: EventStore, proofs: ProofService, auth: Authenticator, cursors: Cursors, origin: str
) -> APIRouter:
    """Routes under ``/api/v1`` for log, anchors, events and proofs."""
    routes = APIRouter(prefix="/api/v1", tags=["audit"])
    queries = _Queries(store, cursors, origin)
    anyone = auth.require("investor", "trader", "operator", "auditor")
    operator = auth.require("operator", "auditor")

    @routes.get("/log")
    def log_head() -> LogOut:
        """The newest signed tree head. Public, as the log itself is."""
        return queries.head()

    @routes.get("/anchors")
    def anchors(cursor: str | None = None, limit: Limit = 50) -> Page[AnchorOut]:
        """Anchors on chain, the newest first. Public."""
        return queries.anchors(cursor, limit)

    @routes.post("/anchors", status_code=202)
    def anchor_now(
        request: Request, principal: Annotated[Principal, Depends(operator)]
    ) -> AnchorRequestedOut:
        """Ask for the present size to be anchored exactly."""
        return AnchorRequestedOut(size=request_anchor(store, principal.caller(request)))

    @routes.get("/events")
    def events(
        principal: Annotated[Principal, Depends(anyone)],
        cursor: str | None = None,
        limit: Limit = 50,
        stream_id: str | None = None,
    ) -> Page[EventOut]:
        """The caller's own events in log order; auditors see all."""
        return queries.events(_scope(principal), cursor, limit, stream_id)

    @routes.get("/events/{event_id}")
    def event(event_id: str, principal: Annotated[Principal, Depends(anyone)]) -> EventOut:
        """One event."""
        return queries.event(_scope(principal), event_id)

    @routes.get("/events/{event_id}/proof")
    def proof(event_id: str, principal: Annotated[Principal, Depends(anyone)]) -> ProofOut:
        """The event's proof bundle, anchored if an anchor covers it by now."""
        found = proofs.prove(_scope(principal), _uuid(event_id))
        bundle = found.bundle
        return ProofOut(
            event_id=event_id,
            position=found.position,
            checkpoint_size=found.size,
            anchored=found.anchored,
            event=_base64(bundle.event),
            tlog_proof=_base64(bundle.proof),
            anchor=None if bundle.anchor is None else _base64(bundle.anchor),
        )

    return routes


class _Queries:
    def __init__(self, store: EventStore, cursors: Cursors, origin: str) -> None:
        self._store = store
        self._cursors = cursors
        self._origin = origin

    def head(self) -> LogOut:
        with self._store.database.transaction(Scope.auditor()) as connection:
            row = connection.execute(
                "SELECT size, root, note, (SELECT coalesce(max(size), 0) FROM anchors"
                " WHERE state = 'FINAL') AS anchored FROM checkpoints ORDER BY size DESC LIMIT 1"
            ).fetchone()
        if row is None:
            raise NotFound("The log is empty.")
        return LogOut(
            origin=self._origin,
            size=row["size"],
            root=row["root"].hex(),
            anchored_size=row["anchored"],
            checkpoint=bytes(row["note"]).decode(),
        )

    def anchors(self, cursor: str | None, limit: int) -> Page[AnchorOut]:
        below = self._cursors.decode("anchors", cursor)[0] if cursor else 2**62
        with self._store.database.transaction(Scope.auditor()) as connection:
            rows = connection.execute(
                "SELECT size, root, state, transaction_hash, block_number, block_hash, gas_used"
                " FROM anchors WHERE size < %s ORDER BY size DESC LIMIT %s",
                (below, limit + 1),
            ).fetchall()
        return self._cursors.page(
            "anchors", rows, limit, lambda row: [row["size"]], lambda row: AnchorOut(**row)
        )

    def events(
        self, scope: Scope, cursor: str | None, limit: int, stream_id: str | None
    ) -> Page[EventOut]:
        after = self._cursors.decode("events", cursor)[0] if cursor else -1
        with self._store.database.transaction(scope) as connection:
            rows = connection.execute(
                "SELECT feed.position, events.entry, events.leaf_hash"
                " FROM feed JOIN events USING (tenant_id, stream_id, stream_version)"
                " WHERE feed.position > %s AND (%s::text IS NULL OR feed.stream_id = %s)"
                " ORDER BY feed.position LIMIT %s",
                (after, stream_id, stream_id, limit + 1),
            ).fetchall()
        return self._cursors.page(
            "events", rows, limit, lambda row: [row["position"]], self._event_out
        )

    def event(self, scope: Scope, event_id: str) -> EventOut:
        with self._store.database.transaction(scope) as connection:
            row = connection.execute(
                "SELECT feed.position, events.entry, events.leaf_hash FROM events"
                " LEFT JOIN feed USING (tenant_id, stream_id, stream_version)"
                " WHERE events.event_id = %s",
                (_uuid(event_id),),
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


def _scope(principal: Principal) -> Scope:
    return Scope.auditor() if "auditor" in principal.roles else principal.scope


def _uuid(text: str) -> str:
    """A malformed id is as unknown as one that nobody has."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise NotFound("There is no such event.", event_id=text[:64]) from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
