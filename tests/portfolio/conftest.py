"""A real PostgreSQL with the whole schema, and an event store that knows the books."""

from datetime import UTC, datetime

import psycopg
import pytest

from anchoring.signing import Ed25519Signer
from backend.eventstore.database import Database
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.registry import EventRegistry
from backend.eventstore.store import EventStore
from backend.kernel.clock import FixedClock
from backend.kernel.ids import Uuid7Factory
from backend.platform.postgres import SUPERUSER, EmbeddedPostgres
from backend.platform.schema import LOGIN, create_database, create_roles, migrate
from backend.portfolio.events import EVENTS
from backend.portfolio.ports import QuotedPrice
from backend.portfolio.projections import PROJECTION
from backend.portfolio.service import PortfolioQueries, PortfolioService
from tests.portfolio.books import ACME, DAY, price
from tests.portfolio.participants import BoundWallets, Chain, Closes, Participant


@pytest.fixture(scope="session")
def books_server(tmp_path_factory):
    server = EmbeddedPostgres(tmp_path_factory.mktemp("books"), disposable=True).start()
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as admin:
        create_roles(admin)
        create_database(admin, "books")
    migrate(server.url(SUPERUSER, "books"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def books_store(books_server):
    database = Database(books_server.url(LOGIN, "books"))
    database.open()
    yield EventStore(
        database,
        EventRegistry(EVENTS),
        ProjectionSet([PROJECTION]),
        Ed25519Signer.generate(),
        FixedClock(datetime(2024, 1, 2, 12, tzinfo=UTC)),
        Uuid7Factory(),
        "test.example/books",
    )
    database.close()


@pytest.fixture
def chain():
    return Chain()


@pytest.fixture
def wallets():
    return BoundWallets()


@pytest.fixture
def service(chain, wallets):
    return PortfolioService(chain, wallets)


@pytest.fixture
def alice(books_store, service, wallets):
    return Participant(books_store, service, wallets)


@pytest.fixture
def bob(books_store, service, wallets):
    return Participant(books_store, service, wallets)


@pytest.fixture
def queries(books_store):
    return PortfolioQueries(books_store.database, Closes({ACME: QuotedPrice(price("12.50"), DAY)}))
