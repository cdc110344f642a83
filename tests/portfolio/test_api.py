"""The books over HTTP: real routes, real tables."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.kernel.clock import FixedClock
from backend.portfolio.api import router
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency
from backend.web.middleware import RequestContext
from backend.web.paging import Cursors
from backend.web.problems import install
from tests.portfolio.books import DAY, money, units
from tests.portfolio.participants import a_busy_account

pytestmark = pytest.mark.db


class Tokens:
    def __init__(self, principals):
        self.principals = principals

    def principal_of(self, token):
        return self.principals.get(token)


@pytest.fixture
def client(books_store, service, queries, alice, bob):
    principals = {
        name: Principal(who.tenant, name, frozenset({role}))
        for name, who, role in (
            ("alice", alice, "trader"),
            ("bob", bob, "trader"),
            ("watcher", alice, "operator"),
        )
    }
    app = FastAPI()
    install(app)
    app.include_router(
        router(
            service,
            queries,
            Authenticator(Tokens(principals)),
            Idempotency(books_store),
            Cursors(b"a secret of the test"),
            FixedClock(books_store.clock.now()),
        )
    )
    app.add_middleware(RequestContext)
    return TestClient(app)


def get(client, path, who="alice", **params):
    headers = {"Authorization": f"Bearer {who}"}
    return client.get(f"/api/v1{path}", headers=headers, params=params)


def post(client, path, body, key, who="alice"):
    headers = {"Authorization": f"Bearer {who}", "Idempotency-Key": key}
    return client.post(f"/api/v1{path}", headers=headers, json=body)


def test_a_portfolio_and_an_account_are_opened_once_per_key(client, alice):
    body = {"name": "Second", "base_currency": "USD"}
    first = post(client, "/portfolios", body, "k1")
    again = post(client, "/portfolios", body, "k1")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    account = {"name": "B", "currency": "USD", "wallet_address": alice.wallet}
    made = post(client, f"/portfolios/{first.json()['id']}/accounts", account, "k2")
    assert made.status_code == 201
    shown = get(client, f"/accounts/{made.json()['id']}").json()
    assert (shown["available"], shown["lot_method"]) == ("0", "fifo")
    assert len(get(client, "/portfolios").json()["items"]) == 2


def test_a_deposit_takes_its_amount_from_the_chain(client, alice, chain):
    proof = chain.shows(money("25.50"), alice.wallet)
    body = {"chain_id": proof.chain_id, "tx_hash": proof.tx_hash, "log_index": proof.log_index}
    path = f"/accounts/{alice.account}/deposits"
    assert post(client, path, body, "d1").status_code == 201
    assert get(client, f"/accounts/{alice.account}").json()["balance"] == "25.50"
    assert post(client, path, {**body, "amount": "99"}, "d2").status_code == 422
    kind = chain.shows(units("2"), alice.wallet)
    body = {"chain_id": kind.chain_id, "tx_hash": kind.tx_hash, "log_index": kind.log_index}
    assert post(client, path, body, "d3").json()["code"] == "value-invalid"
    body["unit_cost"] = {"amount": "3.25", "currency": "USD"}
    assert post(client, path, body, "d3").status_code == 201


def test_holdings_lots_and_ledger_are_decimal_strings_in_pages(client, alice, chain):
    a_busy_account(alice, chain)
    (item,) = get(client, f"/portfolios/{alice.portfolio}/holdings").json()["items"]
    assert (item["units"], item["cost"], item["unrealised_gain"]) == ("4", "38.67", "11.33")
    assert item["price_on"] == DAY.isoformat()
    assert len(get(client, f"/accounts/{alice.account}/lots").json()) == 1
    assert len(get(client, f"/accounts/{alice.account}/lots", closed=True).json()) == 2
    seen, cursor = [], None
    for _ in range(4):
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = get(client, f"/accounts/{alice.account}/ledger", **params).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert page["has_more"] is False
    whole = get(client, f"/accounts/{alice.account}/ledger").json()["items"]
    assert seen == whole
    assert whole[0]["kind"] == "trade_booked"


def test_another_tenant_finds_nothing_and_an_operator_changes_nothing(client, alice):
    for path in (f"/portfolios/{alice.portfolio}", f"/accounts/{alice.account}/ledger"):
        assert get(client, path).status_code == 200
        assert get(client, path, who="bob").status_code == 404
        assert client.get(f"/api/v1{path}").status_code == 401
    body = {"name": "x", "base_currency": "USD"}
    assert post(client, "/portfolios", body, "k", who="watcher").status_code == 403
    assert get(client, f"/accounts/{alice.account}", who="watcher").status_code == 200


def test_a_foreign_cursor_is_refused(client, alice):
    answer = get(client, f"/accounts/{alice.account}/ledger", cursor="AAAA")
    assert answer.json()["code"] == "cursor-invalid"
