"""A PostgreSQL server of the user's own, given by ``DATABASE_URL``."""

import re
from types import TracebackType
from typing import Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

from backend.kernel.errors import DatabaseUnavailable
from backend.platform.errors import ConfigurationInvalid
from backend.platform.postgres.address import DatabaseAddress

_MINIMUM_VERSION = 180_000
_SQLALCHEMY_DRIVER = re.compile(r"^(postgres(?:ql)?)\+[a-z0-9_]+://")
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class ExternalPostgres:
    """The same interface as the embedded server; nothing is started or stopped.

    Other roles than the URL's own are taken on by ``SET ROLE`` at connection start (libpq's
    ``options``), so their passwords are never needed: the login must be a member of them.
    """

    def __init__(self, database_url: str, *, connect_timeout: float = 5.0) -> None:
        self._login = parse_database_url(database_url)
        self._timeout = connect_timeout

    def start(self) -> Self:
        """Check that the server answers and is new enough.

        Raises ``DatabaseUnavailable``; the message names neither password nor URL.
        """
        try:
            with psycopg.connect(
                self._login.conninfo(), connect_timeout=max(2, round(self._timeout))
            ) as connection:
                version = connection.info.server_version
        except psycopg.Error as error:
            raise DatabaseUnavailable(
                f"The server of DATABASE_URL cannot be reached: {self._reason(error)}",
                host=self._login.parameters.get("host"),
                dbname=self._login.dbname,
            ) from None
        if version < _MINIMUM_VERSION:
            raise DatabaseUnavailable(
                "The server of DATABASE_URL is too old: PostgreSQL 18 or newer is needed.",
                server_version=version,
            )
        return self

    def close(self) -> None:
        """Nothing to do: the server is not ours."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def address(self, user: str | None = None, dbname: str | None = None) -> DatabaseAddress:
        """The address for a role and a database; those of the URL where not given."""
        parameters = dict(self._login.parameters)
        if user is not None and user != self._login.user:
            if not _ROLE.fullmatch(user):
                raise ConfigurationInvalid("A role name must be a plain identifier.", role=user)
            given = parameters.get("options", "")
            parameters["options"] = f"{given} -c role={user}".strip()
        return DatabaseAddress(
            self._login.user, dbname or self._login.dbname, parameters, self._login.password
        )

    def url(self, user: str | None = None, dbname: str | None = None) -> str:
        """``address(...)`` as a libpq URI."""
        return self.address(user, dbname).url()

    def _reason(self, error: psycopg.Error) -> str:
        text = " ".join(str(error).split())
        return text if self._login.password is None else text.replace(self._login.password, "***")


def parse_database_url(database_url: str) -> DatabaseAddress:
    """Read a libpq URI, a SQLAlchemy URI or a keyword/value string; user and database required.

    Raises ``ConfigurationInvalid`` without repeating the value, which may hold a password.
    """
    plain = _SQLALCHEMY_DRIVER.sub(r"\1://", database_url.strip())
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(plain).items() if value}
    except psycopg.ProgrammingError:
        raise ConfigurationInvalid(
            "DATABASE_URL is not a PostgreSQL address; "
            "its form is postgresql://user:password@host:5432/database."
        ) from None
    missing = [name for name in ("user", "dbname") if name not in given]
    if missing:
        raise ConfigurationInvalid(f"DATABASE_URL does not name the {' and the '.join(missing)}.")
    user, dbname, password = given.pop("user"), given.pop("dbname"), given.pop("password", None)
    return DatabaseAddress(user, dbname, given, password)
