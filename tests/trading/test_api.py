"""Trading and compliance over HTTP, as a client sees them."""

from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.compliance import api as compliance_api
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import ErrorCode
from backend.trading import api as trading_api
from backend.web import problems
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency
from backend.web.paging import Cursors

pytestmark = pytest.mark.db


class KnownTokens:
    """Tokens are what a test says they are."""

    def __init__(self):
        self.known = {}

    def principal_of(self, token):
        return self.known.get(token)


class Client:
    """One caller with a token."""

    def __init__(self, http, token):
        self._http, self._token = http, token

    def get(self, path):
        return self._http.get(f"/api/v1{path}", headers=self._headers())

    def post(self, path, body=None, key=None):
        headers = self._headers() | {"Idempotency-Key": key or str(uuid4())}
        return self._http.post(f"/api/v1{path}", json=body, headers=headers)

    def put(self, path, body):
        return self._http.put(f"/api/v1{path}", json=body, headers=self._headers())

    def _headers(self):
        return {"Authorization": f"Bearer {self._token}"}


@pytest.fixture
def clients(venue):
    tokens = KnownTokens()
    auth = Authenticator(tokens)
    app = FastAPI()
    problems.install(app)

    @app.middleware("http")
    async def give_request_id(request, call_next):
        request.state.request_id = str(uuid4())
        return await call_next(request)

    app.include_router(
        trading_api.router(
            venue.orders,
            venue.store.database,
            VENUE_TENANT,
            auth,
            Idempotency(venue.store),
            Cursors(b"secret"),
        )
    )
    app.include_router(compliance_api.router(venue.compliance, venue.store, auth))
    http = TestClient(app)

    def client(who, *roles):
        token = str(uuid4())
        tenant, participant = (who.tenant, who.id) if who else (str(uuid4()), str(uuid4()))
        tokens.known[token] = Principal(tenant, participant, frozenset(roles))
        return Client(http, token)

    return client


def order(venue, who, **changes):
    body = {
        "account_id": who.account,
        "security_id": venue.security,
        "side": "buy",
        "quantity": "3",
        "limit_price": "100",
        "client_order_id": str(uuid4()),
    }
    return body | changes


def test_an_order_is_placed_once_per_key_and_seen(venue, clients):
    alice = venue.participant()
    client = clients(alice, "trader")
    body = order(venue, alice)
    first = client.post("/orders", body, key="k1")
    again = client.post("/orders", body, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert all(check["passed"] for check in first.json()["checks"])

    seen = client.get(f"/orders/{first.json()['order_id']}").json()
    assert (seen["status"], seen["quantity"], seen["average_price"]) == ("accepted", "3", None)
    listed = client.get("/orders").json()
    assert [each["order_id"] for each in listed["items"]] == [first.json()["order_id"]]


def test_a_rejection_is_a_problem_with_its_checks_and_repeats_as_such(venue, clients):
    alice = venue.participant(cash="10")
    client = clients(alice, "trader")
    body = order(venue, alice)
    answers = [client.post("/orders", body, key="k1") for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == ErrorCode.INSUFFICIENT_CASH
        assert answer.json()["order_id"]
    seen = client.get(f"/orders/{answers[0].json()['order_id']}").json()
    assert (seen["status"], seen["reject_code"]) == ("rejected", "insufficient-cash")
    assert len(venue.rows("SELECT 1 FROM orders")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": "0"},
        {"quantity": "-1"},
        {"quantity": 3},
        {"quantity": "1e3"},
        {"limit_price": "100.001"},
        {"quantity": "2.5"},
        {"side": "short"},
        {"security_id": "not-an-id"},
        {"client_order_id": ""},
        {"extra": "field"},
    ],
)
def test_bad_input_is_a_422_and_leaves_no_trace(venue, clients, changes):
    alice = venue.participant()
    answer = clients(alice, "trader").post("/orders", order(venue, alice, **changes))
    assert answer.status_code == 422
    assert venue.rows("SELECT 1 FROM orders") == []


def test_roles_and_tenants_are_kept_apart(venue, clients):
    alice, mallory = venue.participant(), venue.participant()
    placed = clients(alice, "trader").post("/orders", order(venue, alice)).json()["order_id"]
    assert clients(alice, "investor").post("/orders", order(venue, alice)).status_code == 403
    stranger = clients(mallory, "trader")
    assert stranger.get(f"/orders/{placed}").status_code == 404
    assert stranger.post(f"/orders/{placed}/cancel").status_code == 404
    assert stranger.get("/orders").json()["items"] == []
    assert stranger.post("/circuit-breakers/venue/trip", {"reason": "fun"}).status_code == 403
    assert stranger.put("/limits", {"tenant_id": mallory.tenant, "reason": "x"}).status_code == 403


def test_pages_lead_through_all_orders(venue, clients):
    alice = venue.participant()
    client = clients(alice, "trader")
    placed = [client.post("/orders", order(venue, alice)).json()["order_id"] for _ in range(5)]
    seen, path = [], "/orders?limit=2"
    while path:
        page = client.get(path).json()
        seen += [each["order_id"] for each in page["items"]]
        path = page["next_cursor"] and f"/orders?limit=2&cursor={page['next_cursor']}"
    assert seen == placed[::-1]


def test_depth_trades_and_average_price(venue, clients):
    alice, bob = venue.participant(), venue.participant(units="10")
    bob.sell("2", "100")
    bob.sell("5", "101")
    placed = alice.buy("4", "101").order_id
    alice.buy("1", "99")
    venue.match()
    client = clients(alice, "trader")
    depth = client.get(f"/books/{venue.security}").json()
    assert depth["bids"] == [{"price": "99", "quantity": "1", "orders": 1}]
    assert depth["asks"] == [{"price": "101", "quantity": "3", "orders": 1}]
    trades = client.get(f"/trades?order_id={placed}").json()["items"]
    assert [(each["price"], each["quantity"]) for each in trades] == [("101", "2"), ("100", "2")]
    assert client.get(f"/orders/{placed}").json()["average_price"] == "100.500000"


def test_a_cancel_is_taken_and_a_late_one_refused(venue, clients):
    alice = venue.participant()
    client = clients(alice, "trader")
    placed = client.post("/orders", order(venue, alice)).json()["order_id"]
    assert client.post(f"/orders/{placed}/cancel").status_code == 202
    assert client.post(f"/orders/{placed}/cancel").json()["code"] == "order-state-invalid"
    venue.match()
    assert client.get(f"/orders/{placed}").json()["status"] == "cancelled"


def test_breakers_are_always_queryable_and_changed_by_the_operator(venue, clients):
    operator, anyone = clients(None, "operator"), clients(venue.participant(), "investor")
    assert [(b["scope"], b["state"]) for b in anyone.get("/circuit-breakers").json()] == [
        ("venue", "closed")
    ]
    tripped = operator.post("/circuit-breakers/venue/trip", {"reason": "drill"})
    assert (tripped.status_code, tripped.json()["state"]) == (200, "open")
    again = operator.post("/circuit-breakers/venue/trip", {"reason": "drill"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert anyone.get("/circuit-breakers").json()[0]["state"] == "open"
    assert operator.post("/circuit-breakers/venue/reset", {"reason": "x"}).status_code == 200
    unknown = operator.post(f"/circuit-breakers/{uuid4()}/trip", {"reason": "drill"})
    assert unknown.json()["code"] == "security-unknown"
    assert operator.post("/circuit-breakers/AAPL/trip", {"reason": "x"}).status_code == 422


def test_the_operator_sets_limits_and_the_participant_sees_them(venue, clients):
    alice = venue.participant()
    body = {"tenant_id": alice.tenant, "max_units": "2", "reason": "new client"}
    assert clients(None, "operator").put("/limits", body).status_code == 204
    client = clients(alice, "trader")
    (limit,) = client.get("/limits").json()
    assert (limit["account_id"], limit["max_units"], limit["max_weight"]) == ("*", "2", None)
    refused = client.post("/orders", order(venue, alice))
    assert refused.json()["code"] == "position-limit-exceeded"
    assert client.get("/limit-breaches").json() == []
