"""The log itself over HTTP, as C2SP tlog-tiles: hashes for everyone, entries for auditors."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse

from anchoring.errors import MalformedInput
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, parse_tile_path
from backend.kernel.errors import NotFound
from backend.web.auth import Authenticator, Principal

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_IMMUTABLE = {"Cache-Control": "max-age=31536000, immutable"}
_MUTABLE = {"Cache-Control": "max-age=1"}


def router(log: DirectoryStore, auth: Authenticator) -> APIRouter:
    """The routes below ``/log``."""
    routes = APIRouter(prefix="/log", tags=["log"])

    @routes.get("/checkpoint", response_class=PlainTextResponse)
    def checkpoint() -> Response:
        """The newest signed tree head (C2SP tlog-checkpoint)."""
        return Response(_file(log, CHECKPOINT_PATH), media_type=_TEXT, headers=_MUTABLE)

    @routes.get("/keys", response_class=PlainTextResponse)
    def keys() -> Response:
        """The event keys, signed by the log key."""
        return Response(_file(log, "keys"), media_type=_TEXT, headers=_MUTABLE)

    @routes.get("/policy", response_class=PlainTextResponse)
    def policy() -> Response:
        """The log's own policy, for those who take its key from here."""
        return Response(_file(log, "policy.txt"), media_type=_TEXT, headers=_MUTABLE)

    @routes.get("/tile/entries/{path:path}", response_class=Response)
    def entries(
        path: str, _who: Annotated[Principal, Depends(auth.require("auditor"))]
    ) -> Response:
        """A bundle of entries: what was logged, for authorised auditors only."""
        return _tile(log, f"tile/entries/{path}")

    @routes.get("/tile/{path:path}", response_class=Response)
    def tile(path: str) -> Response:
        """A tile of hashes. Immutable."""
        return _tile(log, f"tile/{path}")

    return routes


def _tile(log: DirectoryStore, path: str) -> Response:
    try:
        found = parse_tile_path(path)
    except MalformedInput:
        raise NotFound("There is no such tile.") from None
    return Response(_file(log, found.path()), media_type=_BYTES, headers=_IMMUTABLE)


def _file(log: DirectoryStore, path: str) -> bytes:
    data = log.read(path)
    if data is None:
        raise NotFound("The log does not have this yet.", path=path)
    return data
