"""A witness over HTTP: ``add-checkpoint``, ``sign-subtree``, and the heads that monitors read.

The routes are plain Starlette, so that they stand alone (``tally witness``) or below a prefix of a
larger application. Bodies are bounded while they are read; the work, which waits for a disk, is
done in a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anchoring.encoding import parse_hex
from anchoring.errors import MalformedInput, StorageError
from anchoring.witness import MAX_REQUEST_BYTES, TEXT, Reply, Witness

SHUTDOWN_SECONDS = 10
WORKERS = 4
MOST_WAITING = 64
EVIDENCE_BYTES = 8_000

BODY_SECONDS = 30.0
"""A body that has not arrived by then is given up: waiting for it would hold a connection."""

T = TypeVar("T")
BUSY = Reply(503, b"too many requests are waiting\n")


class Desk:
    """Threads of one's own and a bounded queue before them: nobody else's threads are taken."""

    def __init__(self, workers: int) -> None:
        self._workers = anyio.CapacityLimiter(workers)

    def is_full(self) -> bool:
        """Say whether no more can wait."""
        return self._workers.statistics().tasks_waiting >= MOST_WAITING

    async def run(self, work: Callable[[], T]) -> T | None:
        """Do ``work`` in a thread; None when too many wait already."""
        if self.is_full():
            return None
        return await anyio.to_thread.run_sync(work, limiter=self._workers)


def witness_routes(witness: Witness) -> list[Route]:
    """Return the routes of ``witness``, relative to its submission and monitoring prefix."""

    desk = Desk(WORKERS)

    async def add_checkpoint(request: Request) -> Response:
        return await answer(request, "add-checkpoint", witness.add_checkpoint, desk)

    async def sign_subtree(request: Request) -> Response:
        return await answer(request, "sign-subtree", witness.sign_subtree, desk)

    async def checkpoint(request: Request) -> Response:
        try:
            name = request.path_params["origin_hash"]
            parse_hex(name, "the origin's hash", 32)
        except MalformedInput:
            return Response("no such log\n", 404, media_type="text/plain")
        return await desk.run(lambda: _head_of(witness, name)) or response_of(BUSY)

    routes = [
        Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
        Route("/{origin_hash}/checkpoint", checkpoint, methods=["GET"]),
    ]
    if witness.signs_subtrees:
        routes.append(Route("/sign-subtree", sign_subtree, methods=["POST"]))
    return routes


def application(routes: Sequence[BaseRoute]) -> Starlette:
    """Return an application of ``routes`` and ``/livez``, which asks nothing."""

    async def livez(_request: Request) -> Response:
        return Response('{"status":"ok"}\n', media_type="application/json")

    app = Starlette(routes=[Route("/livez", livez, methods=["GET"]), *routes])
    app.router.redirect_slashes = False  # what does not exist is 404, not somewhere else
    return app


def serve(app: Starlette, host: str, port: int, stop: threading.Event) -> None:
    """Serve until ``stop``; requests under way are finished."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Announcing(config)

    def watch() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    server.run()


class _Announcing(uvicorn.Server):
    """Says where it listens once it does: with port 0 nobody else could know."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        for server in self.servers:
            for socket in server.sockets:
                host, port = socket.getsockname()[:2]
                structlog.get_logger().info("listening", host=host, port=port)


async def read_body(request: Request, limit: int) -> bytes | None:
    """Return the whole body, or None as soon as it is longer than ``limit`` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def response_of(reply: Reply) -> Response:
    """Return a reply as Starlette sends it."""
    return Response(reply.body, reply.status, headers={"Content-Type": reply.content_type})


async def answer(
    request: Request, call: str, decide: Callable[[bytes], Reply], desk: Desk
) -> Response:
    """Answer a request whose whole body ``decide`` takes.

    408 when it does not arrive in time, 413 when it is too long, 503 when too many wait or the
    state cannot be used.
    """
    if desk.is_full():
        return response_of(BUSY)
    try:
        with anyio.fail_after(BODY_SECONDS):
            body = await read_body(request, MAX_REQUEST_BYTES)
    except ClientDisconnect:
        return Response(status_code=400)
    except TimeoutError:
        return Response(status_code=408, headers={"Connection": "close"})
    if body is None:
        reply = Reply(413, f"the body is longer than {MAX_REQUEST_BYTES:,} bytes\n".encode())
    else:
        whole = body
        reply = await desk.run(lambda: _guarded(decide, whole)) or BUSY
    _log(call, reply, body or b"")
    return response_of(reply)


def _guarded(decide: Callable[[bytes], Reply], body: bytes) -> Reply:
    try:
        return decide(body)
    except StorageError as error:
        structlog.get_logger().error("state unusable", detail=str(error))
        return Reply(503, b"the state cannot be used now\n")


def _head_of(witness: Witness, name: str) -> Response:
    try:
        data = witness.checkpoint(name)
    except StorageError:
        return Response("the state cannot be used now\n", 503, media_type="text/plain")
    if data is None:
        return Response("no checkpoint of this log yet\n", 404, media_type="text/plain")
    return Response(data, headers={"Content-Type": TEXT, "Cache-Control": "max-age=1"})


def _log(call: str, reply: Reply, body: bytes) -> None:
    """One line for each request; what a log signed and cannot prove is kept as evidence."""
    log = structlog.get_logger()
    if reply.status == 200:
        log.info(call, status=200)
        return
    detail = reply.body[:200].decode("utf-8", "replace").strip()
    if reply.status == 422:
        checkpoint = body.partition(b"\n\n")[2][:EVIDENCE_BYTES].decode("utf-8", "replace")
        log.error(call, status=422, detail=detail, checkpoint=checkpoint)
    else:
        log.warning(call, status=reply.status, detail=detail)
