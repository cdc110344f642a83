"""Erasures under kill -9, from the host, and again after a backup was put back."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner

from anchoring.tile_store import DirectoryStore
from backend.cli import application
from backend.eventstore.database import Database
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.store import Caller
from backend.identity.contacts import Contacts
from backend.identity.erasures import Reapplied, reapply
from backend.identity.events import ErasureReason
from backend.kernel.clock import FixedClock
from backend.platform.bootstrap import event_registry
from backend.platform.processes.worker import run as run_worker
from backend.platform.schema import LOGIN
from tests.identity.test_contacts import (
    NOBODYS,
    erase,
    events_of,
    patch,
    person,
    record,
    tables_holding,
    values_of,
)
from tests.integration.parties import ok
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

CHECKOUT = Path(__file__).resolve().parents[2]
# Another process: its own pool, its own key, and an end in the middle of the work.
_CRASH = """
import sys
from pathlib import Path
from backend.eventstore.store import Caller
from backend.identity.contacts import Contacts
from backend.identity.events import ErasureReason
from backend.kernel.clock import SystemClock
from backend.kernel.faults import FAULTS
from backend.platform.bootstrap import event_registry, open_core
from tests.integration.blueprint import settings_for
home, conninfo, tenant, contact, point, act = sys.argv[1:]
with open_core(settings_for(Path(home), "http://127.0.0.1:9"), "worker", conninfo) as core:
    FAULTS.arm(point, event_registry().types())
    contacts = Contacts(core.store, SystemClock())
    if act == "erase":
        contacts.erase(Caller("test"), tenant, contact, ErasureReason.UNLAWFUL)
    else:
        contacts.correct(Caller("test"), tenant, contact, {"email": act})
print("not killed")
"""


def crash(world: World, contact: str, point: str, act: str) -> None:
    """Run ``act`` in a process that kills itself at ``point``."""
    arguments = (str(world.home.root), world.conninfo, world.cedar.participant_id)
    done = subprocess.run(
        [sys.executable, "-c", _CRASH, *arguments, contact, point, act],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9, done.stdout + done.stderr


def rows(world: World, table: str = "personal_values") -> list[Any]:
    with psycopg.connect(world.admin()) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()  # type: ignore[arg-type]


def put_back(world: World, kept: list[Any]) -> None:
    """The table as a backup had it."""
    with psycopg.connect(world.admin()) as connection:
        connection.execute("TRUNCATE personal_values")
        for row in kept:
            marks = ", ".join(["%s"] * len(row))
            connection.execute(f"INSERT INTO personal_values VALUES ({marks})", row)  # type: ignore[arg-type]


def request_hash(world: World, key: str, restored: bytes | None = None) -> bytes:
    """What a request is remembered by; ``restored`` puts back what a backup had."""
    with psycopg.connect(world.admin()) as connection:
        if restored is not None:
            connection.execute(
                "UPDATE idempotency_keys SET request_hash = %s WHERE key = %s", (restored, key)
            )
        row = connection.execute(
            "SELECT request_hash FROM idempotency_keys WHERE key = %s", (key,)
        ).fetchone()
    assert row is not None
    return bytes(row[0])


def done_again(world: World) -> Reapplied:
    return reapply(world.core.database, event_registry(), DirectoryStore(world.home.log))


# ------------------------------------------------------------------------------- crashes


@pytest.mark.parametrize("stage", ["decided", "inserted", "committed"])
def test_a_crash_leaves_value_and_no_event_or_event_and_no_value(
    fresh_world: World, stage: str
) -> None:
    world, client, body = fresh_world, fresh_world.cedar.client, person()
    contact = record(client, body)
    crash(world, contact, f"personal_data.erased.{stage}", "erase")
    world.sequence()
    types = [each["type"] for each in events_of(client, contact)]
    held = tables_holding(world, *values_of(body))
    if stage == "committed":
        assert (types[-1], held) == ("personal_data.erased", set())
    else:
        assert (types, held) == (["contact.recorded"], {"personal_values"})
        assert ok(client.get(f"/contacts/{contact}"))["name"] == body["name"]
    ok(erase(client, contact, immediately=True))
    assert tables_holding(world, *values_of(body)) == set()
    assert world.replay().equal


@pytest.mark.parametrize("stage", ["inserted", "committed"])
def test_a_crash_in_a_correction_leaves_a_value_that_opens_what_is_in_force(
    fresh_world: World, stage: str
) -> None:
    world, client, body = fresh_world, fresh_world.cedar.client, person()
    contact, new = record(client, body), person()["email"]
    crash(world, contact, f"contact.corrected.{stage}", new)
    shown = ok(client.get(f"/contacts/{contact}"))
    kept, gone = (new, body["email"]) if stage == "committed" else (body["email"], new)
    assert shown["email"] == kept
    assert tables_holding(world, gone) == set()
    assert world.replay().equal


# ------------------------------------------------------------------------------- by itself


def test_the_worker_that_ships_erases_what_is_due(fresh_world: World) -> None:
    """Asked for 31 days ago, by the clock that is passed in; the worker's own clock is real."""
    world, body = fresh_world, person()
    contact = record(world.cedar.client, body)
    asked = Contacts(world.core.store, FixedClock(datetime.now(UTC) - timedelta(days=31)))
    tenant, reason = world.cedar.participant_id, ErasureReason.RETENTION_ENDED
    asked.request_erasure(Caller("test"), tenant, contact, reason)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_worker, world.worker_core, stop)
        try:
            wait_until(lambda: running.done() or not tables_holding(world, *values_of(body)))
        finally:
            stop.set()
        running.result()
    assert ok(world.cedar.client.get(f"/contacts/{contact}"))["state"] == "erased"
    assert tables_holding(world, *values_of(body)) == set()
    world.sequence()
    *_, event = events_of(world.cedar.client, contact)
    assert (event["actor"], event["payload"]["reason"]) == ("process:erasure", "retention_ended")


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


# ------------------------------------------------------------------------------- after a restore


def test_what_was_erased_after_the_backup_is_erased_again(fresh_world: World) -> None:
    world, client = fresh_world, fresh_world.cedar.client
    bodies = [person() for _ in range(3)]
    gone = record(client, bodies[0], "remembered")
    corrected, kept = (record(client, each) for each in bodies[1:])
    backup, hashed = rows(world), request_hash(world, "remembered")
    ok(erase(client, gone, immediately=True))
    new = person()["email"]
    ok(patch(client, corrected, {"email": new}))
    late = record(client, person())
    world.sequence()
    assert done_again(world) == Reapplied(erasures=1, deleted=0, superseded=0, lost=0)

    put_back(world, backup)
    assert request_hash(world, "remembered") == b""
    request_hash(world, "remembered", hashed)
    assert tables_holding(world, *values_of(bodies[0])) == {"personal_values"}, "the drill's point"
    # Lost: the corrected e-mail, and all three fields of the contact the backup never saw.
    assert done_again(world) == Reapplied(erasures=1, deleted=3, superseded=1, lost=4)
    assert tables_holding(world, *values_of(bodies[0]), bodies[1]["email"]) == set()
    assert request_hash(world, "remembered") == b""
    assert ok(client.get(f"/contacts/{kept}"))["email"] == bodies[2]["email"]
    shown = ok(client.get(f"/contacts/{corrected}"))
    assert (shown["name"], shown["email"]) == (bodies[1]["name"], None)
    assert ok(client.get(f"/contacts/{late}"))["name"] is None
    assert done_again(world) == Reapplied(erasures=1, deleted=0, superseded=0, lost=4)

    ok(patch(client, corrected, {"email": new}))
    assert ok(client.get(f"/contacts/{corrected}"))["email"] == new, "it can be given again"
    assert world.replay().equal


def test_a_whole_older_database_learns_of_erasures_from_the_published_log(
    fresh_world: World, tmp_path: Path
) -> None:
    """The events of the erasure are not in the older database: the log's own bytes tell."""
    world, client, body = fresh_world, fresh_world.cedar.client, person()
    other = person()
    contact = record(client, body)
    record(world.birch.client, other)
    world.sequence()
    older = f"older_{uuid.uuid4().hex[:8]}"
    name = conninfo_to_dict(world.conninfo)["dbname"]
    with psycopg.connect(world.plan.server.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {older} TEMPLATE template0 OWNER tally_owner")  # type: ignore[arg-type]
    conninfo = make_conninfo(**{**conninfo_to_dict(world.admin()), "dbname": older})
    with psycopg.connect(world.admin()) as source, psycopg.connect(conninfo) as target:
        _copy_table(source, target)
    ok(erase(client, contact, immediately=True))
    world.sequence()
    login = make_conninfo(**{**conninfo_to_dict(world.conninfo), "dbname": older})
    database = Database(login)
    database.open()
    try:
        done = reapply(database, event_registry(), DirectoryStore(world.home.log))
    finally:
        database.close()
    assert (done.erasures, done.deleted) == (1, 3)
    with psycopg.connect(conninfo) as connection:
        left = connection.execute("SELECT value FROM personal_values ORDER BY 1").fetchall()
    assert sorted(value for (value,) in left) == sorted(values_of(other))
    assert name != older


def _copy_table(source: psycopg.Connection, target: psycopg.Connection) -> None:
    """What ``pg_restore`` of an older dump gives: the schema, and the values of that time."""
    from backend.platform import schema

    schema.migrate(target.info.dsn)
    for row in source.execute("SELECT * FROM personal_values").fetchall():
        target.execute("INSERT INTO personal_values VALUES (%s, %s, %s, %s, %s, %s)", row)


def test_a_log_that_cannot_be_read_stops_before_anything_is_deleted(fresh_world: World) -> None:
    world, client = fresh_world, fresh_world.cedar.client
    contact = record(client, person())
    backup = rows(world)
    ok(erase(client, contact, immediately=True))
    world.sequence()
    put_back(world, backup)
    entries = world.home.log / "tile" / "entries"
    kept = {path: path.read_bytes() for path in entries.rglob("*") if path.is_file()}
    shutil.rmtree(entries)
    with pytest.raises(LogInconsistent):
        done_again(world)
    assert rows(world) == backup
    for path, data in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert done_again(world).deleted == 3


# ------------------------------------------------------------------------------- on the disk


def test_a_rewritten_table_has_no_byte_of_an_erased_value(fresh_world: World) -> None:
    """A deleted row's bytes stay in its page; ``VACUUM FULL`` writes the table anew."""
    world, body = fresh_world, person()
    contact = record(world.cedar.client, body)
    with psycopg.connect(world.admin(), autocommit=True) as connection:

        def on_disk() -> bool:
            connection.execute("CHECKPOINT")
            row = connection.execute(
                "SELECT current_setting('data_directory'), pg_relation_filepath('personal_values')"
            ).fetchone()
            assert row is not None
            data = (Path(row[0]) / row[1]).read_bytes()
            return any(value.encode() in data for value in values_of(body))

        assert on_disk(), "the control"
        ok(erase(world.cedar.client, contact, immediately=True))
        connection.execute("VACUUM FULL personal_values")
        assert not on_disk()


def test_the_planners_statistics_keep_no_value(fresh_world: World) -> None:
    """ANALYZE keeps samples of a column's values, which would outlive the rows."""
    world, bodies = fresh_world, [person() for _ in range(20)]
    contacts = [record(world.cedar.client, each) for each in bodies]
    everything = [value for body in bodies for value in values_of(body)]
    with psycopg.connect(world.admin(), autocommit=True) as connection:

        def kept(column: str) -> list[str]:
            connection.execute("ANALYZE personal_values")
            rows = connection.execute(
                "SELECT coalesce(histogram_bounds::text, '') || coalesce(most_common_vals::text,"
                " '') FROM pg_stats WHERE tablename = 'personal_values' AND attname = %s",
                (column,),
            ).fetchall()
            return [text for (text,) in rows]

        assert any(each in text for text in kept("subject_id") for each in contacts), "the control"
        assert kept("value") == kept("salt") == []
        connection.execute("ALTER TABLE personal_values ALTER COLUMN value SET STATISTICS DEFAULT")
        assert any(value in text for text in kept("value") for value in everything), "the guard"


# ------------------------------------------------------------------------------- on the host


@pytest.fixture
def tally(fresh_world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line over the world's home and database."""
    name = conninfo_to_dict(fresh_world.conninfo)["dbname"]
    monkeypatch.setenv("TALLYSTICK_HOME", str(fresh_world.home.root))
    monkeypatch.setenv("TALLYSTICK_LOG_ORIGIN", fresh_world.settings.log_origin)
    monkeypatch.setenv("DATABASE_URL", fresh_world.plan.server.address(LOGIN, str(name)).url())

    def run(*arguments: str) -> tuple[int, Any]:
        done = CliRunner().invoke(application(), [*arguments, "--json"])
        return done.exit_code, json.loads(done.stdout) if done.stdout.strip() else done.output

    return run


def test_the_operator_erases_on_the_host(fresh_world: World, tally: Any) -> None:
    world, body = fresh_world, person()
    contact = record(world.cedar.client, body)
    backup = rows(world)
    for _ in range(2):
        code, said = tally("erase", contact, "--reason", "retention_ended")
        assert (code, said["state"], said["reason"]) == (0, "erased", "retention_ended")
    assert tables_holding(world, *values_of(body)) == set()
    world.sequence()
    *_, event = events_of(world.cedar.client, contact)
    assert (event["type"], event["actor"]) == ("personal_data.erased", "process:operator")
    put_back(world, backup)
    code, said = tally("erasures", "reapply")
    assert (code, said["deleted"]) == (0, 3)
    assert tables_holding(world, *values_of(body)) == set()


@pytest.mark.parametrize(
    ("contact", "reason", "code"),
    [(NOBODYS, "unlawful", "not-found"), ("x", "unlawful", "value-invalid")],
)
def test_the_command_refuses_what_there_is_not(
    tally: Any, contact: str, reason: str, code: str
) -> None:
    exit_code, said = tally("erase", contact, "--reason", reason)
    assert (exit_code, said["error"]["code"]) == (1, code)


def test_without_json_the_commands_say_it_in_a_sentence(fresh_world: World, tally: Any) -> None:
    contact = record(fresh_world.cedar.client, person())
    backup = rows(fresh_world)

    def say(*arguments: str) -> str:
        done = CliRunner().invoke(application(), list(arguments))
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    assert say("erase", contact, "--reason", "unlawful") == f"Erased {contact}."
    assert "nothing changed" in say("erase", contact, "--reason", "unlawful")
    put_back(fresh_world, backup)
    assert say("erasures", "reapply") == (
        "1 erasures read; 3 values erased again, 0 that a correction had replaced."
    )


def test_the_command_takes_a_reason_of_the_list(tally: Any) -> None:
    exit_code, _ = tally("erase", NOBODYS, "--reason", "because Ada said so")
    assert exit_code == 2
