import psycopg
import pytest

from backend.eventstore.database import Database
from backend.platform.postgres import SUPERUSER
from backend.platform.schema import LOGIN, create_database, create_roles, migrate
from tests.settlement.harness import Venue, deploy


@pytest.fixture(scope="session")
def database_template(postgres_server):
    name = "settlement_template"
    with psycopg.connect(postgres_server.url(), autocommit=True) as admin:
        create_roles(admin)
        create_database(admin, name)
    migrate(postgres_server.url(SUPERUSER, name))
    return name


@pytest.fixture
def events_database(database):
    pool = Database(database.conninfo(LOGIN), max_size=4)
    pool.open()
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def deployed(anvil):
    return deploy(anvil)


@pytest.fixture
def on_chain(deployed, chain):
    """The contracts, on a chain that is put back after the test to just after their deployment."""
    return deployed


@pytest.fixture
def venue(events_database, on_chain):
    return Venue(events_database, on_chain)
