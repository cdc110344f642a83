"""A migrated PostgreSQL, an event store that knows trading, and a venue to trade on."""

import psycopg
import pytest

from backend.eventstore.database import Database
from backend.platform.schema import LOGIN, create_database, create_roles, migrate
from tests.trading.venue import Venue, event_store


@pytest.fixture(scope="session")
def database_template(postgres_server):
    """The schema, migrated once; each test copies it."""
    name = "trading_template"
    with psycopg.connect(postgres_server.url(), autocommit=True) as admin:
        create_roles(admin)
        create_database(admin, name)
    migrate(postgres_server.url(dbname=name))
    return name


@pytest.fixture
def store(database):
    pool = Database(database.conninfo(LOGIN), max_size=4)
    pool.open()
    yield event_store(pool)
    pool.close()


@pytest.fixture
def venue(store):
    return Venue(store)
