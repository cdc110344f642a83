"""The business clock all processes share: real time plus an offset kept in the database."""

import threading
from datetime import UTC, datetime, timedelta

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError

REFRESH_SECONDS = 0.5


class BusinessClock:
    """Real time shifted by the stored offset.

    ``now`` never asks the database: it is called inside transactions, which hold a connection
    already. A thread reads the offset twice a second; while the database is away the last one
    stays in force.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offset = self._stored()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="business-clock", daemon=True)
        self._thread.start()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance_to(self, moment: datetime) -> None:
        """Make ``moment`` the present, for every process, from now on."""
        offset = moment - datetime.now(UTC)
        with self._database.transaction(Scope.venue()) as connection:
            connection.execute(
                "UPDATE business_clock SET offset_microseconds = %s",
                (offset // timedelta(microseconds=1),),
            )
        self._offset = offset

    def close(self) -> None:
        """Stop following; call it before the pool is closed."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(REFRESH_SECONDS):
            try:
                self._offset = self._stored()
            except DomainError:
                continue  # the database is away: the last offset stays in force

    def _stored(self) -> timedelta:
        with self._database.transaction(Scope.venue()) as connection:
            row = connection.execute("SELECT offset_microseconds FROM business_clock").fetchone()
        return timedelta(microseconds=int(row["offset_microseconds"]) if row else 0)
