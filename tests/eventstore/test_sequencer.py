"""Positions: contiguous, in commit order, one leader, whole commits, a head that matches."""

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from anchoring.checkpoint import parse_checkpoint
from anchoring.merkle import MemoryTree
from backend.eventstore import scope
from backend.eventstore.database import Database
from backend.eventstore.errors import LeaseLost
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Scope
from backend.eventstore.sequencer import Sequencer
from backend.eventstore.store import EventStore, retrying
from backend.kernel.errors import DatabaseUnavailable
from tests.eventstore.conftest import CALLER, COUNTER, TENANT_A, TENANT_B, Counted, count

pytestmark = pytest.mark.db


def feed(db: Database) -> list[dict[str, object]]:
    with db.transaction(Scope.auditor()) as connection:
        return connection.execute(
            "SELECT position, stream_id, stream_version, leaf_hash FROM feed ORDER BY position"
        ).fetchall()


def test_the_head_is_the_tree_of_the_feed(
    store: EventStore, db: Database, new_sequencer: Callable[..., Sequencer]
) -> None:
    sequencer = new_sequencer()
    for size in (1, 5, 250, 3, 600):
        count(store, TENANT_A, f"s{size}", *["n"] * size)
        sequencer.step()
    rows = feed(db)
    assert [row["position"] for row in rows] == list(range(859))
    tree = MemoryTree([row["leaf_hash"] for row in rows])  # type: ignore[misc]
    with db.transaction(Scope.auditor()) as connection:
        signed = connection.execute("SELECT size, root, note FROM checkpoints").fetchall()
    assert {256, 512, 768, 859} <= {row["size"] for row in signed}
    for row in signed:
        checkpoint, _ = parse_checkpoint(row["note"])
        assert checkpoint.size == row["size"]
        assert checkpoint.root == row["root"] == tree.root(row["size"])


def test_an_event_that_commits_late_is_not_skipped(
    store: EventStore, db: Database, new_sequencer: Callable[..., Sequencer]
) -> None:
    sequencer = new_sequencer()
    with store.transaction(Scope.app(TENANT_A), CALLER) as early:
        early.append(early.load(COUNTER, "early"), [Counted(by=1, label="a")])
        early.flush()  # its insert id is drawn, it is not committed
        count(store, TENANT_B, "late", "b")
        sequencer.step()
    sequencer.step()
    assert [row["stream_id"] for row in feed(db)] == ["counter-late", "counter-early"]


def test_a_commit_is_never_split_over_batches(
    store: EventStore, db: Database, new_sequencer: Callable[..., Sequencer]
) -> None:
    count(store, TENANT_A, "x", *["n"] * 20)
    count(store, TENANT_A, "y", *["n"] * 20)
    batch = new_sequencer(batch_size=5).step()
    assert batch is not None
    assert batch.size == 20


def test_a_streams_versions_are_in_order_where_a_batch_ends_between_them(
    store: EventStore, db: Database, new_sequencer: Callable[..., Sequencer]
) -> None:
    """A commit that began before the one it builds upon is not taken before it."""
    with store.transaction(Scope.app(TENANT_A), CALLER) as late:
        late.append(late.load(COUNTER, "other"), [Counted(by=1, label="a")])
        late.flush()  # its first insert id is the lowest of all
        count(store, TENANT_A, "x", "b")
        late.append(late.load(COUNTER, "x"), [Counted(by=1, label="c")])
    sequencer = new_sequencer(batch_size=1)
    while sequencer.step():
        continue
    versions = [row["stream_version"] for row in feed(db) if row["stream_id"] == "counter-x"]
    assert versions == [1, 2]


def test_only_the_holder_of_the_lease_sequences(
    store: EventStore, db: Database, new_sequencer: Callable[..., Sequencer]
) -> None:
    first = new_sequencer("one", ttl=0.05)
    count(store, TENANT_A, "x", "a")
    threading.Event().wait(0.1)
    second = new_sequencer("two")  # the first one's lease has run out
    with pytest.raises(LeaseLost):
        first.step()
    assert feed(db) == []
    assert second.step() is not None


def test_writers_and_two_rival_sequencers_lose_and_double_nothing(
    new_store: Callable[[], EventStore], db: Database, new_sequencer: Callable[..., Sequencer]
) -> None:
    done = threading.Event()

    def write(number: int) -> None:
        store = new_store()
        for index in range(25):
            name = f"{number}-{index % 5}"
            retrying(partial(count, store, TENANT_A, name, "n", "m"), attempts=50)

    def sequence(name: str) -> None:
        sequencer = new_sequencer(name, ttl=0.02)
        while not done.is_set():
            try:
                sequencer.step()
            except LeaseLost:
                sequencer._lease.acquire()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    rivals = [threading.Thread(target=sequence, args=(name,)) for name in ("one", "two")]
    for each in writers + rivals:
        each.start()
    for each in writers:
        each.join()
    done.set()
    for each in rivals:
        each.join()
    last = new_sequencer("three", ttl=0.02)
    threading.Event().wait(0.05)
    last._lease.acquire()
    while last.step():
        pass
    rows = feed(db)
    assert [row["position"] for row in rows] == list(range(200))
    assert len({(row["stream_id"], row["stream_version"]) for row in rows}) == 200
    versions: dict[object, int] = {}
    for row in rows:  # within a stream, log order is version order
        assert row["stream_version"] == versions.get(row["stream_id"], 0) + 1
        versions[row["stream_id"]] = row["stream_version"]  # type: ignore[assignment]


def test_a_holder_that_freezes_in_the_middle_of_a_step_does_not_block_its_successor(
    db: Database, new_sequencer: Callable[..., Sequencer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "IDLE_MILLISECONDS", 300)
    frozen = Lease(db, "sequencer", "frozen", timedelta(seconds=0.2), Scope.sequencer())
    assert frozen.acquire()
    entered, leave = threading.Event(), threading.Event()

    def freeze() -> None:
        with contextlib.suppress(DatabaseUnavailable), db.transaction(Scope.sequencer()) as held:
            frozen.hold(held)
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=freeze)
    thread.start()
    entered.wait(5)
    threading.Event().wait(0.8)  # the server ends the idle transaction, and with it the lock
    successor = Lease(db, "sequencer", "next", timedelta(seconds=5), Scope.sequencer())
    assert successor.acquire()
    leave.set()
    thread.join()
