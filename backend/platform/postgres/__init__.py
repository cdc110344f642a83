"""The database server: embedded by default, the user's own where ``DATABASE_URL`` is set."""

from pathlib import Path
from typing import Protocol, Self

from backend.platform.postgres.address import SUPERUSER, DatabaseAddress
from backend.platform.postgres.embedded import EmbeddedPostgres
from backend.platform.postgres.external import ExternalPostgres

__all__ = [
    "SUPERUSER",
    "DatabaseAddress",
    "EmbeddedPostgres",
    "ExternalPostgres",
    "PostgresServer",
    "open_postgres",
]


class PostgresServer(Protocol):
    """What the platform needs of a server, whoever runs it."""

    def start(self) -> Self:
        """Return with the server answering, or raise ``DatabaseUnavailable``."""

    def close(self) -> None:
        """Stop using the server."""

    def address(self, user: str = ..., dbname: str = ...) -> DatabaseAddress:
        """The address of a database for a role."""

    def url(self, user: str = ..., dbname: str = ...) -> str:
        """``address(...)`` as a libpq URI."""


def open_postgres(home: Path, database_url: str | None = None) -> PostgresServer:
    """The started server: the one at ``database_url``, or the embedded one below ``home``."""
    if database_url:
        return ExternalPostgres(database_url).start()
    return EmbeddedPostgres(home).start()
