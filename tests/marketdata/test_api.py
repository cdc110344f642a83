"""Reference data over HTTP: who may, what comes back, what is refused."""

from datetime import date

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.marketdata import api as marketdata_api
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.domain import SeriesKind
from backend.marketdata.service import ImportService
from backend.securities import api as securities_api
from backend.securities.service import SecuritiesService
from backend.securities.store import SecurityTable
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency
from backend.web.middleware import RequestContext
from backend.web.paging import Cursors
from backend.web.problems import install
from tests.securities.reference import OPERATOR, TENANT

pytestmark = pytest.mark.db

APPLE = {
    "isin": "US0378331005",
    "ticker": "AAPL",
    "name": "Apple Inc.",
    "currency": "USD",
    "asset_class": "equity",
    "mic": "XNAS",
}
IBM = {**APPLE, "isin": "US4592001014", "ticker": "IBM", "name": "IBM", "mic": "XNYS"}
TOKEN = {
    "chain_id": 31337,
    "token_address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "decimals": 6,
}


class KnownTokens:
    """One token per role."""

    def principal_of(self, token):
        return Principal(TENANT, token, frozenset({token}))


@pytest.fixture
def client(store):
    app = FastAPI()
    auth, cursors = Authenticator(KnownTokens()), Cursors(b"secret")
    service = SecuritiesService(store)
    idempotency = Idempotency(store)
    for routes in (
        securities_api.router(store, service, auth, cursors, idempotency),
        marketdata_api.router(store, auth, cursors, SecurityTable),
    ):
        app.include_router(routes)
    install(app)
    app.add_middleware(RequestContext)
    return TestClient(app, base_url="http://test/api/v1")


def headers(role, key=None):
    made = {"Authorization": f"Bearer {role}"}
    return {**made, "Idempotency-Key": key} if key else made


def register(client, body, key="k"):
    return client.post("/securities", json=body, headers=headers("operator", key))


def test_an_operator_registers_and_an_investor_finds(client):
    made = register(client, APPLE)
    assert made.status_code == 201
    assert made.json()["token"] is None
    security_id = made.json()["security_id"]
    for path in (f"/securities/{security_id}",):
        assert client.get(path, headers=headers("investor")).json() == made.json()
    for query in ("isin=US0378331005", "ticker=AAPL", "ticker=AAPL&isin=US0378331005", ""):
        found = client.get(f"/securities?{query}", headers=headers("investor")).json()
        assert found["items"] == [made.json()]
    found = client.get("/securities?ticker=IBM", headers=headers("investor")).json()
    assert found == {"items": [], "next_cursor": None, "has_more": False}


def test_a_repeated_request_registers_once(client):
    first, again = register(client, APPLE, "one"), register(client, APPLE, "one")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert register(client, IBM, "one").json()["code"] == "idempotency-key-reused"
    assert register(client, APPLE, "two").json()["code"] == "security-duplicate"


def test_only_an_operator_writes(client):
    assert client.get("/securities").status_code == 401
    for role in ("investor", "trader", "auditor"):
        refused = client.post("/securities", json=APPLE, headers=headers(role, "k"))
        assert refused.status_code == 403
        refused = client.put("/cash-tokens/USD", json=TOKEN, headers=headers(role))
        assert refused.status_code == 403


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"isin": "US0378331003"}, "identifier-invalid"),
        ({"currency": "XXX"}, "value-invalid"),
        ({"asset_class": "tulip"}, "value-invalid"),
        ({"extra": 1}, "value-invalid"),
    ],
)
def test_bad_input_is_named(client, changes, code):
    refused = register(client, {**APPLE, **changes})
    assert 400 <= refused.status_code < 500
    assert refused.json()["code"] == code


def test_tokens(client):
    security_id = register(client, APPLE).json()["security_id"]
    path = f"/securities/{security_id}/token"
    bound = client.put(path, json=TOKEN, headers=headers("operator"))
    assert bound.json()["token"] == TOKEN
    assert client.put(path, json=TOKEN, headers=headers("operator")).json() == bound.json()
    taken = client.put("/cash-tokens/USD", json=TOKEN, headers=headers("operator"))
    assert taken.status_code == 409
    wrong = {**TOKEN, "token_address": TOKEN["token_address"].lower()}
    refused = client.put(path, json=wrong, headers=headers("operator"))
    assert refused.json()["code"] == "identifier-invalid"
    missing = client.put("/securities/none/token", json=TOKEN, headers=headers("operator"))
    assert missing.status_code == 404


def test_pages(client):
    register(client, APPLE, "1")
    register(client, IBM, "2")
    first = client.get("/securities?limit=1", headers=headers("trader")).json()
    assert [s["ticker"] for s in first["items"]] == ["AAPL"]
    assert first["has_more"]
    cursor = first["next_cursor"]
    second = client.get(f"/securities?limit=1&cursor={cursor}", headers=headers("trader")).json()
    assert [s["ticker"] for s in second["items"]] == ["IBM"]
    assert not second["has_more"]
    forged = client.get("/securities?cursor=AAAA", headers=headers("trader"))
    assert forged.json()["code"] == "cursor-invalid"


def test_prices_come_with_their_date_and_source(client, store, blobs):
    security_id = register(client, APPLE).json()["security_id"]
    with store.transaction(Principal(TENANT, "x", frozenset()).scope, OPERATOR) as uow:
        apple = SecurityTable(uow.connection).by_id(security_id)
    period = (date(2012, 8, 1), date(2012, 8, 31))
    service = ImportService(store, blobs)
    service.import_prices(OPERATOR, WikiPrices(), {"AAPL": apple}, SeriesKind.RAW, *period)
    service.import_actions(OPERATOR, WikiPrices(), {"AAPL": apple}, *period)

    def get(path):
        return client.get(path, headers=headers("investor"))

    price = get(f"/securities/{security_id}/price?on=2012-08-12").json()
    assert price["close"] == "621.7"
    assert (price["price_date"], price["age_days"]) == ("2012-08-10", 2)
    stale = get(f"/securities/{security_id}/price?on=2012-08-12&max_age_days=1")
    assert stale.json()["code"] == "price-unavailable"
    points = get(f"/securities/{security_id}/prices?from=2012-08-09&to=2012-08-10").json()
    assert points["items"] == [
        {"date": "2012-08-09", "close": "620.73"},
        {"date": "2012-08-10", "close": "621.7"},
    ]
    actions = get(f"/securities/{security_id}/actions?from=2012-08-01&to=2012-08-31").json()
    assert actions == {"splits": [], "dividends": [{"ex_date": "2012-08-09", "amount": "2.65"}]}
    datasets = get("/datasets?limit=1").json()
    assert datasets["has_more"]
    [newest] = datasets["items"]
    assert newest["kind"] == "dividends"
    assert "adjusted/raw" in newest["method"]
    [oldest] = get(f"/datasets?cursor={datasets['next_cursor']}").json()["items"]
    assert (oldest["kind"], oldest["rows"]) == ("prices_raw", 23)
    assert get("/rates/USD/EUR?on=2012-08-09").json()["code"] == "price-unavailable"
    assert get("/rates/usd/EUR?on=2012-08-09").status_code in (400, 422)
