"""The connection pool, and one way to begin a transaction: in a scope."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from backend.eventstore.errors import ConcurrencyConflict
from backend.eventstore.scope import Connection, Scope
from backend.kernel.errors import DatabaseUnavailable

# Lost races that are safe to repeat from the load: the whole transaction is rolled back.
_RACES = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)


class Database:
    """A pool of connections whose login may take the roles, and does nothing without one."""

    def __init__(self, conninfo: str, *, max_size: int = 8, timeout: float = 10.0) -> None:
        self.conninfo = conninfo
        self._timeout = timeout
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            conninfo,
            min_size=1,
            max_size=max_size,
            timeout=timeout,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "connect_timeout": max(2, int(timeout)),
            },
            open=False,
        )

    def open(self) -> None:
        """Connect. Raises DatabaseUnavailable when the server does not answer in time."""
        try:
            self._pool.open(wait=True, timeout=self._timeout)
        except PoolTimeout as error:
            self._pool.close()
            raise DatabaseUnavailable("The database does not answer.") from error

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def transaction(self, scope: Scope) -> Iterator[Connection]:
        """One transaction in ``scope``: committed at the end, rolled back on any exception.

        Raises DatabaseUnavailable when the connection cannot be had or breaks, and
        ConcurrencyConflict when PostgreSQL ended it in favour of another one.
        """
        try:
            with self._pool.connection() as connection:
                scope.begin(connection)
                yield connection
        except _RACES as error:
            raise ConcurrencyConflict("Another transaction won the race.") from error
        except PoolTimeout as error:
            raise DatabaseUnavailable("No database connection could be had in time.") from error
        except psycopg.errors.IdleInTransactionSessionTimeout as error:
            raise DatabaseUnavailable("The transaction stood still for too long.") from error
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable("The database does not answer.") from error

    def ping(self) -> bool:
        """Whether the server answers a query now."""
        try:
            with self._pool.connection(timeout=2.0) as connection:
                connection.execute("SELECT 1")
            return True
        except (psycopg.Error, PoolTimeout):
            return False


def direct(conninfo: str, **kwargs: Any) -> psycopg.Connection[dict[str, Any]]:
    """A connection of one's own (LISTEN), outside any pool. Raises DatabaseUnavailable."""
    try:
        return psycopg.connect(conninfo, row_factory=dict_row, **kwargs)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("The database does not answer.") from error
