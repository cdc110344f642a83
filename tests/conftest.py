"""Real servers for every test that wants one: one PostgreSQL and one Anvil a session.

Under pytest-xdist each worker has its own. Nothing here is a stand-in.
"""

import itertools
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from backend.platform.anvil import Anvil, ChainOptions
from backend.platform.postgres import SUPERUSER, DatabaseAddress, EmbeddedPostgres

_CHECKOUT = Path(__file__).resolve().parents[1]
# Any fixed moment; tests that care about the date set it themselves. 2027-01-15T08:00:00Z.
_GENESIS_TIME = 1_800_000_000

_database_numbers = itertools.count(1)


@dataclass(frozen=True)
class TestDatabase:
    """One fresh database of the session's server."""

    __test__ = False

    name: str
    server: EmbeddedPostgres

    def address(self, user: str = SUPERUSER) -> DatabaseAddress:
        return self.server.address(user, self.name)

    def url(self, user: str = SUPERUSER) -> str:
        return self.address(user).url()

    def conninfo(self, user: str = SUPERUSER) -> str:
        return self.address(user).conninfo()

    def sqlalchemy_url(self, user: str = SUPERUSER) -> str:
        return self.address(user).sqlalchemy_url()


DatabaseFactory = Callable[..., TestDatabase]


@contextmanager
def _server_home() -> Iterator[Path]:
    """A temporary home the database's own user may enter (pytest's folders are closed to it)."""
    home = Path(tempfile.mkdtemp(prefix="tally-"))
    try:
        if os.geteuid() == 0:
            home.chmod(0o711)
        yield home
    finally:
        shutil.rmtree(home)


@pytest.fixture
def server_home() -> Iterator[Path]:
    """A temporary home for a server that one test starts and stops itself."""
    with _server_home() as home:
        yield home


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The session's PostgreSQL; it ends with the session, even if pytest is killed."""
    with _server_home() as home:
        server = EmbeddedPostgres(home, disposable=True).start()
        try:
            yield server
        finally:
            server.destroy()


@pytest.fixture(scope="session")
def database_template(postgres_server: EmbeddedPostgres) -> str | None:
    """The database new ones are copied from; None gives empty ones.

    A folder whose tests need the schema overrides this in its conftest.py with a session fixture
    that creates a database, migrates it, closes its connections and returns its name.
    """
    return None


@pytest.fixture
def database_factory(
    postgres_server: EmbeddedPostgres, database_template: str | None
) -> Iterator[DatabaseFactory]:
    """Makes databases, from the template unless another is named; dropped after the test."""
    made: list[str] = []

    def make(template: str | None = database_template) -> TestDatabase:
        name = f"test_{next(_database_numbers)}"
        _create(postgres_server, name, template)
        made.append(name)
        return TestDatabase(name, postgres_server)

    yield make
    for name in made:
        _drop(postgres_server, name)


@pytest.fixture
def database(database_factory: DatabaseFactory) -> TestDatabase:
    """A database of the test's own."""
    return database_factory()


@pytest.fixture
def database_url(database: TestDatabase) -> str:
    """The libpq URI of the test's own database, as superuser."""
    return database.url()


@pytest.fixture(scope="session")
def anvil() -> Iterator[Anvil]:
    """The session's chain; take ``chain`` instead unless the test leaves it as it was."""
    with _server_home() as home:
        options = ChainOptions(timestamp=_GENESIS_TIME)
        with Anvil(home, options, disposable=True) as node:
            yield node


@pytest.fixture
def chain(anvil: Anvil) -> Iterator[Anvil]:
    """The session's chain, put back after the test to where it was."""
    snapshot = anvil.snapshot()
    yield anvil
    _settle_pool(anvil)
    anvil.revert(snapshot)


def _settle_pool(anvil: Anvil) -> None:
    """Let what was just sent be mined now: mined after the revert, it would be the next test's."""
    for _ in range(100):
        status = anvil.call("txpool_status")
        if int(status["pending"], 16) + int(status["queued"], 16) == 0:
            return
        time.sleep(0.02)
    anvil.call("anvil_dropAllTransactions")


@pytest.fixture(scope="session")
def shared_folder() -> Callable[[str], Path]:
    """Finds a folder of expected numbers (``cases``, ``vectors``); skips where it is absent."""

    def find(name: str) -> Path:
        folder = _CHECKOUT.parent / "shared" / name
        if not folder.is_dir():
            pytest.skip(f"no folder ../shared/{name} beside the checkout")
        return folder

    return find


def _create(server: EmbeddedPostgres, name: str, template: str | None) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template or "template0")
    )
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement)


def _drop(server: EmbeddedPostgres, name: str) -> None:
    assert re.fullmatch(r"test_\d+", name)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
