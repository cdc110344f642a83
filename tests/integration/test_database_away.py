"""The database gone in the middle: 503 while it is away, then on as if nothing had been."""

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from backend.eventstore.database import Database
from backend.kernel.errors import DatabaseUnavailable
from backend.platform.postgres import EmbeddedPostgres
from backend.platform.processes.loop import Loop
from backend.platform.processes.parallel import run_loops
from backend.settlement.steps import WorkerPolicy
from tests.integration.blueprint import blueprint
from tests.integration.parties import ok, refused
from tests.integration.world import World, open_world

T = TypeVar("T")
pytestmark = [pytest.mark.db, pytest.mark.chain]


def cut_connections(world: World) -> int:
    """End every session of the world's database, as an administrator would."""
    with psycopg.connect(world.plan.server.url(), autocommit=True) as admin:
        name = world.conninfo.partition("dbname=")[2].split(" ")[0]
        rows = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        ).fetchall()
    return len(rows)


def until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def patiently(work: Callable[[], T]) -> T:
    """Again while cut connections are still in the pools, as a process's loop does."""
    for _ in range(20):
        with contextlib.suppress(DatabaseUnavailable):
            return work()
    raise AssertionError("the pools did not recover")


def test_cut_sessions_cost_at_most_one_answer_each_and_double_nothing(
    fresh_world: World,
) -> None:
    world = fresh_world
    keys = [str(uuid.uuid4()) for _ in range(8)]
    bodies = {key: world.order(world.alder, "buy", limit_price="600", quantity="1") for key in keys}
    for key, body in bodies.items():
        assert cut_connections(world) > 0
        answers = [world.alder.client.post("/orders", body, key=key)]
        while answers[-1].status_code == 503:
            problem = refused(answers[-1], 503, "database-unavailable")
            assert problem["retryable"]
            assert answers[-1].headers["retry-after"]
            answers.append(world.alder.client.post("/orders", body, key=key))
            assert len(answers) < 8
        assert answers[-1].status_code == 201
    assert len(world.alder.client.pages("/orders")) == len(keys)
    account = ok(world.alder.client.get(f"/accounts/{world.alder.account_id}"))
    assert float(account["reserved"]) == 600.0 * len(keys)
    patiently(world.pump)
    assert patiently(world.replay).equal


def test_a_session_cut_inside_a_transaction_leaves_nothing(fresh_world: World) -> None:
    from backend.eventstore.scope import Scope
    from backend.eventstore.store import Caller
    from backend.portfolio.service import PortfolioService

    world = fresh_world
    service = PortfolioService(None, None)  # type: ignore[arg-type] - neither is asked here
    scope = Scope.app(world.cedar.participant_id)
    with world.nothing_written():
        with pytest.raises(DatabaseUnavailable):
            with world.core.store.transaction(scope, Caller("test")) as uow:
                service.open_portfolio(uow, name="Half", base_currency="USD")
                uow.flush()
                cut_connections(world)
        until(world.core.database.ping)
        patiently(lambda: world.core.adopted())
    with world.core.store.transaction(scope, Caller("test")) as uow:
        service.open_portfolio(uow, name="Whole", base_currency="USD")
    names = [each["name"] for each in world.cedar.client.pages("/portfolios")]
    assert sorted(names) == ["Whole", "cedar"]


# ------------------------------------------------------------------------------ a stopped server


@pytest.fixture
def own_world(
    server_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Path]]:
    """A world on a PostgreSQL of its own, which the test may kill."""
    server = EmbeddedPostgres(server_home, disposable=True).start()
    try:
        plan = blueprint(server, tmp_path_factory.mktemp("blueprint"))
        with open_world(plan, tmp_path_factory.mktemp("own")) as world:
            yield world, server_home
    finally:
        server.close()


class Outage:
    """An immediate stop of the server (as a crash), and its return at the same address."""

    def __init__(self, home: Path, server: EmbeddedPostgres) -> None:
        self._home = home
        self._server = server
        self._again: EmbeddedPostgres | None = None

    def begin(self) -> None:
        pid = self._server.pid
        os.kill(pid, signal.SIGQUIT)
        self._server._process.wait(timeout=30)  # type: ignore[union-attr] - we started it

    def end(self) -> None:
        self._again = EmbeddedPostgres(self._home, disposable=True).start()

    def close(self) -> None:
        if self._again is not None:
            self._again.close()


def quick(world: World, seconds: float = 1.0) -> None:
    """Give up on a connection sooner than in production; nothing else is changed."""
    for core in (world.core, world.worker_core, world.anchorer_core):
        for pool in (core.database, core.lookups):
            assert isinstance(pool, Database)
            pool._pool.timeout = seconds


def test_an_immediate_stop_and_restart(own_world: tuple[World, Path]) -> None:
    world, home = own_world
    quick(world)
    # What a worker held when the server went is free again when its lease runs out.
    world.worker = world.settlement_worker(WorkerPolicy(poll=0.0, idle_poll=0.1, lease=1.0))
    before = world.balances()
    trade_id = world.trade("6")
    world.sign_both(trade_id)
    world.open_settlement_date()
    body, key = world.order(world.alder, "buy", limit_price="600"), str(uuid.uuid4())
    counts = world.counts()

    stop = threading.Event()
    failures: list[BaseException] = []
    threads = [_running(lambda: _sequence(world, stop), failures)]
    threads.append(_running(lambda: _work(world, stop), failures))
    outage = Outage(home, world.plan.server)
    try:
        until(lambda: world.settlement(trade_id)["state"] in ("SUBMITTED", "INCLUDED"))
        outage.begin()
        for _ in range(2):
            problem = refused(
                world.alder.client.post("/orders", body, key=key), 503, "database-unavailable"
            )
            assert problem["retryable"]
        refused(world.alder.client.get("/orders"), 503, "database-unavailable")
        ready = world.http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["database"] != "ok"
        assert world.http.get("/livez").status_code == 200
        assert all(each.is_alive() for each in threads), failures
        outage.end()
        until(lambda: world.alder.client.get("/orders").status_code == 200)
        ok(world.alder.client.post("/orders", body, key=key))
        again = world.alder.client.post("/orders", body, key=key)
        assert again.headers["idempotent-replayed"] == "true"

        def settled() -> bool:
            world.chain.node.mine()
            return bool(world.settlement(trade_id)["state"] == "FINAL")

        until(settled)
        until(lambda: world.books()["alder"][0] == before["alder"][0] + 6)
    finally:
        stop.set()
        for each in threads:
            each.join(timeout=20)
    try:
        assert failures == []
        assert not any(each.is_alive() for each in threads)
        assert world.counts()["orders"] == counts["orders"] + 1
        assert world.books() == world.balances()
        assert world.counts()["settlement_transactions"] == 1
        until(lambda: world.http.get("/readyz").status_code == 200)
        world.pump()
        assert world.replay().equal
        positions = [e["position"] for e in world.auditor.pages("/events", limit=200)]
        assert positions == list(range(len(positions)))
    finally:
        world.close()
        outage.close()


def _sequence(world: World, stop: threading.Event) -> None:
    Loop("sequencer", stop, 0.02).run(world.sequencer.step)


def _work(world: World, stop: threading.Event) -> None:
    def react() -> bool:
        return any(runner.step() for runner in world.venue.runners)

    steps = {"subscriptions": react, "settlement": world.worker.run_once}
    run_loops(steps, stop, 0.02)


def _running(work: Callable[[], None], failures: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
