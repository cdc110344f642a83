"""Idempotency, holdings, cash, unknown things, deposits: typed refusals and nothing half done."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.integration.blueprint import CHAIN_ID
from tests.integration.parties import ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

NOBODYS = "00000000-0000-7000-8000-0000000000ff"


# --------------------------------------------------------------------------------- idempotency


def test_the_same_key_and_body_give_the_first_answer(world: World) -> None:
    body, key = world.order(world.alder, "buy", limit_price="600"), str(uuid.uuid4())
    first = world.alder.client.post("/orders", body, key=key)
    with world.nothing_written():
        again = world.alder.client.post("/orders", body, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    body, key = world.order(world.alder, "buy", limit_price="600"), str(uuid.uuid4())
    ok(world.alder.client.post("/orders", body, key=key))
    with world.nothing_written():
        for changes in ({"quantity": "11"}, {"client_order_id": "another"}, {"side": "sell"}):
            answer = world.alder.client.post("/orders", {**body, **changes}, key=key)
            refused(answer, 422, "idempotency-key-reused")


def test_a_key_is_anothers_own(world: World) -> None:
    key = str(uuid.uuid4())
    mine = world.order(world.alder, "buy", limit_price="600")
    theirs = world.order(world.birch, "buy", limit_price="600", quantity="1")
    first = ok(world.alder.client.post("/orders", mine, key=key))
    second = ok(world.birch.client.post("/orders", theirs, key=key))
    assert first["order_id"] != second["order_id"]


@pytest.mark.parametrize("key", ["", "x" * 201, "k\tk"])
def test_a_key_must_be_short_printable_ascii(world: World, key: str) -> None:
    with world.nothing_written():
        body = world.order(world.alder, "buy")
        answer = world.alder.client.request(
            "POST", "/orders", json=body, headers={"Idempotency-Key": key}
        )
        code = "idempotency-key-missing" if key == "" else "value-invalid"
        refused(answer, 400 if key == "" else 422, code)
        answer = world.alder.client.request(
            "POST", "/orders", json=body, headers={b"Idempotency-Key": "ü".encode()}
        )
        refused(answer, 422, "value-invalid")


def test_writes_that_need_a_key_say_so(world: World) -> None:
    account, portfolio = world.alder.account_id, world.alder.portfolio_id
    deposit = evidence_of(world, world.alder)
    bodies = {
        "/orders": world.order(world.alder, "buy"),
        "/portfolios": {"name": "x", "base_currency": "USD"},
        f"/portfolios/{portfolio}/accounts": {
            "name": "x", "currency": "USD", "wallet_address": str(world.alder.wallet.address),
        },
        f"/accounts/{account}/deposits": deposit,
    }  # fmt: skip
    with world.nothing_written():
        for path, body in bodies.items():
            answer = world.alder.client.request("POST", path, json=body)
            refused(answer, 400, "idempotency-key-missing")


def test_eight_requests_at_once_with_one_key_make_one_order(world: World) -> None:
    """More requests than connections, and a clock due to be read again: none waits in vain."""
    time.sleep(0.6)
    body, key = world.order(world.alder, "buy", limit_price="601"), str(uuid.uuid4())
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: world.alder.client.post("/orders", body, key=key), range(8))
        )
    assert {each.status_code for each in answers} == {201}
    ids = {each.json()["order_id"] for each in answers if each.status_code == 201}
    assert len(ids) == 1
    found = world.rows(
        "SELECT count(*) AS n FROM orders WHERE client_order_id = %s", body["client_order_id"]
    )
    assert found[0]["n"] == 1


def test_more_accounts_at_once_than_the_pool_has_connections(world: World) -> None:
    wallet = str(world.alder.wallet.address)
    body = {"name": "Parallel", "currency": "USD", "wallet_address": wallet}
    path = f"/portfolios/{world.alder.portfolio_id}/accounts"

    def open_account(_: int) -> int:
        return world.alder.client.post(path, body).status_code

    assert world.settings.database_pool_size < 12
    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(open_account, range(12))) == {201}


def test_eight_orders_at_once_never_reserve_more_than_there_is(world: World) -> None:
    trader = world.birch
    held = ok(trader.client.get(f"/portfolios/{trader.portfolio_id}/holdings"))["items"][0]
    free = Decimal(held["units"]) - Decimal(held["reserved"])
    each_sells = (free / 3).quantize(Decimal(1))

    def place(_: int) -> int:
        body = world.order(trader, "sell", quantity=str(each_sells), limit_price="700")
        return trader.client.post("/orders", body).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(place, range(8)))
    assert set(statuses) <= {201, 422, 409}
    held = ok(trader.client.get(f"/portfolios/{trader.portfolio_id}/holdings"))["items"][0]
    assert Decimal(held["reserved"]) <= Decimal(held["units"])
    assert statuses.count(201) == 3 or 409 in statuses
    for order in trader.client.pages("/orders", status="accepted"):
        if order["limit_price"] == "700":
            ok(trader.client.post(f"/orders/{order['order_id']}/cancel"))
    world.pump()


def test_a_client_order_id_is_used_once(world: World) -> None:
    body = world.order(world.alder, "buy", limit_price="600")
    ok(world.alder.client.post("/orders", body))
    with world.nothing_written():
        refused(world.alder.client.post("/orders", body), 409, "conflict")


# --------------------------------------------------------------------------------- holdings, cash


def reserved(world: World, trader) -> tuple[Decimal, Decimal]:
    account = ok(trader.client.get(f"/accounts/{trader.account_id}"))
    held = ok(trader.client.get(f"/portfolios/{trader.portfolio_id}/holdings"))["items"]
    units = sum((Decimal(each["reserved"]) for each in held), Decimal(0))
    return Decimal(account["reserved"]), units


@pytest.mark.parametrize(
    ("who", "side", "quantity", "code"),
    [
        ("birch", "sell", "1001", "insufficient-units"),
        ("birch", "sell", "1000000", "insufficient-units"),
        ("cedar", "sell", "1", "insufficient-units"),
        ("cedar", "buy", "1", "insufficient-cash"),
        ("birch", "buy", "38", "insufficient-cash"),
    ],
)
def test_an_order_beyond_holdings_or_cash_reserves_nothing(
    world: World, who: str, side: str, quantity: str, code: str
) -> None:
    trader = getattr(world, who)
    world.pump()
    before = reserved(world, trader)
    books = world.counts()["book_orders"]
    answer = trader.client.post("/orders", world.order(trader, side, quantity=quantity))
    problem = refused(answer, 422, code)
    assert [check["passed"] for check in problem["checks"]].count(False) >= 1
    seen = ok(trader.client.get(f"/orders/{problem['order_id']}"))
    assert (seen["status"], seen["reject_code"]) == ("rejected", code)
    world.pump()
    assert reserved(world, trader) == before
    assert world.counts()["book_orders"] == books


def test_a_price_far_from_the_last_close_is_refused(world: World) -> None:
    body = world.order(world.alder, "buy", limit_price="6749.70", quantity="1")
    refused(world.alder.client.post("/orders", body), 422, "price-outside-collar")


def test_an_order_while_a_breaker_is_open_is_refused(world: World) -> None:
    ok(world.operator.post("/circuit-breakers/venue/trip", {"reason": "test"}))
    try:
        answer = world.alder.client.post("/orders", world.order(world.alder, "buy"))
        refused(answer, 422, "circuit-breaker-open")
    finally:
        ok(world.operator.post("/circuit-breakers/venue/reset", {"reason": "test"}))


# --------------------------------------------------------------------------------- unknown things


@pytest.mark.parametrize("security", [NOBODYS, NOBODYS.upper(), "not-an-id", "", "AAPL"])
def test_an_unknown_security_is_named_as_such(world: World, security: str) -> None:
    with world.nothing_written():
        body = world.order(world.alder, "buy", security_id=security)
        answer = world.alder.client.post("/orders", body)
        known_form = security == NOBODYS
        status, code = (404, "security-unknown") if known_form else (422, "value-invalid")
        refused(answer, status, code)
        if known_form:
            path = f"/securities/{security}"
            refused(world.alder.client.get(path), 404, "security-unknown")
            priced = world.alder.client.get(f"{path}/price", on="2012-09-04")
            assert priced.json()["code"] in ("security-unknown", "price-unavailable")


def test_an_unknown_account_or_order(world: World) -> None:
    with world.nothing_written():
        body = world.order(world.alder, "buy", account_id=NOBODYS)
        refused(world.alder.client.post("/orders", body), 404, "not-found")
        refused(world.alder.client.post(f"/orders/{NOBODYS}/cancel"), 404, "not-found")
        refused(world.alder.client.get(f"/orders/{NOBODYS}"), 404, "not-found")
        refused(world.alder.client.get(f"/events/{NOBODYS}/proof"), 404, "not-found")


def test_a_price_nobody_has(world: World) -> None:
    path = f"/securities/{world.security.security_id}/price"
    refused(world.alder.client.get(path, on="1990-01-01"), 422, "price-unavailable")
    for on in ("2012-13-01", "yesterday", "", "2012-09-04T00:00:01"):
        refused(world.alder.client.get(path, on=on), 422, "value-invalid")


def test_an_unknown_path_or_method_is_a_problem(world: World) -> None:
    refused(world.alder.client.get("/nothing"), 404, "not-found")
    refused(world.alder.client.request("DELETE", "/orders"), 405, "method-not-allowed")
    refused(world.alder.client.request("PATCH", "/me", json={}), 405, "method-not-allowed")


def test_a_fault_of_ours_is_a_problem_that_says_nothing_of_the_inside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(world.core.database, "transaction", broken)
    answer = world.alder.client.get("/orders")
    assert "secret" not in str(refused(answer, 500, "invariant-broken"))


# --------------------------------------------------------------------------------- deposits


def evidence_of(world: World, trader) -> dict:
    row = world.rows(
        "SELECT chain_id, tx_hash, log_index FROM deposits WHERE account_id = %s LIMIT 1",
        trader.account_id,
    )[0]
    return {**row, "chain_id": int(row["chain_id"])}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"tx_hash": "0x" + "ab" * 32}, 422, "deposit-unproven"),
        ({"log_index": 99}, 422, "deposit-unproven"),
        ({"chain_id": 1}, 422, "deposit-unproven"),
        ({"chain_id": 0}, 422, "value-invalid"),
        ({"chain_id": "31337"}, 422, "value-invalid"),
        ({"chain_id": 2**70}, 422, "deposit-unproven"),
        ({"log_index": -1}, 422, "value-invalid"),
        ({"log_index": 2**70}, 422, "deposit-unproven"),
        ({"tx_hash": "0x" + "AB" * 32}, 422, "value-invalid"),
        ({"tx_hash": "ab" * 32}, 422, "value-invalid"),
        ({"acquired_on": "2012-02-30"}, 422, "value-invalid"),
        ({"amount": "1000000"}, 422, "value-invalid"),
    ],
)
def test_a_deposit_that_the_chain_does_not_show(
    world: World, changes: dict, status: int, code: str
) -> None:
    body = {**evidence_of(world, world.alder), **changes}
    with world.nothing_written():
        answer = world.alder.client.post(f"/accounts/{world.alder.account_id}/deposits", body)
        refused(answer, status, code)


def test_a_deposit_counts_once_and_for_its_wallet_only(world: World) -> None:
    body = evidence_of(world, world.alder)
    books = world.books()
    with world.nothing_written():
        answer = world.birch.client.post(f"/accounts/{world.birch.account_id}/deposits", body)
        refused(answer, 422, "deposit-unproven")
    repeated = world.alder.client.post(f"/accounts/{world.alder.account_id}/deposits", body)
    assert repeated.status_code in (201, 409), repeated.text
    wallet = str(world.alder.wallet.address)
    other = ok(
        world.alder.client.post(
            f"/portfolios/{world.alder.portfolio_id}/accounts",
            {"name": "Second", "currency": "USD", "wallet_address": wallet},
        )
    )["id"]
    with world.nothing_written():
        answer = world.alder.client.post(f"/accounts/{other}/deposits", body)
        refused(answer, 409, "deposit-evidence-used")
    assert world.books() == books


def test_a_deposit_is_not_taken_before_its_block_is_final(world: World) -> None:
    from backend.platform.demo.chain import DevelopmentChain

    deployer = DevelopmentChain(world.chain.node, world.home, CHAIN_ID).deployer()
    cash = world.plan.deployment.cash["USD"]
    minted = deployer.mint(cash.address, str(world.cedar.wallet.address), 5 * 10**cash.decimals)
    body = {"chain_id": CHAIN_ID, "tx_hash": minted.tx_hash, "log_index": minted.log_index}
    path = f"/accounts/{world.cedar.account_id}/deposits"
    with world.nothing_written():
        refused(world.cedar.client.post(path, body), 422, "deposit-unproven")
    world.chain.node.finalize()
    ok(world.cedar.client.post(path, body))
    assert world.books()["cedar"] == (Decimal(0), Decimal(5))


def test_after_all_of_it_the_log_still_replays(world: World) -> None:
    world.pump()
    report = world.replay()
    assert report.equal, report.differences


@pytest.mark.parametrize("part", ["prices", "actions"])
def test_a_series_of_an_unknown_security_is_not_an_empty_one(world: World, part: str) -> None:
    period = {"from": "2012-09-01", "to": "2012-09-04"}
    answer = world.alder.client.get(f"/securities/{NOBODYS}/{part}", **period)
    refused(answer, 404, "security-unknown")
