"""Every route of the document as nobody, in the wrong role, and with another participant's ids."""

import re
from typing import Any

import pytest

from tests.api.test_requests import evidence_of
from tests.integration.parties import Trader, ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

# What anyone may call without a token. Nothing else.
PUBLIC = {
    "GET /api/v1/log",
    "GET /api/v1/anchors",
    "GET /api/v1/index/commitments",
    "GET /api/v1/config",
    "GET /api/v1/status",
    "GET /api/v1/chain/blocks/{number}",
    "GET /livez",
    "GET /readyz",
    "GET /log/checkpoint",
    "GET /log/keys",
    "GET /log/policy",
    "GET /log/tile/{path}",
}
# Needs no credentials because it is given them in its body.
SIGN_IN = {"POST /api/v1/sessions"}
# Answers to a browser's cookie only: a token is no session.
COOKIE = {"GET /api/v1/session", "DELETE /api/v1/session"}
# Roles that admit a caller, by route; what is not listed here and not public fails the test.
OPERATOR = {
    "GET /api/v1/log/range-proof",
    "PUT /api/v1/participants/{participant_id}",
    "POST /api/v1/participants/{participant_id}/tokens",
    "POST /api/v1/participants/{participant_id}/contacts/{contact_id}/erasure",
    "POST /api/v1/securities",
    "PUT /api/v1/securities/{security_id}/token",
    "PUT /api/v1/cash-tokens/{currency}",
    "POST /api/v1/circuit-breakers/{scope}/trip",
    "POST /api/v1/circuit-breakers/{scope}/reset",
    "PUT /api/v1/limits",
    "GET /api/v1/settlements",
    "GET /api/v1/settlements/{trade_id}",
    "POST /api/v1/anchors",
}
# Reference data: the same for every caller with a token.
REFERENCE = {
    "GET /api/v1/securities/{security_id}",
    "GET /api/v1/securities/{security_id}/price",
    "GET /api/v1/securities/{security_id}/prices",
    "GET /api/v1/securities/{security_id}/actions",
    "GET /api/v1/rates/{base}/{quote}",
    "GET /api/v1/books/{security_id}",
}
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


def operations(world: World) -> dict[str, dict[str, Any]]:
    """Every operation of the document, by "METHOD /path"."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in world.app.openapi()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@pytest.fixture(scope="module")
def owned(world: World) -> dict[str, str]:
    """Ids that belong to Birch (and one to Alder), by the name of the path parameter."""
    trade_id = world.trade("1")
    world.index()
    instruction = world.instruction(world.birch, trade_id)
    order = world.birch.client.pages("/orders")[0]
    event = world.birch.client.pages("/events")[0]
    contact = ok(world.birch.client.post("/contacts", {"name": "B", "purpose": "settlement"}))
    return {
        "order_id": order["order_id"],
        "account_id": world.birch.account_id,
        "portfolio_id": world.birch.portfolio_id,
        "instruction_id": instruction["instruction_id"],
        "event_id": event["event_id"],
        "stream_id": f"account-{world.birch.account_id}",
        "contact_id": contact["id"],
        "participant_id": world.birch.participant_id,
        "security_id": world.security.security_id,
        "scope": "venue",
        "currency": "USD",
        "base": "USD",
        "quote": "EUR",
        "path": "0/000.p/1",
        "trade_id": trade_id,
        "number": "1",
    }


def fill(path: str, owned: dict[str, str]) -> str:
    names = re.findall(r"{(\w+)}", path)
    assert set(names) <= set(owned), f"give the test an id for {path}"
    return path.format(**owned)


def body_of(world: World, operation: str) -> Any:
    """A body that is valid but for whose it is."""
    wallet = {"address": str(world.cedar.wallet.address), "chain_id": 31_337}
    evidence = evidence_of(world, world.birch)
    bodies: dict[str, Any] = {
        "PUT /api/v1/participants/{participant_id}": {"name": "x"},
        "POST /api/v1/participants/{participant_id}/tokens": {"label": "x", "roles": ["operator"]},
        "POST /api/v1/sessions": {"token": "tally_unknown"},
        "DELETE /api/v1/session": None,
        "POST /api/v1/wallet-statements": wallet,
        "POST /api/v1/wallets": {**wallet, "signature": "0x" + "11" * 65},
        "POST /api/v1/anchors": {},
        "POST /api/v1/proofs": {"event_ids": ["0190b1c2-0000-7000-8000-00000000beef"]},
        "POST /api/v1/securities": {
            "isin": "US0231351067", "ticker": "AMZN", "name": "Amazon", "currency": "USD",
            "asset_class": "equity", "mic": "XNAS",
        },
        "PUT /api/v1/securities/{security_id}/token": {
            "chain_id": 1, "token_address": "0x" + "22" * 20, "decimals": 6,
        },
        "PUT /api/v1/cash-tokens/{currency}": {
            "chain_id": 1, "token_address": "0x" + "22" * 20, "decimals": 6,
        },
        "POST /api/v1/portfolios": {"name": "x", "base_currency": "USD"},
        "POST /api/v1/portfolios/{portfolio_id}/accounts": {
            "name": "x", "currency": "USD", "wallet_address": wallet["address"],
        },
        "POST /api/v1/accounts/{account_id}/deposits": evidence,
        "POST /api/v1/circuit-breakers/{scope}/trip": {"reason": "x"},
        "POST /api/v1/circuit-breakers/{scope}/reset": {"reason": "x"},
        "PUT /api/v1/limits": {"tenant_id": world.cedar.participant_id, "reason": "x"},
        "POST /api/v1/orders": world.order(world.birch, "sell"),
        "POST /api/v1/orders/{order_id}/cancel": None,
        "POST /api/v1/instructions/{instruction_id}/signature": {"signature": "0x" + "11" * 65},
        "POST /api/v1/contacts": {"name": "B", "purpose": "settlement"},
        "PATCH /api/v1/contacts/{contact_id}": {"name": "C"},
        "DELETE /api/v1/contacts/{contact_id}": None,
        "POST /api/v1/contacts/{contact_id}/restore": None,
        "POST /api/v1/participants/{participant_id}/contacts/{contact_id}/erasure": {
            "reason": "unlawful",
        },
    }  # fmt: skip
    assert operation in bodies, f"give the test a body for {operation}"
    return bodies[operation]


def call(world: World, operation: str, path: str, token: str | None) -> Any:
    """The request with a valid body and the query it needs."""
    method = operation.split(" ")[0]
    headers = {"Idempotency-Key": f"access {operation}"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if method == "GET":
        period = {"on": "2012-09-04", "from": "2012-09-01", "to": "2012-09-04"}
        return world.http.get(path, params=period, headers=headers)
    query = {"reason": "unlawful"} if operation.startswith("DELETE /api/v1/contacts/") else {}
    body = body_of(world, operation)
    return world.http.request(method, path, params=query, json=body, headers=headers)


def test_the_document_names_every_route(world: World) -> None:
    documented = set(operations(world))
    routes = _routes(world.app.router.routes)
    assert {each for each in routes if each.split(" ")[1].startswith("/api/v1/")} <= documented
    assert len(documented) > 35
    assert documented >= PUBLIC | SIGN_IN | COOKIE | OPERATOR | REFERENCE, "a listed route is gone"


def _routes(routes: Any) -> set[str]:
    found: set[str] = set()
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        if inner:
            found |= _routes(inner)
        elif getattr(route, "include_in_schema", False):
            found |= {f"{method} {route.path}" for method in route.methods - {"HEAD"}}
    return found


def test_nobody_gets_no_further_than_401(world: World, owned: dict[str, str]) -> None:
    let_in = []
    with world.nothing_written():
        for operation in operations(world):
            path = fill(operation.split(" ")[1], owned)
            for token in (None, "", "tally_wrong", "x" * 5_000):
                answer = call(world, operation, path, token)
                if operation in PUBLIC:
                    assert answer.status_code in (200, 404), (operation, answer.text)
                elif answer.status_code != 401:
                    let_in.append((operation, token and token[:5], answer.status_code))
                else:
                    refused(answer, 401, "unauthenticated")
    assert let_in == []


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic dTpw", "bearer", "Token x", "Bearer a b", "Bearer é"]
)
def test_a_strange_authorization_header_is_no_credential(world: World, header: str) -> None:
    answer = world.http.get("/api/v1/me", headers={b"Authorization": header.encode()})
    refused(answer, 401, "unauthenticated")


def test_a_token_is_no_session(world: World) -> None:
    with world.nothing_written():
        for operation in COOKIE:
            answer = call(world, operation, operation.split(" ")[1], world.cedar.token)
            refused(answer, 401, "unauthenticated")


def test_a_participant_is_no_operator(world: World, owned: dict[str, str]) -> None:
    with world.nothing_written():
        for operation in OPERATOR:
            path = fill(operation.split(" ")[1], owned)
            refused(call(world, operation, path, world.cedar.token), 403, "forbidden")


def test_an_operator_is_no_trader(world: World, owned: dict[str, str]) -> None:
    traders_own = (
        "POST /api/v1/orders",
        "POST /api/v1/orders/{order_id}/cancel",
        "POST /api/v1/instructions/{instruction_id}/signature",
        "POST /api/v1/portfolios",
        "POST /api/v1/accounts/{account_id}/deposits",
        "POST /api/v1/wallets",
        "GET /api/v1/orders/{order_id}",
        "GET /api/v1/instructions/{instruction_id}",
    )
    with world.nothing_written():
        for operation in traders_own:
            path = fill(operation.split(" ")[1], owned)
            refused(call(world, operation, path, world.plan.operator), 403, "forbidden")


def test_what_is_anothers_does_not_exist(world: World, owned: dict[str, str]) -> None:
    """Generated over the document: every route with an id, called with another's."""
    tried = 0
    with world.nothing_written():
        for operation in operations(world):
            path = operation.split(" ")[1]
            if "{" not in path or operation in PUBLIC | OPERATOR | REFERENCE:
                continue
            if path.startswith("/log/"):
                continue
            answer = call(world, operation, fill(path, owned), world.cedar.token)
            refused(answer, 404, "not-found")
            tried += 1
    assert tried >= 12


def test_what_is_ones_own_does(world: World, owned: dict[str, str]) -> None:
    """The control: the owner gets an answer from each of these reads."""
    for operation in operations(world):
        path = operation.split(" ")[1]
        reads = operation.startswith("GET /api/v1/") and "{" in path
        if not reads or operation in OPERATOR | COOKIE or "/rates/" in path:
            continue
        answer = call(world, operation, fill(path, owned), world.birch.token)
        assert answer.status_code == 200, (operation, answer.text)


def test_lists_hold_ones_own_only(world: World, owned: dict[str, str]) -> None:
    cedar = world.cedar.client
    for path in ("/orders", "/trades", "/instructions", "/events"):
        assert world.birch.client.pages(path)
    assert cedar.pages("/orders") == cedar.pages("/trades") == cedar.pages("/instructions") == []
    assert [each["portfolio_id"] for each in cedar.pages("/portfolios")] == [
        world.cedar.portfolio_id
    ]
    text = str(cedar.pages("/events")) + str(cedar.pages("/portfolios"))
    for name in ("account_id", "portfolio_id", "participant_id"):
        assert owned[name] not in text
    for path, query in (
        ("/orders", {"account_id": owned["account_id"]}),
        ("/trades", {"order_id": owned["order_id"]}),
        ("/events", {"stream_id": f"account-{owned['account_id']}"}),
        ("/events", {"stream_id": f"settlement-{owned['trade_id']}"}),
    ):
        assert cedar.pages(path, **query) == []


def test_anothers_cursor_shows_nothing_of_theirs(world: World, owned: dict[str, str]) -> None:
    page = ok(world.birch.client.get("/events", limit=1))
    mine = ok(world.cedar.client.get("/events", cursor=page["next_cursor"]))["items"]
    own = {each["event_id"] for each in world.cedar.client.pages("/events")}
    assert {each["event_id"] for each in mine} <= own


def test_the_venues_events_are_for_auditors(world: World, owned: dict[str, str]) -> None:
    (event,) = [
        each
        for each in world.auditor.pages("/events", limit=200)
        if each["stream_id"] == f"settlement-{owned['trade_id']}"
    ][:1]
    for part in ("", "/proof"):
        for who in (world.birch, world.alder, world.cedar):
            path = f"/events/{event['event_id']}{part}"
            refused(who.client.get(path), 404, "not-found")
        ok(world.auditor.get(f"/events/{event['event_id']}{part}"))


def test_ordering_for_another_account_is_refused(world: World, owned: dict[str, str]) -> None:
    with world.nothing_written():
        for trader in (world.cedar, world.alder):
            body = world.order(world.birch, "sell", quantity="1")
            refused(trader.client.post("/orders", body), 404, "not-found")


def test_an_account_cannot_be_opened_with_anothers_wallet(world: World) -> None:
    body = {
        "name": "x", "currency": "USD", "wallet_address": str(world.birch.wallet.address),
    }  # fmt: skip
    with world.nothing_written():
        path = f"/portfolios/{world.cedar.portfolio_id}/accounts"
        refused(world.cedar.client.post(path, body), 404, "wallet-unknown")


def test_an_investor_reads_and_does_not_trade(world: World, owned: dict[str, str]) -> None:
    issued = {"label": "read only", "roles": ["investor"]}
    path = f"/participants/{world.birch.participant_id}/tokens"
    reader = world.client(ok(world.operator.post(path, issued))["token"])
    assert ok(reader.get(f"/orders/{owned['order_id']}"))
    with world.nothing_written():
        refused(reader.post("/orders", world.order(world.birch, "sell")), 403, "forbidden")
        refused(reader.post(f"/orders/{owned['order_id']}/cancel"), 403, "forbidden")


def test_entry_bundles_are_for_auditors_only(world: World) -> None:
    world.sequence()
    size = ok(world.nobody.get("/log"))["size"]
    path = f"/log/tile/entries/000.p/{size}" if size < 256 else "/log/tile/entries/000"
    assert _at_root(world.nobody, path) == 401
    for who in (world.alder.client, world.operator):
        assert _at_root(who, path) == 403
    assert _at_root(world.auditor, path) == 200
    assert _at_root(world.nobody, path.replace("entries", "0")) == 200


def _at_root(client: Any, path: str) -> int:
    headers = {} if client.token is None else {"Authorization": f"Bearer {client.token}"}
    return int(client.http.get(path, headers=headers).status_code)


def test_health_says_nothing_of_anyone(world: World, owned: dict[str, str]) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        text = world.http.get(path).text
        for trader in (world.alder, world.birch):
            assert isinstance(trader, Trader)
            assert trader.participant_id not in text
            assert trader.token not in text
