"""Append and load: optimistic, chained, invisible to other tenants, all or nothing."""

import threading
from collections.abc import Callable

import psycopg
import pytest

from anchoring.envelope import parse_entry
from anchoring.merkle import leaf_hash
from backend.eventstore.database import Database
from backend.eventstore.errors import ConcurrencyConflict
from backend.eventstore.scope import Scope
from backend.eventstore.store import EventStore, retrying
from backend.kernel.errors import DatabaseUnavailable
from tests.conftest import TestDatabase
from tests.eventstore.conftest import CALLER, COUNTER, TENANT_A, TENANT_B, Counted, count

pytestmark = pytest.mark.db


def state(store: EventStore, tenant: str, name: str) -> tuple[int | None, int]:
    with store.transaction(Scope.app(tenant), CALLER) as uow:
        loaded = uow.load(COUNTER, name)
        return loaded.state, loaded.version


def test_what_was_appended_is_loaded_by_another_process(
    new_store: Callable[[], EventStore],
) -> None:
    one, two = new_store(), new_store()
    count(one, TENANT_A, "x", "a", "b")
    assert state(two, TENANT_A, "x") == (2, 2)
    count(two, TENANT_A, "x", "c")
    assert state(one, TENANT_A, "x") == (3, 3)  # a remembered state is brought up to date


def test_a_stream_is_chained_by_leaf_hashes(store: EventStore, db: Database) -> None:
    count(store, TENANT_A, "x", "a", "b", "c")
    with db.transaction(Scope.app(TENANT_A)) as connection:
        rows = connection.execute("SELECT entry, leaf_hash FROM events ORDER BY 1").fetchall()
        rows = connection.execute(
            "SELECT entry, leaf_hash FROM events ORDER BY stream_version"
        ).fetchall()
    previous = None
    for row in rows:
        assert leaf_hash(row["entry"]) == row["leaf_hash"]
        assert parse_entry(row["entry"]).envelope.previous == previous
        previous = row["leaf_hash"].hex()


def test_of_two_who_loaded_the_same_version_one_is_refused(
    new_store: Callable[[], EventStore],
) -> None:
    one, two = new_store(), new_store()
    with pytest.raises(ConcurrencyConflict):
        with one.transaction(Scope.app(TENANT_A), CALLER) as slow:
            loaded = slow.load(COUNTER, "x")
            count(two, TENANT_A, "x", "fast")
            slow.append(loaded, [Counted(by=1, label="slow")])
    assert state(one, TENANT_A, "x") == (1, 1)  # nothing of the loser is remembered


def test_no_increment_is_lost_among_eight_writers(new_store: Callable[[], EventStore]) -> None:
    def work() -> None:
        store = new_store()
        for _ in range(10):
            retrying(lambda: count(store, TENANT_A, "x", "n"), attempts=200)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert state(new_store(), TENANT_A, "x") == (80, 80)


def test_an_exception_leaves_nothing(store: EventStore, db: Database) -> None:
    with pytest.raises(RuntimeError), store.transaction(Scope.app(TENANT_A), CALLER) as uow:
        uow.append(uow.load(COUNTER, "x"), [Counted(by=1, label="a")])
        uow.flush()
        raise RuntimeError
    assert state(store, TENANT_A, "x") == (None, 0)
    with db.transaction(Scope.sequencer()) as connection:
        assert connection.execute("SELECT count(*) AS n FROM unsequenced").fetchone() == {"n": 0}


def test_another_tenants_streams_do_not_exist(store: EventStore, db: Database) -> None:
    count(store, TENANT_A, "x", "a")
    assert state(store, TENANT_B, "x") == (None, 0)
    count(store, TENANT_B, "x", "b")  # the same name is another stream: no oracle
    with db.transaction(Scope.app(TENANT_B)) as connection:
        rows = connection.execute("SELECT DISTINCT tenant_id::text AS t FROM events").fetchall()
        assert rows == [{"t": TENANT_B}]
        assert connection.execute("SELECT count(*) AS n FROM participants").fetchone() == {"n": 1}


def test_writing_into_another_tenant_is_refused_by_the_database(store: EventStore) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        with store.transaction(Scope.app(TENANT_A), CALLER) as uow:
            uow.append(
                uow.load(COUNTER, "x", tenant_id=TENANT_B), [Counted(by=1, label="intruder")]
            )


def test_without_a_tenant_the_app_sees_nothing(store: EventStore, db: Database) -> None:
    count(store, TENANT_A, "x", "a")
    with db.transaction(Scope.app("")) as connection:
        assert connection.execute("SELECT count(*) AS n FROM events").fetchone() == {"n": 0}


@pytest.mark.parametrize("statement", ["UPDATE events SET type = 'x'", "DELETE FROM events"])
@pytest.mark.parametrize("user", ["app", "owner", "superuser"])
def test_events_cannot_be_changed_even_by_the_owner(
    store: EventStore, db: Database, database: TestDatabase, statement: str, user: str
) -> None:
    count(store, TENANT_A, "x", "a")
    with psycopg.connect(database.conninfo()) as connection:
        if user != "superuser":
            connection.execute(f"SET ROLE tally_{user}")
        with pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)
        ):
            connection.execute(statement)


def test_every_table_has_forced_row_level_security(database: TestDatabase) -> None:
    with psycopg.connect(database.conninfo()) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)"
        ).fetchall()
    assert [name for (name,) in rows] == ["alembic_version"]


def test_a_login_without_a_role_can_do_nothing(database: TestDatabase) -> None:
    with psycopg.connect(database.conninfo("tallystick")) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM events")


def test_a_database_that_does_not_answer_is_a_typed_error(database: TestDatabase) -> None:
    nowhere = Database("host=/nonexistent dbname=x", timeout=1.0)
    with pytest.raises(DatabaseUnavailable):
        nowhere.open()


def test_a_connection_cut_in_the_middle_is_a_typed_error_and_keeps_nothing(
    store: EventStore, database: TestDatabase
) -> None:
    with pytest.raises(DatabaseUnavailable):
        with store.transaction(Scope.app(TENANT_A), CALLER) as uow:
            uow.append(uow.load(COUNTER, "x"), [Counted(by=1, label="a")])
            with psycopg.connect(database.conninfo(), autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", (uow.connection.info.backend_pid,))
    assert state(store, TENANT_A, "x") == (None, 0)


@pytest.mark.parametrize("role", ["app", "venue", "identity"])
def test_nobody_puts_a_row_into_the_outbox_but_the_events_trigger(
    store: EventStore, database: TestDatabase, role: str
) -> None:
    count(store, TENANT_A, "x", "a")
    with psycopg.connect(database.conninfo()) as connection:
        connection.execute(f"SET ROLE tally_{role}")
        connection.execute("SELECT set_config('app.tenant_id', %s, false)", (TENANT_A,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO unsequenced"
                " (insert_id, tenant_id, stream_id, stream_version, event_id, type, leaf_hash)"
                " VALUES (99, %s, 'counter-x', 1, gen_random_uuid(), 'forged', %s)",
                (TENANT_A, b"\0" * 32),
            )


def test_the_database_checks_that_a_leaf_is_its_entrys(database: TestDatabase) -> None:
    with psycopg.connect(database.conninfo()) as connection:
        connection.execute("SET ROLE tally_venue")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(
                "INSERT INTO events (tenant_id, stream_id, stream_version, event_id, type, entry,"
                " leaf_hash, recorded_at) VALUES (%s, 's', 1, gen_random_uuid(), 't', 'entry', %s,"
                " now())",
                (TENANT_A, b"\0" * 32),
            )


def test_the_identity_role_sees_participants_and_no_other_stream(
    store: EventStore, db: Database
) -> None:
    count(store, TENANT_A, "x", "a")
    with db.transaction(Scope.identity()) as connection:
        assert connection.execute("SELECT count(*) AS n FROM events").fetchone() == {"n": 0}
