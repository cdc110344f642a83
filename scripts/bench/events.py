"""Signed, durable events: from the append to a signed checkpoint that covers them.

The sequencer runs beside the writer, as it does in production, on the same two cores. The
floor of the bulk figure is the sum of its parts measured alone: encode and sign, insert,
hash; the floor of the single figure is a bare insert with a commit each, sequencer idle.
"""

from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from time import perf_counter, sleep
from typing import Any

import psycopg

from anchoring.envelope import sign_entry
from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from backend.eventstore.aggregate import Aggregate, Loaded
from backend.eventstore.database import Database
from backend.eventstore.lease import Lease
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Scope
from backend.eventstore.sequencer import Sequencer
from backend.eventstore.store import Caller, EventStore
from backend.identity.events import WalletBound
from backend.kernel.clock import SystemClock
from backend.kernel.ids import Uuid7Factory
from scripts.bench.report import Figure, rate
from scripts.bench.world import database

ORIGIN = "localhost/bench"
TENANT = "01900000-0000-7000-8000-00000000000a"
EVENT = WalletBound(
    participant_id=TENANT, address="0x" + "ab" * 20, chain_id=31337, statement="s" * 90,
    signature="0x" + "cd" * 65,
)  # fmt: skip
STREAM: Aggregate[int] = Aggregate("bench", lambda state, _event: (state or 0) + 1)
BATCH, BULK, SINGLE = 500, 20_000, 2_000


def sequence(conninfo: str, stop: Event) -> None:
    """The sequencer in a process of its own, as in production."""
    pool = Database(conninfo, max_size=2)
    pool.open()
    lease = Lease(pool, "sequencer", "bench", timedelta(seconds=30), Scope.sequencer())
    lease.acquire()
    signer = Ed25519NoteSigner(ORIGIN, Ed25519Signer.generate())
    sequencer = Sequencer(pool, lease, signer, ORIGIN)
    while not stop.is_set():
        if sequencer.step() is None:
            sleep(0.01)
    pool.close()


class World:
    """A store, and a sequencer beside it on the same two cores."""

    def __init__(self, pool: Database) -> None:
        self.store = EventStore(
            pool, EventRegistry([WalletBound]), ProjectionSet([]), Ed25519Signer.generate(),
            SystemClock(), Uuid7Factory(), ORIGIN,
        )  # fmt: skip
        context = get_context("spawn")
        self._stop = context.Event()
        self._process = context.Process(target=sequence, args=(pool.conninfo, self._stop))
        self._process.start()

    def close(self) -> None:
        self._stop.set()
        self._process.join()

    def append(self, stream: str, count: int) -> None:
        """One transaction with ``count`` events of one stream."""
        with self.store.transaction(Scope.app(TENANT), Caller("bench")) as uow:
            uow.append(uow.load(STREAM, stream), [EVENT] * count)

    def size(self) -> int:
        """The size of the newest signed checkpoint."""
        with self.store.database.transaction(Scope.sequencer()) as connection:
            row = connection.execute("SELECT max(size) AS size FROM checkpoints").fetchone()
        return int((row["size"] if row else None) or 0)

    def until(self, size: int) -> float:
        """Seconds until a signed checkpoint covers ``size``."""
        start = perf_counter()
        while self.size() < size:
            sleep(0.005)
        return perf_counter() - start


def figures() -> list[Figure]:
    """Events per second, in bulk and one by one, and the lag to the signed checkpoint."""
    with database() as (pool, admin):
        parts = _sum_of_parts(admin)
        bare, transactions = _bare_inserts(admin)
        world = World(pool)
        world.append("warm", 1)
        world.until(1)
        bulk, bulk_lag = _run(world, "bulk", BULK, BATCH)
        single, single_lag = _run(world, "single", SINGLE, 1)
        world.close()
    return [
        Figure("signed durable events, bulk", bulk, "/s", "sum of parts", parts,
               "≥ 15,000/s and ≥ 0.5 ×", bulk >= 15_000 and bulk >= 0.5 * parts),
        Figure("… last event to signed checkpoint", bulk_lag * 1e3, "ms", "", None, "≤ 1,000 ms",
               bulk_lag <= 1),
        Figure("signed durable events, a commit each", single, "/s", "bare insert loop", bare,
               "≥ 0.5 ×", single >= 0.5 * bare),
        Figure("the same", single, "/s", "BEGIN, insert, COMMIT loop", transactions, "", None),
        Figure("… last event to signed checkpoint", single_lag * 1e3, "ms", "", None,
               "≤ 1,000 ms", single_lag <= 1),
    ]  # fmt: skip


def _run(world: World, name: str, total: int, batch: int) -> tuple[float, float]:
    """(events per second to the signed checkpoint, lag of the last one), median of 3 runs."""
    results = []
    for round_ in range(3):
        before, start = world.size(), perf_counter()
        for at in range(0, total, batch):
            world.append(f"{name}-{round_}-{at // 1_000}", batch)
        lag = world.until(before + total)
        results.append((total / (perf_counter() - start), lag))
    results.sort()
    return results[1]


def _bare_inserts(admin: str) -> tuple[float, float]:
    """A commit each of a row of the same size: in autocommit, and in a transaction block."""
    payload = b"x" * 900
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, entry bytea)")

        def insert() -> None:
            connection.execute("INSERT INTO bare (entry) VALUES (%s)", (payload,))

        def autocommit() -> int:
            for _ in range(SINGLE):
                insert()
            return SINGLE

        def transactions() -> int:
            for _ in range(SINGLE):
                with connection.transaction():
                    insert()
            return SINGLE

        return rate(autocommit, 3), rate(transactions, 3)


def _sum_of_parts(admin: str) -> float:
    """Events per second if signing, inserting and hashing were all there is, one after another."""
    signer = Ed25519Signer.generate()
    envelope = _envelope(signer)
    entry = sign_entry(envelope, signer)

    def sign() -> int:
        for _ in range(4_000):
            sign_entry(envelope, signer)
        return 4_000

    with psycopg.connect(admin) as connection:
        connection.execute("CREATE TABLE parts (id bigserial PRIMARY KEY, entry bytea)")
        connection.commit()

        def insert() -> int:
            for _ in range(10):
                connection.execute(
                    "INSERT INTO parts (entry) SELECT * FROM unnest(%s::bytea[])",
                    ([entry] * BATCH,),
                )
                connection.commit()
            return 10 * BATCH

        return 1 / (1 / rate(sign, 3) + 1 / rate(insert, 3))


def _envelope(signer: Ed25519Signer) -> Any:
    from anchoring.envelope import EventEnvelope

    loaded: Loaded[int] = Loaded(STREAM, TENANT, "bench-x", None, 0, None)
    return EventEnvelope(
        actor="bench", algorithm="ed25519", causation_id=None, correlation_id=None,
        effective_at="2013-02-01T15:30:00.000000Z", event_id=Uuid7Factory().new(),
        key_id=signer.key_id, origin=ORIGIN, payload=EVENT.payload(), previous=None,
        recorded_at="2013-02-01T15:30:00.000000Z", salt="ab" * 16, schema_version=1,
        stream_id=loaded.stream_id, stream_version=1, tenant_id=TENANT, type=EVENT.type,
    )  # fmt: skip
