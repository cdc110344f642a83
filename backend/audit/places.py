"""Bounds of what streams may hold: places for listeners, and an end for one who never reads."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from anyio import move_on_after
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from backend.kernel.errors import DomainError, ErrorCode

EACH = 16
TOTAL = 200
STREAM_SECONDS = 120.0
"""A stream ends after this long; the browser comes back at once, and is authenticated anew."""
GRACE_SECONDS = 15.0
"""How much longer a stream may take to send what it has."""


class TooManyStreams(DomainError):
    """This participant listens too often at once: close a stream before you open another."""

    code = ErrorCode.TOO_MANY_STREAMS
    retryable = True


class Overloaded(DomainError):
    """This process serves as many listeners as it may: come back in a moment."""

    code = ErrorCode.OVERLOADED
    retryable = True


class Places:
    """Places for listeners of one process. Used on its event loop only."""

    def __init__(self, each: int = EACH, total: int = TOTAL) -> None:
        self._each = each
        self._total = total
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, participant_id: str) -> Iterator[None]:
        """Hold a place. Raises TooManyStreams, Overloaded."""
        if self._taken[participant_id] >= self._each:
            raise TooManyStreams("You listen too often at once.", most=self._each)
        if self._taken.total() >= self._total:
            raise Overloaded("No more listeners can be served now.")
        self._taken[participant_id] += 1
        try:
            yield
        finally:
            self._taken[participant_id] -= 1
            if not self._taken[participant_id]:
                del self._taken[participant_id]


class StreamRoute(APIRoute):
    """A route whose answer is cut off when its reader takes nothing: the limit holds for all."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        with move_on_after(STREAM_SECONDS + GRACE_SECONDS) as limit:
            await super().handle(scope, receive, send)
        if limit.cancelled_caught:
            structlog.get_logger(process="api").info("stream.cut_off", path=scope["path"])
