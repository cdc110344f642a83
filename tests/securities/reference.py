"""A real event store with the reference contexts' projections, for these tests."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from anchoring.signing import Ed25519Signer
from backend.eventstore.database import Database
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.registry import EventRegistry
from backend.eventstore.store import Caller, EventStore
from backend.kernel.clock import FixedClock
from backend.kernel.ids import Uuid7Factory
from backend.marketdata import events as marketdata_events
from backend.marketdata.blobs import DirectoryBlobStore
from backend.marketdata.projections import projection
from backend.platform import schema
from backend.securities import events as securities_events
from backend.securities import projections as securities_projections

OPERATOR = Caller("participant:operator")
TENANT = "00000000-0000-7000-8000-0000000000aa"
NOW = datetime(2012, 8, 9, 14, 0, tzinfo=UTC)
_TEMPLATE = "reference_template"


@pytest.fixture(scope="session")
def database_template(postgres_server) -> str:
    """A migrated database to copy from."""
    admin = postgres_server.address().conninfo()
    with psycopg.connect(admin, autocommit=True) as connection:
        schema.create_roles(connection)
        schema.create_database(connection, _TEMPLATE)
    schema.migrate(postgres_server.address(dbname=_TEMPLATE).conninfo())
    return _TEMPLATE


@pytest.fixture
def blobs(tmp_path) -> DirectoryBlobStore:
    return DirectoryBlobStore(tmp_path / "blobs")


@pytest.fixture
def store(database, blobs) -> Iterator[EventStore]:
    """An event store as bootstrap makes it, with the reference contexts only."""
    opened = Database(database.conninfo(schema.LOGIN))
    opened.open()
    try:
        yield EventStore(
            opened,
            EventRegistry([*securities_events.EVENTS, *marketdata_events.EVENTS]),
            ProjectionSet([securities_projections.PROJECTION, projection(blobs)]),
            Ed25519Signer.generate(),
            FixedClock(NOW),
            Uuid7Factory(),
            "test.example/log",
        )
    finally:
        opened.close()
