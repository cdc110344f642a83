"""Pure ASGI: a request id, a body limit, and JSON that is exactly one document.

Python's parser takes duplicate keys, NaN and Infinity; an order must not hang on which of
two amounts the parser kept, so such bodies are refused before a route sees them.
"""

import json
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from anchoring.canonical import check_nesting
from anchoring.errors import MalformedInput
from backend.kernel.errors import ErrorCode
from backend.web.problems import problem, respond

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 1_048_576
MAX_DEPTH = 32
# The protocols of logs and witnesses name no content type for their requests.
_NOT_JSON = "/witness/"
_BODILESS = ("GET", "HEAD", "OPTIONS")


class RequestContext:
    """Outermost layer: ids every request, bounds and checks its body."""

    def __init__(self, app: App, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []), (b"x-request-id", request_id.encode()),
                ]  # fmt: skip
            await send(message)

        body = b"" if scope["method"] in _BODILESS else await _read(receive, self._max)
        refused = _refusal(scope, body)
        if refused is not None:
            instance = f"urn:uuid:{request_id}"
            response = respond(problem(refused[0], refused[1], instance=instance))
            await response(scope, receive, send_with_id)
            return
        if scope["method"] not in _BODILESS:
            receive = _replay(body or b"", receive)
        await self._app(scope, receive, send_with_id)


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None when it is longer than ``limit`` bytes."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            return None
        if not message.get("more_body"):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _refusal(scope: Scope, body: bytes | None) -> tuple[ErrorCode, str] | None:
    if body is None:
        return ErrorCode.REQUEST_TOO_LARGE, "The request body is too large."
    if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
        return ErrorCode.REQUEST_MALFORMED, "The address holds a zero character."
    headers = dict(scope["headers"])
    kind = headers.get(b"content-type", b"").lower()
    untyped = not kind and not scope["path"].startswith(_NOT_JSON)
    if body and (b"json" in kind or untyped):
        try:
            _check_json(body)
        except (ValueError, MalformedInput) as error:
            return ErrorCode.REQUEST_MALFORMED, f"The body is not one JSON document: {error}"[:300]
    return None


def _check_json(body: bytes) -> None:
    check_nesting(body, "the body", MAX_DEPTH)
    _check_text(
        json.loads(
            body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
    )


def _check_text(value: Any) -> None:
    """PostgreSQL's text holds no zero character; say so here, once for every field."""
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("a string holds a zero character")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        _check_text(each)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
