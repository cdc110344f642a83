"""A singleton's right to act: a row with a holder, an expiry and a fence that only grows.

Whoever acts under a lease checks the fence in the very transaction of the effect, so a
paused former holder cannot write after a new one began.
"""

import os
import socket
from datetime import timedelta
from uuid import uuid4

import psycopg

from backend.eventstore.database import Database
from backend.eventstore.errors import LeaseLost
from backend.eventstore.scope import Connection, Scope

_ACQUIRE = """
INSERT INTO leases AS held (name, holder, fence, expires_at)
VALUES (%(name)s, %(holder)s, 1, clock_timestamp() + %(ttl)s)
ON CONFLICT (name) DO UPDATE SET
  fence = held.fence + CASE WHEN held.holder = excluded.holder THEN 0 ELSE 1 END,
  holder = excluded.holder, expires_at = excluded.expires_at
WHERE held.holder = excluded.holder OR held.expires_at < clock_timestamp()
RETURNING fence
"""


def holder_name() -> str:
    """A name no other process has, not even after a restart with the same pid."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


class Lease:
    """One named lease as one holder sees it. ``fence`` is None while it is not held."""

    def __init__(
        self, database: Database, name: str, holder: str, ttl: timedelta, scope: Scope
    ) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._ttl = ttl
        self._scope = scope
        self.fence: int | None = None

    def acquire(self) -> bool:
        """Take or prolong the lease; False while another holder's has not run out."""
        try:
            with self._database.transaction(self._scope) as connection:
                connection.execute("SET LOCAL lock_timeout = '1s'")
                row = connection.execute(
                    _ACQUIRE, {"name": self._name, "holder": self._holder, "ttl": self._ttl}
                ).fetchone()
        except psycopg.errors.LockNotAvailable:  # the holder is in the middle of a step
            row = None
        self.fence = None if row is None else int(row["fence"])
        return self.fence is not None

    def hold(self, connection: Connection) -> None:
        """Lock the lease row in the running transaction and prolong it.

        Raises LeaseLost when another holder has it; the caller's work is rolled back.
        """
        row = connection.execute(
            "UPDATE leases SET expires_at = clock_timestamp() + %s"
            " WHERE name = %s AND holder = %s AND fence = %s RETURNING fence",
            (self._ttl, self._name, self._holder, self.fence),
        ).fetchone()
        if row is None:
            self.fence = None
            raise LeaseLost("Another process took over.", lease=self._name)

    def release(self) -> None:
        """Let the next holder start at once; the fence keeps growing."""
        with self._database.transaction(self._scope) as connection:
            connection.execute(
                "UPDATE leases SET expires_at = clock_timestamp() - interval '1 second',"
                " holder = '' WHERE name = %s AND holder = %s",
                (self._name, self._holder),
            )
        self.fence = None
