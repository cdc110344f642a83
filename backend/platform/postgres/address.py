"""Where a database is: one address, written the way each library wants it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from psycopg.conninfo import make_conninfo

SUPERUSER = "postgres"


@dataclass(frozen=True)
class DatabaseAddress:
    """A user, a database and the connection parameters (``host``, ``port``, ...) of a server.

    The password, where there is one, is shown by the three writers only, never by ``repr``.
    """

    user: str
    dbname: str
    parameters: Mapping[str, str]
    password: str | None = field(default=None, repr=False)

    def conninfo(self) -> str:
        """Keyword/value form for libpq and psycopg (PostgreSQL manual, 32.1.1.1)."""
        password = {} if self.password is None else {"password": self.password}
        return make_conninfo(user=self.user, dbname=self.dbname, **self.parameters, **password)

    def url(self) -> str:
        """URI form for libpq (PostgreSQL manual, 32.1.1.2)."""
        return self._uri("postgresql")

    def sqlalchemy_url(self) -> str:
        """URI form for SQLAlchemy with the psycopg 3 driver."""
        return self._uri("postgresql+psycopg")

    def _uri(self, scheme: str) -> str:
        secret = "" if self.password is None else ":" + quote(self.password, safe="")
        login = quote(self.user, safe="") + secret
        # Host and port go into the query: a socket folder is not a valid authority.
        query = urlencode(sorted(self.parameters.items()), quote_via=quote, safe="")
        return f"{scheme}://{login}@/{quote(self.dbname, safe='')}?{query}"
