"""Seed corrections E-06 to E-13, E-20 and E-21: retries, jobs, cursors, the schema, health.

Where the seed gives a snippet, the snippet itself is tried, and then ours.
"""

import ast
import base64
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from backend.marketdata.errors import ProviderUnavailable
from backend.marketdata.retry import RetryPolicy
from backend.platform.app import create_app
from backend.web.paging import CursorInvalid, Cursors
from tests.conftest import TestDatabase

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for part in ("anchoring", "backend") for path in (ROOT / part).rglob("*.py")]
TENANT = "01900000-0000-7000-8000-00000000000a"
SEED_CURSOR = "eyJvZmZzZXQiOjEwMH0="


def trees():
    return [(path, ast.parse(path.read_text("utf-8"))) for path in SOURCES]


# ------------------------------------------------------------------------------------ E-06


def test_e06_three_retries_have_three_delays():
    pauses: list[float] = []
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        raise ProviderUnavailable("away")

    longest = RetryPolicy(pauses.append, lambda: sum(pauses), lambda _low, high: high, base=1.0)
    with pytest.raises(ProviderUnavailable):
        longest.run(work)
    assert (len(calls), pauses) == (4, [1.0, 2.0, 4.0])


def test_e06_the_delays_the_seed_lists_would_take_a_fourth_retry():
    pauses: list[float] = []

    def work() -> None:
        raise ProviderUnavailable("away")

    longest = RetryPolicy(
        pauses.append, lambda: sum(pauses), lambda _low, high: high, attempts=5, base=1.0
    )
    with pytest.raises(ProviderUnavailable):
        longest.run(work)
    assert pauses == [1.0, 2.0, 4.0, 8.0]


# ------------------------------------------------------------------------------------ E-07


def test_e07_the_seeds_cursor_is_an_offset_and_ours_refuses_it():
    assert json.loads(base64.b64decode(SEED_CURSOR)) == {"offset": 100}
    with pytest.raises(CursorInvalid):
        Cursors(b"k" * 32).decode("events", SEED_CURSOR)


@pytest.mark.db
def test_e07_a_row_inserted_between_two_pages_doubles_one_by_offset_and_none_by_key(
    database: TestDatabase,
):
    cursors = Cursors(b"k" * 32)
    with psycopg.connect(database.conninfo(), autocommit=True) as db:
        db.execute("CREATE TEMP TABLE trades (day date, id int, PRIMARY KEY (day, id))")
        db.execute("INSERT INTO trades SELECT '2024-01-02', n FROM generate_series(1, 6) n")
        newest = "SELECT day::text, id FROM trades"
        order = "ORDER BY day DESC, id DESC LIMIT 3"
        first = db.execute(f"{newest} {order}").fetchall()
        cursor = cursors.encode("trades", first[-1])
        db.execute("INSERT INTO trades VALUES ('2024-01-03', 1)")
        by_offset = db.execute(f"{newest} {order} OFFSET 3").fetchall()
        key = cursors.decode("trades", cursor)
        by_key = db.execute(f"{newest} WHERE (day, id) < (%s, %s) {order}", key).fetchall()
    assert set(first) & set(by_offset) == {("2024-01-02", 4)}
    assert first + by_key == [("2024-01-02", n) for n in (6, 5, 4, 3, 2, 1)]


# ------------------------------------------------------------------------------ E-08, E-09


def test_e08_nothing_imports_rq_or_redis():
    names = {
        name.split(".")[0]
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert names.isdisjoint({"rq", "redis"})
    pinned = (ROOT / "requirements" / "runtime.txt").read_text("utf-8").splitlines()
    assert not [line for line in pinned if line.startswith(("rq==", "redis=="))]


def seeds_wrapper(kept, func):
    """The seed's ``idempotent_job`` (S4:126-138), over a dictionary instead of Redis."""

    def wrapper(*args, idempotency_key=None, **kwargs):
        if not idempotency_key:
            idempotency_key = str(uuid.uuid4())
        if f"job:{idempotency_key}" in kept:
            return kept[f"job:{idempotency_key}"]
        result = func(*args, **kwargs)
        kept[f"job:{idempotency_key}"] = result
        return result

    return wrapper


def test_e09_the_seeds_wrapper_works_twice_without_a_key():
    done: list[int] = []
    wrapped = seeds_wrapper({}, lambda: done.append(1))
    wrapped()
    wrapped()
    assert len(done) == 2


def test_e09_and_twice_with_one_key_when_two_come_at_once():
    done: list[int] = []
    meet = threading.Barrier(2)

    def work() -> None:
        meet.wait(10)  # both have looked before either has finished
        done.append(1)

    wrapped = seeds_wrapper({}, work)
    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(wrapped, idempotency_key="k") for _ in range(2)]:
            each.result()
    assert len(done) == 2


@pytest.mark.db
def test_e09_a_key_claimed_in_the_works_own_transaction_runs_it_once(database: TestDatabase):
    done: list[int] = []
    start = threading.Barrier(2)

    def job() -> None:
        with psycopg.connect(database.conninfo()) as db:  # one transaction, committed at the end
            start.wait(10)
            claimed = db.execute(
                "INSERT INTO idempotency_keys (tenant_id, route, key, request_hash)"
                " VALUES (%s, 'job', 'k', '\\x00') ON CONFLICT DO NOTHING RETURNING key",
                (TENANT,),
            ).fetchone()
            if claimed:
                done.append(1)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(job) for _ in range(2)]:
            each.result()
    assert len(done) == 1


# ------------------------------------------------------------------------------------ E-10


def test_e10_a_keyword_in_a_tuple_is_no_python():
    with pytest.raises(SyntaxError):
        ast.parse("[(YFinanceProvider(), timeout=5)]")
    ast.parse("[Attempt(YFinanceProvider(), timeout=5)]")


# ------------------------------------------------------------------------------ E-11, E-12


@pytest.mark.db
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX ON prices(symbol, ts DESC)",
        "CREATE INDEX ON lots(instrument_id, open_ts) WHERE close_ts IS NULL",
    ],
)
def test_e11_the_seeds_indexes_name_columns_that_are_not_there(database, statement):
    with psycopg.connect(database.conninfo()) as db:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            db.execute(statement)


@pytest.mark.db
def test_e11_open_lots_and_newest_prices_have_an_index_of_their_own(database: TestDatabase):
    with psycopg.connect(database.conninfo()) as db:
        found = dict(
            db.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        )
    assert "(tenant_id, account_id, security_id, acquired_on, sequence)" in found["lots_open"]
    assert found["lots_open"].endswith("WHERE (closed_on IS NULL)")
    assert "(security_id, series, price_date, dataset_id)" in found["prices_pkey"]


@pytest.mark.db
def test_e12_postgresql_has_no_current_user_id(database: TestDatabase):
    with psycopg.connect(database.conninfo()) as db:
        with pytest.raises(psycopg.errors.UndefinedFunction):
            db.execute("SELECT current_user_id()")


def portfolios_seen(db, role, tenant=""):
    db.execute(f"SET LOCAL ROLE {role}")
    db.execute("SELECT set_config('app.tenant_id', %s, true)", (tenant,))
    row = db.execute("SELECT count(*) FROM portfolios").fetchone()
    db.execute("RESET ROLE")
    return row[0]


@pytest.mark.db
def test_e12_the_owner_sees_nothing_where_row_security_is_forced(database: TestDatabase):
    other = TENANT[:-1] + "b"
    with psycopg.connect(database.conninfo()) as db:
        db.execute("INSERT INTO portfolios VALUES (%s, 'p', 'Main', 'USD', now())", (TENANT,))
        assert portfolios_seen(db, "tally_app", TENANT) == 1
        assert portfolios_seen(db, "tally_app", other) == 0
        assert portfolios_seen(db, "tally_app") == 0
        assert portfolios_seen(db, "tally_owner", TENANT) == 0
        # As the seed has it: enabled, with a policy, but not forced.
        db.execute("ALTER TABLE portfolios NO FORCE ROW LEVEL SECURITY")
        assert portfolios_seen(db, "tally_owner", other) == 1


@pytest.mark.db
def test_e12_using_alone_also_checks_what_is_written(database: TestDatabase):
    """Where the seed was right: a policy FOR ALL without WITH CHECK uses USING for both."""
    with psycopg.connect(database.conninfo()) as db:
        db.execute("CREATE TABLE owned (tenant_id uuid)")
        db.execute("ALTER TABLE owned ENABLE ROW LEVEL SECURITY")
        db.execute("GRANT INSERT ON owned TO tally_app")
        db.execute(
            "CREATE POLICY o ON owned FOR ALL"
            " USING (tenant_id = current_setting('app.tenant_id')::uuid)"
        )
        db.execute("SET LOCAL ROLE tally_app")
        db.execute("SELECT set_config('app.tenant_id', %s, true)", (TENANT,))
        db.execute("INSERT INTO owned VALUES (%s)", (TENANT,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("INSERT INTO owned VALUES (%s)", (TENANT[:-1] + "b",))


# ------------------------------------------------------------------------------------ E-13


def health(checks):
    app = create_app([], checks, CollectorRegistry(), ROOT / "no-such-folder")
    return TestClient(app)


def test_e13_a_time_among_the_checks_is_always_true():
    seeds = {"database": False, "timestamp": datetime.now(UTC)}
    assert bool(seeds["timestamp"])
    assert [name for name, value in seeds.items() if not value] == ["database"]


def test_e13_readiness_consists_of_checks_and_nothing_else():
    with health({"database": lambda: None, "chain": lambda: None}) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "chain": "ok"}}


def test_e13_one_failed_check_is_named_and_liveness_does_not_ask():
    with health({"database": lambda: "away", "chain": lambda: None}) as client:
        ready, live = client.get("/readyz"), client.get("/livez")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "away")
    assert (live.status_code, live.json()) == (200, {"status": "ok"})


def test_e13_nobody_calls_utcnow_and_no_check_blocks_the_event_loop():
    calls = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("utcnow", "utcfromtimestamp")
    ]
    assert calls == []
    app_tree = ast.parse((ROOT / "backend" / "platform" / "app.py").read_text("utf-8"))
    handlers = {
        node.name: node
        for node in ast.walk(app_tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    # FastAPI runs plain functions in its thread pool; liveness asks nothing, so it needs none.
    assert isinstance(handlers["readyz"], ast.FunctionDef)
    assert isinstance(handlers["livez"], ast.AsyncFunctionDef)
    inside = [node for part in handlers["livez"].body for node in ast.walk(part)]
    assert not [node for node in inside if isinstance(node, ast.Call | ast.Await)]
