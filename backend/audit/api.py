"""The log and its events over HTTP: who may see what is decided by the caller's tenant."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from backend.audit import places
from backend.audit.anchorer import request_anchor
from backend.audit.places import Places, StreamRoute
from backend.audit.queries import (
    AnchorOut,
    EventOut,
    IndexCommitmentOut,
    LogOut,
    LogQueries,
    Wanted,
    reading_scope,
)
from backend.audit.stream import FeedWatch, News, Reset
from backend.eventstore.store import EventStore
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


class AnchorRequestedOut(EdgeModel):
    """The size that will be anchored exactly."""

    size: int


class StreamedEvent(EdgeModel):
    """The ``data`` of one message of the stream: that there is an event, and where."""

    position: int
    type: str
    stream_id: str
    event_id: str


class LogEnd(EdgeModel):
    """The ``data`` of a ``reset``: the log's last position, before the one that was named."""

    position: int


def router(
    store: EventStore,
    auth: Authenticator,
    cursors: Cursors,
    origin: str,
    watch: FeedWatch,
) -> APIRouter:
    """Routes under ``/api/v1`` for log, anchors, index commitments and events."""
    routes = APIRouter(prefix="/api/v1", tags=["audit"])
    queries = LogQueries(store, cursors, origin)
    _add_log(routes, store, queries, auth.require("operator", "auditor"))
    _add_stream(routes, watch, auth)
    _add_events(routes, queries, auth)
    return routes


def _add_log(
    routes: APIRouter, store: EventStore, queries: LogQueries, operator: Callable[..., Principal]
) -> None:
    @routes.get("/log")
    def log_head() -> LogOut:
        """The newest signed tree head, what waits for the chain, and the last audit. Public."""
        return queries.head()

    @routes.get("/anchors")
    def anchors(cursor: str | None = None, limit: Limit = 50) -> Page[AnchorOut]:
        """Anchors on chain, the newest first. Public."""
        return queries.anchors(cursor, limit)

    @routes.get("/index/commitments")
    def index_commitments(cursor: str | None = None, limit: Limit = 50) -> Page[IndexCommitmentOut]:
        """Commitments to the index of streams, the newest first. Public."""
        return queries.commitments(cursor, limit)

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
        scope, seconds = reading_scope(listener.principal), places.STREAM_SECONDS
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


def _add_events(routes: APIRouter, queries: LogQueries, auth: Authenticator) -> None:
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
        wanted = Wanted(stream_id, type_prefix, order)
        return queries.events(reading_scope(principal), cursor, limit, wanted)

    @routes.get("/events/{event_id}")
    def event(event_id: str, principal: Annotated[Principal, Depends(anyone)]) -> EventOut:
        """One event."""
        return queries.event(reading_scope(principal), event_id)
