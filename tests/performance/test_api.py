"""Value and returns over HTTP."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.kernel.clock import FixedClock
from backend.performance.api import router
from backend.performance.service import PerformanceService
from backend.portfolio.events import Side
from backend.web.auth import Authenticator, Principal
from backend.web.middleware import RequestContext
from backend.web.problems import install
from tests.performance.test_nav import Books, Closes, day


class OneToken:
    def principal_of(self, token):
        return Principal("tenant", "p", frozenset({"investor"})) if token == "good" else None


@pytest.fixture
def client():
    books = Books()
    books.cash("1000", day(0))
    books.trade(Side.BUY, "10", "50", day(1))
    prices = Closes({"x": {1: "50", 2: "55"}})
    clock = FixedClock(datetime(2024, 1, 4, tzinfo=UTC))
    app = FastAPI()
    install(app)
    app.include_router(router(PerformanceService(books, prices, clock), Authenticator(OneToken())))
    app.add_middleware(RequestContext)
    return TestClient(app, headers={"Authorization": "Bearer good"})


def test_nav_by_day(client):
    found = client.get("/api/v1/portfolios/p/nav", params={"from": "2024-01-02"}).json()
    rows = [(d["on"], d["value"], d["day_return"], d["stale_days"]) for d in found["days"]]
    assert rows == [
        ("2024-01-02", "1000.00", None, 0),
        ("2024-01-03", "1050.00", "0.050000000000", 0),
        ("2024-01-04", "1050.00", "0.000000000000", 1),
    ]


def test_performance_says_how_it_counts(client):
    query = {"from": "2024-01-01", "to": "2024-01-03"}
    found = client.get("/api/v1/portfolios/p/performance", params=query).json()
    assert (found["gain"], found["realised"], found["unrealised"]) == ("50.00", "0", "50.00")
    assert found["time_weighted"] == "0.050000000000"
    assert found["money_weighted"]["status"] == "ok"
    assert found["money_weighted"]["period"] == "0.050000000000"
    assert found["flow_timing"] == "inflow at start of day, outflow at end of day"


def test_bad_intervals_missing_prices_and_strangers(client):
    path = "/api/v1/portfolios/p/nav"
    backwards = client.get(path, params={"from": "2024-01-05", "to": "2024-01-04"})
    assert (backwards.status_code, backwards.json()["code"]) == (422, "value-invalid")
    assert client.get(path, params={"from": "soon"}).status_code == 422
    assert client.get(path, headers={"Authorization": "Bearer bad"}).status_code == 401
