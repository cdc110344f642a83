"""Effects once per event, in log order; and a replay that finds what was changed by hand."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from backend.eventstore.recorded import Recorded
from backend.eventstore.replay import replay_and_compare
from backend.eventstore.sequencer import Sequencer
from backend.eventstore.store import EventStore, UnitOfWork
from backend.eventstore.subscriptions import Subscription, SubscriptionRunner
from tests.conftest import TestDatabase
from tests.eventstore.conftest import COUNTER, TENANT_A, TENANT_B, Counted, count

pytestmark = pytest.mark.db


def echo_into_b(uow: UnitOfWork, e: Recorded[Counted]) -> None:
    if e.tenant_id == TENANT_A:
        echo = uow.load(COUNTER, "echo", tenant_id=TENANT_B)
        uow.append(echo, [Counted(by=10, label=e.event.label)])


def runner(store: EventStore, effect: Any = echo_into_b) -> SubscriptionRunner:
    return SubscriptionRunner(store, Subscription("echo", {Counted: effect}))


def test_effects_follow_in_log_order_and_name_their_cause(
    store: EventStore, new_sequencer: Callable[..., Sequencer]
) -> None:
    sequencer = new_sequencer()
    count(store, TENANT_A, "x", "a", "b", "c")
    sequencer.step()
    echoes = runner(store)
    assert echoes.drain() == 3
    assert echoes.drain() == 0
    sequencer.step()
    assert echoes.drain() == 3  # its own events are seen, and cause nothing
    with store.database.transaction(_auditor()) as connection:
        rows = connection.execute(
            "SELECT convert_from(entry, 'UTF8') AS entry FROM events WHERE tenant_id = %s"
            " ORDER BY stream_version",
            (TENANT_B,),
        ).fetchall()
        causes = connection.execute(
            "SELECT event_id::text FROM events WHERE tenant_id = %s ORDER BY stream_version",
            (TENANT_A,),
        ).fetchall()
    assert len(rows) == 3
    for row, cause in zip(rows, causes, strict=True):
        assert f'"causation_id":"{cause["event_id"]}"' in row["entry"]


def test_a_failing_effect_moves_nothing(
    store: EventStore, new_sequencer: Callable[..., Sequencer]
) -> None:
    def fail_on_b(uow: UnitOfWork, e: Recorded[Counted]) -> None:
        echo_into_b(uow, e)
        if e.event.label == "b":
            raise RuntimeError

    count(store, TENANT_A, "x", "a", "b")
    new_sequencer().step()
    failing = runner(store, fail_on_b)
    with pytest.raises(RuntimeError):
        failing.drain()
    assert failing.position() == 1
    assert runner(store).drain() == 1  # the mended effect takes up where it stood


def test_replay_gives_the_live_rows(
    store: EventStore, new_sequencer: Callable[..., Sequencer]
) -> None:
    for name in "abc":
        count(store, TENANT_A, name, "one", "two")
    new_sequencer().step()
    report = replay_and_compare(store.database, store.registry, store.projections)
    assert report.equal
    assert (report.events, report.rows) == (6, {"participants": 3})


@pytest.mark.parametrize(
    ("tampering", "side"),
    [
        ("UPDATE participants SET name = 'forged' WHERE participant_id = 'counter-b'", "live"),
        ("DELETE FROM participants WHERE participant_id = 'counter-b'", "replayed"),
    ],
)
def test_replay_names_a_row_that_was_changed_by_hand(
    store: EventStore,
    database: TestDatabase,
    new_sequencer: Callable[..., Sequencer],
    tampering: str,
    side: str,
) -> None:
    for name in "abc":
        count(store, TENANT_A, name, "one")
    new_sequencer().step()
    with psycopg.connect(database.conninfo()) as admin:
        admin.execute(tampering)
    report = replay_and_compare(store.database, store.registry, store.projections)
    assert not report.equal
    assert any(each.side == side and "counter-b" in each.row for each in report.differences)


def _auditor() -> Any:
    from backend.eventstore.scope import Scope

    return Scope.auditor()
