"""The chain's node unreachable, at the start and in the middle: waited out, never doubled."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.kernel.errors import DomainError, ErrorCode
from backend.platform.bootstrap import open_core
from backend.platform.processes.api import application
from backend.settlement.chain.adapter import Web3SettlementChain
from backend.settlement.chain.node import Node
from backend.settlement.worker import SettlementWorker
from tests.integration.blueprint import settings_for
from tests.integration.parties import Client, ok, refused
from tests.integration.world import FAST, World

pytestmark = [pytest.mark.db, pytest.mark.chain]

DEAD = "http://127.0.0.1:9"
EVIDENCE = {"chain_id": 31_337, "tx_hash": "0x" + "ab" * 32, "log_index": 0}


def signed_world(world: World) -> str:
    """A trade both sides consented to, on its settlement date."""
    trade_id = world.trade("5")
    world.sign_both(trade_id)
    world.open_settlement_date()
    assert world.settlement(trade_id)["state"] == "SIGNED"
    return trade_id


def work(world: World, trade_id: str) -> dict[str, Any]:
    (row,) = world.rows("SELECT * FROM settlement_work WHERE trade_id = %s", trade_id)
    return row


def must_settle_once(world: World, trade_id: str, before: dict[str, Any]) -> None:
    """Drive to the end; the legs moved once and the books follow once."""
    assert world.settle(trade_id)["state"] == "FINAL"
    after = world.balances()
    assert after["birch"][0] == before["birch"][0] - 5
    assert after["alder"][0] == before["alder"][0] + 5
    assert world.books() == after
    assert sum(each[1] for each in after.values()) == sum(each[1] for each in before.values())
    world.worker.drain(5)
    world.pump()
    booked = world.rows("SELECT count(*) AS n FROM booked_trades WHERE trade_id = %s", trade_id)
    assert booked[0]["n"] == 2
    assert world.replay().equal


def test_at_the_start_the_api_serves_what_needs_no_chain(fresh_world: World) -> None:
    world = fresh_world
    settings = settings_for(world.home.root, DEAD)
    with (
        open_core(settings, "api", world.conninfo) as core,
        TestClient(application(core), raise_server_exceptions=False) as http,
    ):
        ready = http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["chain"] != "ok"
        assert ready.json()["checks"]["database"] == "ok"
        assert http.get("/livez").status_code == 200
        alder = Client(http, world.alder.token)
        ok(alder.post("/orders", world.order(world.alder, "buy", limit_price="600")))
        with world.nothing_written():
            answer = alder.post(f"/accounts/{world.alder.account_id}/deposits", EVIDENCE)
            problem = refused(answer, 503, "node-unavailable")
            assert problem["retryable"]
            assert answer.headers["retry-after"]


def test_readiness_names_the_chain_while_it_is_away(fresh_world: World) -> None:
    world = fresh_world
    assert world.http.get("/readyz").json()["checks"]["chain"] == "ok"
    world.chain.stop()
    assert world.http.get("/readyz").status_code == 503
    with world.nothing_written():
        path = f"/accounts/{world.alder.account_id}/deposits"
        refused(world.alder.client.post(path, EVIDENCE), 503, "node-unavailable")
    world.chain.start()
    assert world.http.get("/readyz").json()["checks"]["chain"] == "ok"
    path = f"/accounts/{world.alder.account_id}/deposits"
    refused(world.alder.client.post(path, EVIDENCE), 422, "deposit-unproven")


def test_a_node_that_goes_while_a_trade_is_signed(fresh_world: World) -> None:
    world = fresh_world
    before = world.balances()
    trade_id = signed_world(world)
    events = world.counts()["events"]
    world.chain.stop()
    for attempt in range(1, 4):
        assert world.worker.run_once()
        row = work(world, trade_id)
        assert row["attempts"] == attempt
        assert "node-unavailable" in row["last_error"]
    assert world.settlement(trade_id)["state"] == "SIGNED"
    assert world.counts()["events"] == events
    assert world.counts()["settlement_transactions"] == 0
    world.chain.start()
    must_settle_once(world, trade_id, before)
    assert world.counts()["settlement_transactions"] == 1


def test_a_node_that_loses_a_submitted_transaction(fresh_world: World) -> None:
    """It was in the pool only: after the restart the same bytes are sent again."""
    world = fresh_world
    before = world.balances()
    trade_id = signed_world(world)
    world.chain.node.call("evm_setAutomine", False)
    world.worker.run_once()
    assert world.settlement(trade_id)["state"] == "SUBMITTED"
    world.chain.stop()
    world.worker.run_once()
    world.chain.start()
    assert world.balances() == before
    must_settle_once(world, trade_id, before)
    assert world.counts()["settlement_transactions"] == 1


def test_what_was_lost_is_sent_again_though_nobody_mines(fresh_world: World) -> None:
    world = fresh_world
    trade_id = signed_world(world)
    world.chain.node.call("evm_setAutomine", False)
    world.worker.run_once()
    world.chain.stop()
    world.chain.start()
    for _ in range(5):
        world.worker.run_once()
    assert world.settlement(trade_id)["state"] == "INCLUDED", work(world, trade_id)["last_error"]


class _Cut(Web3SettlementChain):
    """The network goes in the very moment of sending."""

    def broadcast(self, raw: str) -> None:
        with_dead = Web3SettlementChain(
            Node(DEAD, self.domain.chain_id), self.domain.contract, self._signer
        )
        with_dead.broadcast(raw)


def test_a_kill_between_record_and_broadcast(fresh_world: World) -> None:
    world = fresh_world
    before = world.balances()
    trade_id = signed_world(world)
    inner = world.worker._chain
    cut = _Cut(inner._node, inner.domain.contract, inner._signer)
    core = world.worker_core
    worker = SettlementWorker(core.store, cut, world.venue.breakers, "cut", lambda: 0.0, FAST)
    worker.run_once()
    assert world.settlement(trade_id)["state"] == "SUBMITTED"
    assert world.balances() == before
    must_settle_once(world, trade_id, before)
    assert world.counts()["settlement_transactions"] == 1


def test_two_workers_over_a_restart_settle_once(fresh_world: World) -> None:
    world = fresh_world
    before = world.balances()
    trade_id = signed_world(world)
    other = world.settlement_worker(owner="w2")
    world.chain.stop()
    other.run_once()
    world.worker.run_once()
    world.chain.start()
    for _ in range(3):
        other.run_once()
        world.worker.run_once()
    must_settle_once(world, trade_id, before)
    assert world.counts()["settlement_transactions"] == 1


def test_a_reorganisation_under_a_settlement_is_settled_again_once(fresh_world: World) -> None:
    world = fresh_world
    before = world.balances()
    trade_id = signed_world(world)
    world.worker.drain(2)
    assert world.settlement(trade_id)["state"] == "INCLUDED"
    assert world.books()["birch"] == before["birch"], "books follow finality, not inclusion"
    world.chain.node.call("anvil_rollback", 1)
    world.chain.node.mine()
    assert world.balances() == before
    world.worker.run_once()
    assert world.settlement(trade_id)["state"] == "REORGED"
    must_settle_once(world, trade_id, before)


def test_a_worker_refuses_a_node_of_another_chain(fresh_world: World) -> None:
    world = fresh_world
    with pytest.raises(DomainError) as caught:
        Web3SettlementChain(
            Node(world.chain.url, 1), world.venue.domain.contract, world.worker._chain._signer
        ).verify()
    assert caught.value.code is ErrorCode.CHAIN_MISMATCH
