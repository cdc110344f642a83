"""The business clock all processes share: real time plus an offset kept in the database."""

import time
from datetime import UTC, datetime, timedelta

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope


class BusinessClock:
    """Real time shifted by the stored offset; the offset is read again every second."""

    def __init__(self, database: Database, refresh_seconds: float = 0.5) -> None:
        self._database = database
        self._refresh = refresh_seconds
        self._read_at = float("-inf")
        self._offset = timedelta(0)

    def now(self) -> datetime:
        if time.monotonic() - self._read_at > self._refresh:
            self._offset = self._stored()
            self._read_at = time.monotonic()
        return datetime.now(UTC) + self._offset

    def advance_to(self, moment: datetime) -> None:
        """Make ``moment`` the present, for every process, from now on."""
        offset = moment - datetime.now(UTC)
        with self._database.transaction(Scope.venue()) as connection:
            connection.execute(
                "UPDATE business_clock SET offset_microseconds = %s",
                (offset // timedelta(microseconds=1),),
            )
        self._offset, self._read_at = offset, time.monotonic()

    def _stored(self) -> timedelta:
        with self._database.transaction(Scope.venue()) as connection:
            row = connection.execute("SELECT offset_microseconds FROM business_clock").fetchone()
        return timedelta(microseconds=int(row["offset_microseconds"]) if row else 0)
