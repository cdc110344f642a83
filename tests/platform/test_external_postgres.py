"""A server of the user's own: the same interface, typed errors, and no password in them."""

import psycopg
import pytest
from sqlalchemy import create_engine, text

from backend.kernel.errors import DatabaseUnavailable, ErrorCode
from backend.platform.errors import ConfigurationInvalid
from backend.platform.postgres import DatabaseAddress, ExternalPostgres
from backend.platform.postgres.external import parse_database_url
from tests.conftest import TestDatabase

_PASSWORD = "hunter2-is-secret"


@pytest.mark.db
def test_a_server_that_answers_is_used(database: TestDatabase) -> None:
    with ExternalPostgres(database.url()) as server, psycopg.connect(server.url()) as connection:
        assert connection.info.dbname == database.name


@pytest.mark.db
def test_sqlalchemy_form_is_understood_and_written(database: TestDatabase) -> None:
    server = ExternalPostgres(database.sqlalchemy_url()).start()
    engine = create_engine(server.address().sqlalchemy_url())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_database()")).scalar() == database.name
    engine.dispose()


@pytest.mark.db
def test_another_role_is_taken_on_without_its_password(database: TestDatabase) -> None:
    with psycopg.connect(database.url(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS some_role")
        connection.execute("CREATE ROLE some_role NOLOGIN")
    server = ExternalPostgres(database.url()).start()
    with psycopg.connect(server.url(user="some_role")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("some_role",)
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("postgres",)


def test_nobody_listening_is_a_typed_error_without_the_password() -> None:
    url = f"postgresql://someone:{_PASSWORD}@127.0.0.1:1/nowhere"
    with pytest.raises(DatabaseUnavailable) as caught:
        ExternalPostgres(url, connect_timeout=2).start()
    assert caught.value.code is ErrorCode.DATABASE_UNAVAILABLE
    assert _PASSWORD not in f"{caught.value} {caught.value.context} {caught.value.__cause__}"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://someone@host/database",
        "not an address",
        "postgresql://[broken/database",
        f"postgresql://someone:{_PASSWORD}@host:5432/database?nonsense=1",
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_database_url(url)
    assert _PASSWORD not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://host/database", "postgresql://someone@host"])
def test_user_and_database_must_be_named(url: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="does not name"):
        parse_database_url(url)


def test_a_role_that_is_no_identifier_is_refused() -> None:
    server = ExternalPostgres("postgresql://someone@host/database")
    with pytest.raises(ConfigurationInvalid, match="role"):
        server.address(user="x -c fsync=off")


@pytest.mark.parametrize(
    "address",
    [
        DatabaseAddress("a b", "d/b?x", {"host": "/tmp/with space", "port": "5432"}),
        DatabaseAddress("ü@:", "%41", {"host": "h", "options": "-c role=x"}, "p@ss:/w?rd'\\"),
    ],
)
def test_an_address_reads_back_as_it_was_written(address: DatabaseAddress) -> None:
    for written in (address.url(), address.conninfo(), address.sqlalchemy_url()):
        assert parse_database_url(written) == address


def test_a_printed_address_hides_the_password() -> None:
    assert _PASSWORD not in repr(DatabaseAddress("a", "b", {}, _PASSWORD))
