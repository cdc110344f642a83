"""Says in the log when anchors fall behind it, and when they have caught up."""

from time import monotonic

from backend.audit import domain
from backend.audit.anchor_reads import oldest_age
from backend.audit.journal import Journal
from backend.eventstore.scope import Scope


class LagWatch:
    """Looks at the oldest event that waits for an anchor; asks no chain, so an outage is seen.

    Neither of its two events starts an anchor, so they cannot feed on each other.
    """

    def __init__(self, journal: Journal, limit_seconds: float, pause_seconds: float = 1.0) -> None:
        self._journal = journal
        self._limit = limit_seconds
        self._pause = pause_seconds
        self._looked_at: float | None = None

    def step(self) -> bool:
        """Look, at most once a pause, and record a change; whether there was one."""
        if self._looked_at is not None and monotonic() - self._looked_at < self._pause:
            return False
        self._looked_at = monotonic()
        state = self._journal.state()
        if state is None:
            return False
        with self._journal.store.database.transaction(Scope.venue()) as connection:
            waiting = oldest_age(connection, state.covered_size)
        if not domain.watch(state, waiting, self._limit):
            return False
        return self._journal.append(lambda now: domain.watch(now, waiting, self._limit)) > 0
