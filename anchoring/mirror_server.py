"""A mirror over HTTP: ``add-checkpoint``, ``add-entries``, and the copies as C2SP tlog-tiles.

Hashes and checkpoints are for everybody. Entries are what the log's participants did: they are
served to holders of a token, or to all only where the operator says so.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anyio
import anyio.from_thread
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from anchoring.errors import MalformedInput, StorageError
from anchoring.mirror import Mirror
from anchoring.mirror_upload import ChunkReader, gunzip
from anchoring.tiles import CHECKPOINT_PATH, parse_tile_path
from anchoring.witness import TEXT, Reply
from anchoring.witness_server import BUSY, WORKERS, Desk, answer, response_of

UPLOADS = 16
"""How many uploads are received at once: one that stands still holds up no other."""

CHUNK_SECONDS = 30.0
"""A client that sends nothing for so long has ended its upload."""

UPLOAD_SECONDS = 600.0
"""An upload that takes longer is cut there; what was stored stays, and the next goes on."""

_IMMUTABLE = "max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may read entries: holders of ``token``, everybody, or (neither) nobody."""

    token: str | None = None
    everybody: bool = False

    def admits(self, request: Request) -> bool:
        """Say whether this request may read entries."""
        given = request.headers.get("authorization", "")
        expected = f"Bearer {self.token}"
        known = bool(self.token) and hmac.compare_digest(given.encode(), expected.encode())
        return self.everybody or known


def mirror_routes(mirror: Mirror, readers: Readers) -> list[Route]:
    """Return the routes of ``mirror``, relative to its submission and monitoring prefix."""

    desk, uploads = Desk(WORKERS), Desk(UPLOADS)

    async def add_checkpoint(request: Request) -> Response:
        return await answer(request, "add-checkpoint", mirror.add_checkpoint, desk)

    async def add_entries(request: Request) -> Response:
        return await uploads.run(lambda: _receive(mirror, request)) or response_of(BUSY)

    async def resource(request: Request) -> Response:
        found = await desk.run(lambda: _resource(mirror, readers, request))
        return found or response_of(BUSY)

    return [
        Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
        Route("/add-entries", add_entries, methods=["POST"]),
        Route("/{origin_hash}/{path:path}", resource, methods=["GET"]),
    ]


def _receive(mirror: Mirror, request: Request) -> Response:
    """Process an upload while it arrives, in a thread that waits for each chunk."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    chunks: Iterator[bytes] = _chunks(request)
    if coding == "gzip":
        chunks = gunzip(chunks)
    elif coding != "identity":
        return response_of(Reply(415, b"content codings are gzip and identity\n"))
    reply = _guarded(lambda: mirror.add_entries(ChunkReader(chunks)))
    structlog.get_logger().info("add-entries", status=reply.status)
    response = response_of(reply)
    response.headers["Accept-Encoding"] = "gzip"
    return response


def _guarded(call: Callable[[], Reply]) -> Reply:
    try:
        return call()
    except StorageError as error:
        structlog.get_logger().error("state unusable", detail=str(error))
        return Reply(503, b"the state cannot be used now\n")


def _chunks(request: Request) -> Iterator[bytes]:
    """Give the body's chunks; a client that went away or stands still is a body that ends.

    So is one that takes too long: with a byte now and then, a few clients would hold every place.
    """
    stream = request.stream()
    deadline = time.monotonic() + UPLOAD_SECONDS

    async def following() -> bytes | None:
        with anyio.fail_after(CHUNK_SECONDS):
            return await anext(stream, None)

    while time.monotonic() < deadline:
        try:
            chunk = anyio.from_thread.run(following)
        except (ClientDisconnect, TimeoutError):
            return
        if chunk is None:
            return
        if chunk:
            yield chunk


def _resource(mirror: Mirror, readers: Readers, request: Request) -> Response:
    origin = mirror.origin_of(request.path_params["origin_hash"])
    path = request.path_params["path"]
    if origin is None:
        return _missing()
    try:
        if path != CHECKPOINT_PATH:
            tile = parse_tile_path(path)
            if tile.level is None and not readers.admits(request):
                return Response("entries need a token\n", 401, media_type="text/plain")
        data = mirror.store(origin).read(path)
    except MalformedInput:
        return _missing()
    except StorageError:
        return Response("the state cannot be used now\n", 503, media_type="text/plain")
    if data is None:
        return _missing()
    if path == CHECKPOINT_PATH:
        return Response(data, headers={"Content-Type": TEXT, "Cache-Control": "max-age=1"})
    return Response(
        data, media_type="application/octet-stream", headers={"Cache-Control": _IMMUTABLE}
    )


def _missing() -> Response:
    return Response("there is nothing here\n", 404, media_type="text/plain")
