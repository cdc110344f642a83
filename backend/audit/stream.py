"""News of the log for many listeners at once: one watcher a process reads the feed for all.

A listener that keeps up costs no query of its own. One that is behind (it just came, or came
back with its last position) reads page by page in its own scope, few at a time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError

T = TypeVar("T")
POLL_SECONDS = 0.25
KEPT = 4_096
PAGE = 200
READERS = 2
"""Threads and connections that all listeners of a process share for reading."""
_RETRY_SECONDS = 1.0

_NEW = """
SELECT position, tenant_id, type, stream_id, event_id FROM feed
WHERE position > %s ORDER BY position LIMIT %s
"""
_HEAD = "SELECT coalesce(max(position), -1) AS position FROM feed"


class News(msgspec.Struct, frozen=True):
    """That an event stands in the log, and where; never what it says."""

    position: int
    tenant_id: str
    type: str
    stream_id: str
    event_id: str


class FeedWatch:
    """Follows the feed while anybody listens."""

    def __init__(self, database: Database, poll: float = POLL_SECONDS, kept: int = KEPT) -> None:
        self._database = database
        self._poll = poll
        self._recent: deque[News] = deque(maxlen=kept)
        self._head = -1
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._readers = CapacityLimiter(READERS)
        self._log = structlog.get_logger(process="feed-watch")
        self._closed = False
        self.listeners = 0

    def close(self) -> None:
        """End every stream within a moment: the process stops. May be called by any thread."""
        self._closed = True

    async def follow(self, scope: Scope, after: int | None, seconds: float) -> AsyncIterator[News]:
        """The scope's own events after position ``after`` (None: from now on), for ``seconds``.

        Raises DatabaseUnavailable when what was missed cannot be read.
        """
        end = asyncio.get_running_loop().time() + seconds
        async with self._listening():
            position = self._head if after is None else after
            while (left := end - asyncio.get_running_loop().time()) > 0 and not self._closed:
                self._raise_if_broken()
                changed = self._changed
                found, reached = await self._after(scope, position)
                for each in found:
                    yield each
                if reached == position:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), left)
                position = reached

    async def _after(self, scope: Scope, position: int) -> tuple[Sequence[News], int]:
        """What comes after ``position``, and up to where that is all there is."""
        head = self._head
        if position >= head:
            return (), position
        if self._recent and self._recent[0].position <= position + 1:
            news = [each for each in self._recent if each.position > position]
            return [each for each in news if _may_see(scope, each)], news[-1].position
        found = await self._in_thread(lambda: self._read(scope, position, PAGE))
        last = found[-1].position if found else position
        return found, last if len(found) == PAGE else max(head, last)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        self.listeners += 1
        try:
            if self._task is None:
                self._ready = asyncio.Event()
                self._task = asyncio.create_task(self._watch(self._ready))
            await self._ready.wait()
            yield
        finally:
            self.listeners -= 1
            if self.listeners == 0 and self._task is not None:
                self._task.cancel()
                self._task = None
                self._recent.clear()

    async def _watch(self, ready: asyncio.Event) -> None:
        """Until cancelled: read what is new, once for all; what may pass is waited out."""
        try:
            while True:
                try:
                    await self._look(ready)
                except DomainError as error:
                    self._log.warning("waiting", code=error.code.value)
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:  # if it ends otherwise, nobody may wait for it
            ready.set()
            self._changed.set()

    def _raise_if_broken(self) -> None:
        """A watcher that ended by an error gives it to every listener."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _look(self, ready: asyncio.Event) -> None:
        if self._closed:
            self._changed.set()
        if not ready.is_set():
            self._head = await self._in_thread(self._stored_head)
            ready.set()
        found = await self._in_thread(lambda: self._read(Scope.auditor(), self._head, PAGE))
        if found:
            self._recent.extend(found)
            self._head = found[-1].position
            self._changed.set()
            self._changed = asyncio.Event()
        if len(found) < PAGE:
            await asyncio.sleep(self._poll)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._readers)

    def _read(self, scope: Scope, after: int, limit: int) -> list[News]:
        with self._database.transaction(scope) as connection:
            rows = connection.execute(_NEW, (after, limit)).fetchall()
        return [_news(row) for row in rows]

    def _stored_head(self) -> int:
        with self._database.transaction(Scope.auditor()) as connection:
            row = connection.execute(_HEAD).fetchone()
        return int(row["position"]) if row else -1


def _may_see(scope: Scope, news: News) -> bool:
    """The rule of the feed's row-level security: one tenant's rows, or all for an auditor."""
    return scope == Scope.auditor() or scope.tenant_id == news.tenant_id


def _news(row: dict[str, Any]) -> News:
    return News(
        row["position"], str(row["tenant_id"]), row["type"], row["stream_id"], str(row["event_id"])
    )
