"""A store over a migrated database, and a small aggregate to exercise it with."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.database import Database
from backend.eventstore.lease import Lease
from backend.eventstore.projections import Projection, ProjectionSet
from backend.eventstore.recorded import Recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.sequencer import Sequencer
from backend.eventstore.store import Caller, EventStore
from backend.kernel.clock import FixedClock
from backend.kernel.events import Event
from backend.kernel.ids import Uuid7Factory
from backend.platform.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase
from tests.schema_template import make_template

ORIGIN = "localhost/test"
CALLER = Caller("test")
TENANT_A = "01900000-0000-7000-8000-00000000000a"
TENANT_B = "01900000-0000-7000-8000-00000000000b"


class Counted(Event, frozen=True, kw_only=True):
    type = "test.counted"

    by: int
    label: str


def evolve(state: int | None, event: Counted) -> int:
    return (state or 0) + event.by


COUNTER: Aggregate[int] = Aggregate("counter", evolve)


def on_counted(db: Connection, e: Recorded[Counted]) -> None:
    # The participants table stands in for a read model: one row per counter, last label wins.
    db.execute(
        "INSERT INTO participants (tenant_id, participant_id, name, kind, registered_at)"
        " VALUES (%s, %s, %s, 'participant', %s)"
        " ON CONFLICT (tenant_id, participant_id) DO UPDATE SET name = excluded.name",
        (e.tenant_id, e.stream_id, e.event.label, e.recorded_at),
    )


@pytest.fixture(scope="session")
def database_template(postgres_server: EmbeddedPostgres) -> str:
    return make_template(postgres_server)


@pytest.fixture
def db(database: TestDatabase) -> Iterator[Database]:
    opened = Database(database.conninfo("tallystick"), max_size=12)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def new_store(db: Database) -> Callable[[], EventStore]:
    """Stores that share the database and nothing else, as two processes do."""

    def make() -> EventStore:
        return EventStore(
            db,
            EventRegistry([Counted]),
            ProjectionSet([Projection("counters", ("participants",), {Counted: on_counted})]),
            Ed25519Signer.generate(),
            FixedClock(datetime(2013, 2, 1, 15, 30, tzinfo=UTC)),
            Uuid7Factory(),
            ORIGIN,
        )

    return make


@pytest.fixture
def store(new_store: Callable[[], EventStore]) -> EventStore:
    return new_store()


@pytest.fixture
def new_sequencer(db: Database) -> Callable[..., Sequencer]:
    def make(holder: str = "one", ttl: float = 30.0, batch_size: int = 5_000) -> Sequencer:
        lease = Lease(db, "sequencer", holder, timedelta(seconds=ttl), Scope.sequencer())
        lease.acquire()
        signer = Ed25519NoteSigner(ORIGIN, Ed25519Signer.from_seed(b"\x07" * 32))
        return Sequencer(db, lease, signer, ORIGIN, batch_size)

    return make


def count(store: EventStore, tenant: str, name: str, *labels: str) -> None:
    """Append one event per label in one transaction."""
    with store.transaction(Scope.app(tenant), CALLER) as uow:
        loaded = uow.load(COUNTER, name)
        uow.append(loaded, [Counted(by=1, label=label) for label in labels])
