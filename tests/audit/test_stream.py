"""News over Server-Sent Events, from a real server: whose, from where on, at what cost."""

import asyncio
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn

from backend.audit.places import Overloaded, Places, TooManyStreams
from backend.audit.stream import FeedWatch, News
from backend.eventstore.scope import Scope
from backend.kernel.errors import DatabaseUnavailable
from backend.platform.anvil.process import free_port
from backend.platform.processes.api import application
from backend.web.auth import SESSION_COOKIE
from tests.identity.test_sessions import admin, begin, call, secret_of
from tests.integration.parties import ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


@dataclass
class Server:
    """The API behind uvicorn, over the world's core."""

    world: World
    url: str
    app: Any

    @property
    def watch(self) -> FeedWatch:
        watch: FeedWatch = self.app.state.end_streams.__self__
        return watch


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    app, port = application(world.core), free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started)
    yield Server(world, f"http://127.0.0.1:{port}", app)
    app.state.end_streams()
    running.should_exit = True
    thread.join(20)
    assert not thread.is_alive(), "open streams must not keep the server from stopping"


def until(look: Any, seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@dataclass
class Listener:
    """A client of the stream that keeps what it gets."""

    lines: list[str] = field(default_factory=list)
    ended: bool = False

    @property
    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        current: dict[str, Any] = {}
        for line in self.lines:
            if not line and "data" in current:
                found.append(message(current))
                assert current["event"] in ("event", "reset")
                current = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                current[name] = value
        return found


def message(fields: dict[str, str]) -> dict[str, Any]:
    """A message's data with its id, and with its name where that is not the usual one."""
    named = {} if fields["event"] == "event" else {"event_name": fields["event"]}
    return {**json.loads(fields["data"]), "id": fields["id"], **named}


@contextmanager
def listening(
    server: Server, token: str | None, query: str = "", headers: dict[str, str] | None = None
) -> Iterator[Listener]:
    """A listener in a thread; it is cut off at the end."""
    known = {"Authorization": f"Bearer {token}"} if token is not None else {}
    known.update(headers or {})
    listener = Listener()
    with httpx.Client(timeout=30) as http:
        request = http.build_request(
            "GET", f"{server.url}/api/v1/events/stream{query}", headers=known
        )
        answer = http.send(request, stream=True)
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] in ("no-store", "no-cache")

        def read() -> None:
            try:
                for line in answer.iter_lines():
                    listener.lines.append(line)
            except (httpx.HTTPError, httpx.StreamError):
                return  # the connection is cut at the end of the test
            listener.ended = True

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            network = answer.extensions["network_stream"].get_extra_info("socket")
            with suppress(OSError):  # the server may have ended it already
                network.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            answer.close()


def happen(world: World, who: Any, times: int = 1) -> None:
    """Something of this party's own happens, and gets its place in the log."""
    for _ in range(times):
        body = {"name": uuid.uuid4().hex, "base_currency": "USD"}
        ok(who.client.post("/portfolios", body))
    world.sequence()


def head(world: World) -> int:
    return int(world.rows("SELECT max(position) AS p FROM feed")[0]["p"])


# --------------------------------------------------------------------------------- what is told


def test_a_listener_gets_its_own_events_and_nobody_elses(server: Server, world: World) -> None:
    start = head(world)
    with (
        listening(server, world.cedar.token, f"?after={start}") as cedar,
        listening(server, world.birch.token, f"?after={start}") as birch,
        listening(server, world.plan.auditor, f"?after={start}") as auditor,
    ):
        happen(world, world.cedar)
        happen(world, world.birch)
        until(lambda: len(auditor.messages) == 2)
        until(lambda: len(cedar.messages) == len(birch.messages) == 1)
    (mine,), (theirs,) = cedar.messages, birch.messages
    assert set(mine) == {"position", "type", "stream_id", "event_id", "id"}
    assert mine["type"] == "portfolio.opened"
    assert int(mine["id"]) == mine["position"] > start
    found = ok(world.cedar.client.get(f"/events/{mine['event_id']}"))
    assert (found["position"], found["stream_id"]) == (mine["position"], mine["stream_id"])
    refused(world.cedar.client.get(f"/events/{theirs['event_id']}"), 404, "not-found")
    assert [each["event_id"] for each in auditor.messages] == [mine["event_id"], theirs["event_id"]]


def test_it_goes_on_after_the_last_event_it_had(server: Server, world: World) -> None:
    start = head(world)
    happen(world, world.cedar, 3)
    with listening(server, world.cedar.token, f"?after={start}") as first:
        until(lambda: len(first.messages) == 3)
    last = first.messages[1]["id"]
    happen(world, world.cedar, 2)
    headers = {"Last-Event-ID": last}
    with listening(server, world.cedar.token, f"?after={start}", headers) as again:
        until(lambda: len(again.messages) == 3)
        happen(world, world.cedar)
        until(lambda: len(again.messages) == 4)
    positions = [each["position"] for each in again.messages]
    assert positions == sorted(set(positions))
    assert positions[0] == first.messages[2]["position"]


def test_without_a_position_it_begins_with_what_comes_next(server: Server, world: World) -> None:
    happen(world, world.cedar)
    with listening(server, world.cedar.token) as listener:
        until(lambda: server.watch.listeners == 1)
        start = head(world)
        time.sleep(0.6)  # two looks at the feed: the listener knows where it begins
        happen(world, world.cedar)
        until(lambda: listener.messages)
    assert [each["position"] > start for each in listener.messages] == [True]


def test_everything_from_the_beginning_page_by_page(server: Server, world: World) -> None:
    happen(world, world.cedar, 220)  # more than one page
    own = world.cedar.client.pages("/events", limit=200)
    with listening(server, world.cedar.token, "?after=-1") as listener:
        until(lambda: len(listener.messages) == len(own))
    assert [each["event_id"] for each in listener.messages] == [each["event_id"] for each in own]


def test_a_quiet_stream_says_that_it_lives(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.1)
    with listening(server, world.cedar.token) as listener:
        until(lambda: any(line.startswith(": ") for line in listener.lines))
    assert listener.messages == []


def test_a_session_cookie_listens_too(server: Server, world: World) -> None:
    secret = secret_of(begin(world, world.cedar.token))
    cookie = {"Cookie": f"{SESSION_COOKIE}={secret}"}
    url = f"{server.url}/api/v1/events/stream"
    with httpx.stream("GET", url, headers=cookie) as answer:
        assert answer.status_code == 200


@contextmanager
def listening_signed_in(server: Server) -> Iterator[tuple[str, Listener]]:
    """A browser of Cedar's that listens: the session's secret, and the listener."""
    secret = secret_of(begin(server.world, server.world.cedar.token))
    headers = {"Cookie": f"{SESSION_COOKIE}={secret}"}
    with listening(server, None, headers=headers) as listener:
        until(lambda: server.watch.listeners == 1)
        yield secret, listener


@pytest.mark.parametrize("end", ["sign out", "expiry"])
def test_a_stream_ends_with_its_session(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("backend.audit.stream.RECHECK_SECONDS", 0.2)
    with listening_signed_in(server) as (secret, listener):
        time.sleep(0.6)
        assert not listener.ended, "a session that stands keeps its stream"
        if end == "expiry":
            admin(world, "UPDATE sessions SET expires_at = now() - interval '1 second'")
        else:
            answer = call(world, "DELETE", "/session", secret, **{"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 204
        until(lambda: listener.ended)


def test_an_open_stream_keeps_no_session_alive(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.audit.stream.RECHECK_SECONDS", 0.2)
    with listening_signed_in(server) as (secret, listener):
        admin(world, "UPDATE sessions SET last_used_at = now() - interval '29 minutes'")
        time.sleep(0.6)
        assert not listener.ended
        (row,) = world_sessions(world)
        assert row > 29 * 60 - 1
        admin(world, "UPDATE sessions SET last_used_at = now() - interval '31 minutes'")
        until(lambda: listener.ended)
    refused(call(world, "GET", "/me", secret), 401, "unauthenticated")


def world_sessions(world: World) -> set[float]:
    """For how many seconds the sessions were not used."""
    with psycopg.connect(world.admin()) as connection:
        rows = connection.execute(
            "SELECT round(extract(epoch FROM now() - last_used_at))::float8 FROM sessions"
        ).fetchall()
    return {float(row[0]) for row in rows}


# ------------------------------------------------------------------------- where a log ends earlier


def test_after_a_position_the_log_has_not_reached_it_says_where_it_ends(
    server: Server, world: World
) -> None:
    happen(world, world.cedar)
    end = head(world)
    with listening(server, world.cedar.token, f"?after={end + 1_000}") as listener:
        until(lambda: listener.messages)
        happen(world, world.cedar)
        until(lambda: len(listener.messages) == 2)
    first, second = listener.messages
    assert first == {"position": end, "id": str(end), "event_name": "reset"}
    assert (second["position"] > end, second.get("event_name")) == (True, None)
    with listening(server, world.cedar.token, f"?after={second['position']}") as listener:
        happen(world, world.cedar)
        until(lambda: listener.messages)
    assert "event_name" not in listener.messages[0], "the log's end is not beyond it"


# ------------------------------------------------------------------------------------- the bounds


def test_a_participant_has_sixteen_streams_and_gets_a_place_back(
    server: Server, world: World
) -> None:
    headers = {"Authorization": f"Bearer {world.cedar.token}"}
    url = f"{server.url}/api/v1/events/stream"
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(listening(server, world.cedar.token))
        answer = httpx.get(url, headers=headers)
        refused(answer, 429, "too-many-streams")
        assert answer.headers["retry-after"] == "1"
        with listening(server, world.birch.token):
            until(lambda: server.watch.listeners == 17)
    until(lambda: server.watch.listeners == 0)

    def admitted() -> bool:
        with httpx.stream("GET", url, headers=headers) as again:
            return again.status_code == 200

    until(admitted)


def test_places_are_bounded_for_one_and_for_all() -> None:
    places = Places(each=2, total=3)
    with ExitStack() as stack:
        stack.enter_context(places.taken("a"))
        with places.taken("a"), pytest.raises(TooManyStreams), places.taken("a"):
            pass
        stack.enter_context(places.taken("b"))
        stack.enter_context(places.taken("c"))
        with pytest.raises(Overloaded), places.taken("d"):
            pass
    for name in "abc":
        with places.taken(name):
            pass


def test_a_reader_that_takes_nothing_is_cut_off(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.audit.places.STREAM_SECONDS", 0.5)
    monkeypatch.setattr("backend.audit.places.GRACE_SECONDS", 0.5)

    async def always(*_: Any) -> Any:
        return [News(1, world.cedar.participant_id, "x" * 60_000, "s", "e")] * 200, 0

    monkeypatch.setattr(server.watch, "_after", always)  # more than any buffer holds
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"GET /api/v1/events/stream?after=-1 HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer " + world.cedar.token.encode() + b"\r\n\r\n"
        )
        until(lambda: server.watch.listeners == 1)
        until(lambda: server.watch.listeners == 0)


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 401),
        ("", {"Authorization": "Bearer wrong"}, 401),
        ("?after=x", None, 422),
        ("?after=-2", None, 422),
        ("", {"Last-Event-ID": "x"}, 422),
        ("", {"Last-Event-ID": "-1"}, 422),
    ],
)
def test_a_bad_request_is_a_problem(
    server: Server, world: World, query: str, headers: dict[str, str] | None, status: int
) -> None:
    known = {"Authorization": f"Bearer {world.cedar.token}"}
    sent = known if headers is None else headers if status == 401 else {**known, **headers}
    answer = httpx.get(f"{server.url}/api/v1/events/stream{query}", headers=sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert server.watch.listeners == 0


# ------------------------------------------------------------------------------------- the cost


def test_many_listeners_cost_no_thread_and_no_connection_each(server: Server, world: World) -> None:
    start = head(world)
    before = threading.active_count()
    each_listens = 15
    parties = (world.alder, world.birch, world.cedar)
    tokens = (*(each.token for each in parties), world.plan.auditor)
    many = 60  # more than the thread pool has threads, and the database pool connections
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(listening(server, token, f"?after={start}"))
            for token in tokens
            for _ in range(each_listens)
        ]
        assert len(listeners) == many
        until(lambda: server.watch.listeners == many)
        for who in parties:
            happen(world, who)
        until(lambda: all(each.messages for each in listeners))
        headers = {"Authorization": f"Bearer {world.cedar.token}"}
        assert httpx.get(f"{server.url}/api/v1/me", headers=headers).status_code == 200
        # The test's own threads, one a listener, and what the server's pool keeps.
        assert threading.active_count() - before - many < 45
        with psycopg.connect(world.admin()) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = 'tallystick'"
            ).fetchone()
        assert row is not None
        assert row[0] < 30
    until(lambda: server.watch.listeners == 0)


def test_a_listener_that_goes_away_is_forgotten(server: Server, world: World) -> None:
    with listening(server, world.cedar.token):
        until(lambda: server.watch.listeners == 1)
    until(lambda: server.watch.listeners == 0)
    happen(world, world.cedar)
    start = head(world) - 1
    with listening(server, world.cedar.token, f"?after={start}") as listener:
        until(lambda: len(listener.messages) == 1)  # the watcher starts anew


class CountingWatch(FeedWatch):
    """Counts how often its listeners look for news."""

    looks = 0

    async def _after(self, *args: Any) -> Any:
        self.looks += 1
        return await super()._after(*args)


def test_a_listener_after_the_last_one_left_waits_without_turning(world: World) -> None:
    async def listen(watch: FeedWatch) -> None:
        async for _ in watch.follow(Scope.auditor(), None, 0.5):
            raise AssertionError("nothing happens here")

    async def one_after_another() -> int:
        watch = CountingWatch(world.core.database)
        await listen(watch)
        before = watch.looks
        await listen(watch)
        return watch.looks - before

    # One look when it comes, one when its time is over.
    assert asyncio.run(one_after_another()) <= 3


def test_a_stream_ends_in_time_and_when_the_server_stops(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("backend.audit.places.STREAM_SECONDS", 0.3)
        with listening(server, world.cedar.token) as short:
            until(lambda: short.ended)
    with listening(server, world.cedar.token) as long:
        until(lambda: server.watch.listeners == 1)
        server.watch.close()
        until(lambda: long.ended)


def test_a_database_that_is_away_is_waited_out_and_a_broken_watch_ends_its_streams(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise DatabaseUnavailable("away")

    start = head(world)
    with listening(server, world.cedar.token, f"?after={start}") as listener:
        until(lambda: server.watch.listeners == 1)
        with monkeypatch.context() as patch:
            patch.setattr(server.watch, "_read", away)
            happen(world, world.cedar)
            time.sleep(0.6)
            assert listener.messages == []
        until(lambda: len(listener.messages) == 1)
        monkeypatch.setattr(server.watch, "_read", lambda *_: 1 / 0)
        until(lambda: server.watch.listeners == 0)
