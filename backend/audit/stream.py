"""News of the log for many listeners at once: one watcher a process reads the feed for all.

A listener that keeps up costs no query of its own. One that is behind (it just came, or came
back with its last position) reads page by page in its own scope, few at a time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import takewhile
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
RECHECK_SECONDS = 15.0
"""How often a stream asks whether its listener may still listen."""
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


class Reset(msgspec.Struct, frozen=True):
    """That the log ends before the position the listener named; it goes on after ``position``."""

    position: int


class _Turn:
    """One turn of watching, from the first listener's coming to the last one's leaving.

    What it signals is its own: a turn that is being cancelled must not wake the next one's.
    """

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.changed = asyncio.Event()

    def tell(self) -> None:
        """Wake whoever waits now; whoever comes later waits for the next news."""
        self.changed.set()
        self.changed = asyncio.Event()


class FeedWatch:
    """Follows the feed while anybody listens."""

    def __init__(self, database: Database, poll: float = POLL_SECONDS, kept: int = KEPT) -> None:
        self._database = database
        self._poll = poll
        self._recent: deque[News] = deque(maxlen=kept)
        self._head = -1
        self._task: asyncio.Task[None] | None = None
        self._turn = _Turn()
        self._readers = CapacityLimiter(READERS)
        self._log = structlog.get_logger(process="feed-watch")
        self._closed = False
        self.listeners = 0

    def close(self) -> None:
        """End every stream within a moment: the process stops. May be called by any thread."""
        self._closed = True

    async def follow(
        self,
        scope: Scope,
        after: int | None,
        seconds: float,
        admitted: Callable[[], bool] = lambda: True,
    ) -> AsyncGenerator[News | Reset]:
        """The scope's own events after position ``after`` (None: from now on), for ``seconds``.

        ``admitted`` is asked in a thread, every RECHECK_SECONDS; the stream ends when it says no.
        A position that the log has not reached (it was restored from a copy) gives a Reset, and
        the stream goes on from the log's end. Raises DatabaseUnavailable when what was missed
        cannot be read.
        """
        now = asyncio.get_running_loop().time
        end, recheck = now() + seconds, now() + RECHECK_SECONDS
        async with self._listening() as turn:
            position = self._head if after is None else after
            if position > self._head and position > (head := await self._end()):
                yield Reset(head)
                position = head
            while now() < end and not self._closed:
                self._raise_if_broken()
                if now() >= recheck:
                    if not await self._in_thread(admitted):
                        return
                    recheck = now() + RECHECK_SECONDS
                changed = turn.changed
                found, reached = await self._after(scope, position)
                for each in found:
                    yield each
                if reached == position:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), max(0, min(end, recheck) - now()))
                position = reached

    async def _end(self) -> int:
        """The log's end as it is stored: another process may have told of it before this one."""
        return await self._in_thread(self._stored_head)

    async def _after(self, scope: Scope, position: int) -> tuple[Sequence[News], int]:
        """What comes after ``position``, and up to where that is all there is."""
        head = self._head
        if position >= head:
            return (), position
        if self._recent and self._recent[0].position <= position + 1:
            newest = takewhile(lambda each: each.position > position, reversed(self._recent))
            return [each for each in newest if _may_see(scope, each)][::-1], head
        found = await self._in_thread(lambda: self._read(scope, position, PAGE))
        last = found[-1].position if found else position
        return found, last if len(found) == PAGE else max(head, last)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[_Turn]:
        self.listeners += 1
        try:
            if self._task is None:
                self._turn = _Turn()
                self._task = asyncio.create_task(self._watch(self._turn))
            turn = self._turn
            await turn.ready.wait()
            yield turn
        finally:
            self.listeners -= 1
            if self.listeners == 0 and self._task is not None:
                self._task.cancel()
                self._task = None
                self._recent.clear()

    async def _watch(self, turn: _Turn) -> None:
        """Until cancelled: read what is new, once for all; what may pass is waited out."""
        try:
            while True:
                try:
                    await self._look(turn)
                except DomainError as error:
                    self._log.warning("waiting", code=error.code.value)
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:  # if it ends otherwise, nobody may wait for it
            turn.ready.set()
            turn.changed.set()

    def _raise_if_broken(self) -> None:
        """A watcher that ended by an error gives it to every listener."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _look(self, turn: _Turn) -> None:
        if self._closed:
            turn.changed.set()
        if not turn.ready.is_set():
            self._head = await self._in_thread(self._stored_head)
            turn.ready.set()
        found = await self._in_thread(lambda: self._read(Scope.auditor(), self._head, PAGE))
        if found:
            self._recent.extend(found)
            self._head = found[-1].position
            turn.tell()
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
