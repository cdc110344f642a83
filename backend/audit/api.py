"""The log and its proofs over HTTP: who may see what is decided by the caller's tenant."""

import base64
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Any, Literal, LiteralString, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from backend.audit import places
from backend.audit.anchorer import request_anchor
from backend.audit.places import Places, StreamRoute
from backend.audit.proofs import ProofService
from backend.audit.stream import FeedWatch, News, Reset
from backend.eventstore.recorded import read_recorded
from backend.eventstore.scope import Scope
from backend.eventstore.store import EventStore
from backend.kernel.errors import NotFound
from backend.web.auth import ROLES, Authenticator, Listener, Principal
from backend.web.models import EdgeModel, Page
from backend.web.paging import MAX_LIMIT, Cursors

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Order = Annotated[Literal["asc", "desc"], Query(description="By log position")]
TypePrefix = Annotated[
    str | None,
    Query(
        alias="type",
        max_length=80,
        pattern=r"^[a-z_.]+$",
        description="Events whose type begins like this, such as `settlement.`",
    ),
]
Position = Annotated[int | None, Query(ge=-1, le=2**53 - 1)]


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


class StreamedEvent(EdgeModel):
    """The ``data`` of one message of the stream: that there is an event, and where."""

    position: int
    type: str
    stream_id: str
    event_id: str


class LogEnd(EdgeModel):
    """The ``data`` of a ``reset``: the log's last position, before the one that was named."""

    position: int


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
    store: EventStore,
    proofs: ProofService,
    auth: Authenticator,
    cursors: Cursors,
    origin: str,
    watch: FeedWatch,
) -> APIRouter:
    """Routes under ``/api/v1`` for log, anchors, events and proofs."""
    routes = APIRouter(prefix="/api/v1", tags=["audit"])
    queries = _Queries(store, cursors, origin)
    _add_log(routes, store, queries, auth.require("operator", "auditor"))
    _add_stream(routes, watch, auth)
    _add_events(routes, queries, proofs, auth)
    return routes


def _add_log(
    routes: APIRouter, store: EventStore, queries: "_Queries", operator: Callable[..., Principal]
) -> None:
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


def _add_stream(routes: APIRouter, watch: FeedWatch, auth: Authenticator) -> None:
    streams = APIRouter(route_class=StreamRoute)
    held = Places()
    admitted = auth.require_listener(*ROLES)

    async def news(
        listener: Annotated[Listener, Depends(admitted)],
        after: Position = None,
        last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,16}$")] = None,
    ) -> AsyncIterator[AsyncIterator[News | Reset]]:
        """What there is to tell; place and watch are let go when the answer has ended.

        Nothing else closes the generator of an answer that is cut off while it sends.
        """
        start = after if last_event_id is None else int(last_event_id)
        scope, seconds = _scope(listener.principal), places.STREAM_SECONDS
        with held.taken(listener.principal.participant_id):
            async with aclosing(watch.follow(scope, start, seconds, listener.admitted)) as found:
                yield found

    @streams.get("/events/stream", response_class=EventSourceResponse)
    async def stream_events(
        found: Annotated[AsyncIterator[News | Reset], Depends(news)],
    ) -> AsyncIterable[StreamedEvent | LogEnd]:  # what `data` holds; FastAPI takes both kinds
        """News of the caller's own events (auditors: of all) as Server-Sent Events.

        `id` is the log position, `event` is `event`, `data` a StreamedEvent. Begins after
        `Last-Event-ID`, else after `after`, else with what comes next; after a position the log
        has not reached, an event `reset` tells where the log ends, and what was read before is
        to be read again. Ends after two minutes, or when the session does; browsers come back
        by themselves. A listener keeps no session alive. 429 `too-many-streams` for more than
        16 of one participant, 503 `overloaded` when no place is left.
        """
        async for each in found:
            yield _message(each)  # type: ignore[misc]

    routes.include_router(streams)


def _message(news: News | Reset) -> ServerSentEvent:
    # Last-Event-ID has no sign: an empty log gives no position to come back with.
    name = str(news.position) if news.position >= 0 else None
    if isinstance(news, Reset):
        return ServerSentEvent(data=LogEnd(position=news.position), event="reset", id=name)
    data = StreamedEvent(
        position=news.position, type=news.type, stream_id=news.stream_id, event_id=news.event_id
    )
    return ServerSentEvent(data=data, event="event", id=name)


def _add_events(
    routes: APIRouter, queries: "_Queries", proofs: ProofService, auth: Authenticator
) -> None:
    anyone = auth.require(*ROLES)

    @routes.get("/events")
    def events(
        principal: Annotated[Principal, Depends(anyone)],
        cursor: str | None = None,
        limit: Limit = 50,
        stream_id: str | None = None,
        order: Order = "asc",
        type_prefix: TypePrefix = None,
    ) -> Page[EventOut]:
        """The caller's own events in log order, or the newest first; auditors see all."""
        wanted = _Wanted(stream_id, type_prefix, order)
        return queries.events(_scope(principal), cursor, limit, wanted)

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


class _Wanted(NamedTuple):
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
        self, scope: Scope, cursor: str | None, limit: int, wanted: "_Wanted"
    ) -> Page[EventOut]:
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
