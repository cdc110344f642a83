"""The indexer against a real store: what it commits to, when it rests, and what stops it."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from anchoring.envelope import parse_entry
from anchoring.stream_index import EMPTY
from backend.audit.indexer import Indexer, indexer_lease
from backend.eventstore.errors import LeaseLost, LogInconsistent
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.identity.ids import VENUE_TENANT
from backend.portfolio.service import PortfolioService
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

CHECKOUT = Path(__file__).resolve().parents[2]


def grow(world: World, count: int = 1) -> int:
    """Append ``count`` events, each of a stream of its own; returns the sequenced size."""
    service = PortfolioService(None, None)  # type: ignore[arg-type] - neither is asked here
    with world.core.store.transaction(Scope.app(world.cedar.participant_id), Caller("t")) as uow:
        for _ in range(count):
            service.open_portfolio(uow, name="Filler", base_currency="USD")
    world.sequence()
    return size(world)


def size(world: World) -> int:
    (row,) = world.rows("SELECT max(size) AS size FROM log_head")
    return int(row["size"])


def commitments(world: World) -> list[dict]:
    return world.rows("SELECT * FROM index_commitments ORDER BY size")


def naive_root(leaves: dict[bytes, tuple[int, bytes]], depth: int = 0) -> bytes:
    """The index as its definition says, by splitting sets of keys: no trie."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        ((key, (count, head)),) = leaves.items()
        return hashlib.sha256(b"\x02" + key + count.to_bytes(8, "big") + head).digest()
    sides: tuple[dict, dict] = ({}, {})
    for key, value in leaves.items():
        sides[int.from_bytes(key, "big") >> (255 - depth) & 1][key] = value
    return hashlib.sha256(
        b"\x03" + naive_root(sides[0], depth + 1) + naive_root(sides[1], depth + 1)
    ).digest()


def heads(world: World, below: int) -> dict[bytes, tuple[int, bytes]]:
    """Count and head of every stream, read from the entries' own bytes."""
    found: dict[bytes, tuple[int, bytes]] = {}
    for row in world.rows(
        "SELECT entry FROM feed JOIN events USING (tenant_id, stream_id, stream_version)"
        " WHERE position < %s ORDER BY position",
        below,
    ):
        envelope = parse_entry(row["entry"]).envelope
        name = f"tallystick/index/v1\n{envelope.tenant_id}\n{envelope.stream_id}"
        leaf = hashlib.sha256(b"\x00" + row["entry"]).digest()
        found[hashlib.sha256(name.encode()).digest()] = (envelope.stream_version, leaf)
    return found


def test_it_commits_to_every_stream_of_the_log_and_then_rests(fresh_world: World) -> None:
    world = fresh_world
    indexer = world.indexer()
    before = size(world)
    assert indexer.step()
    expected = heads(world, before)
    (row,) = commitments(world)
    assert (row["size"], row["streams"]) == (before, len(expected))
    assert row["root"] == naive_root(expected).hex() != EMPTY.hex()
    world.sequence()
    (event,) = world.rows(
        "SELECT position, type, tenant_id FROM feed WHERE stream_id = 'index-log'"
    )
    assert event["position"] >= row["size"]
    assert (event["type"], str(event["tenant_id"])) == ("index.committed", VENUE_TENANT)
    for _ in range(3):
        assert not indexer.step(), "its own event starts nothing"
        world.sequence()
    assert len(commitments(world)) == 1


def test_each_commitment_is_the_index_of_its_own_prefix(fresh_world: World) -> None:
    """One indexer that advances, and the naive definition, over the same log."""
    world = fresh_world
    indexer = world.indexer()
    for count in (1, 3, 2):
        grow(world, count)
        assert indexer.step()
        world.sequence()
    found = commitments(world)
    assert len(found) == 3
    for row in found:
        expected = heads(world, row["size"])
        assert (row["root"], row["streams"]) == (naive_root(expected).hex(), len(expected))
    assert [row["size"] for row in found] == sorted({row["size"] for row in found})


def test_it_waits_for_its_interval(fresh_world: World) -> None:
    world = fresh_world
    clock = [100.0]
    lease = indexer_lease(world.worker_core.database, 2.0)
    indexer = Indexer(world.worker_core.store, lease, 2.0, lambda: clock[0])
    assert indexer.step()
    grow(world)
    clock[0] = 101.9
    assert not indexer.step()
    clock[0] = 102.0
    assert indexer.step()
    assert len(commitments(world)) == 2


def test_a_restarted_indexer_goes_on_where_the_last_one_stopped(fresh_world: World) -> None:
    world = fresh_world
    first = world.indexer()
    assert first.step()
    first.release()
    grow(world, 2)
    second = world.indexer()
    assert second.step()
    world.sequence()
    newest = commitments(world)[-1]
    assert newest["root"] == naive_root(heads(world, newest["size"])).hex()
    assert not second.step()


def test_of_two_at_once_one_leads(fresh_world: World) -> None:
    world = fresh_world
    leader, other = world.indexer("leader"), world.indexer("other")
    assert leader.step()
    grow(world)
    with pytest.raises(LeaseLost):
        other.step()
    assert leader.step()
    assert len(commitments(world)) == 2


def test_one_that_was_frozen_writes_nothing_after_another_took_over(fresh_world: World) -> None:
    world = fresh_world
    frozen, other = world.indexer("frozen", 0.01), world.indexer("other", 15.0)
    assert frozen.step()
    grow(world)
    held = frozen._lease  # it stands between its look and its append
    ahead = frozen._ahead()
    assert ahead is not None
    while not other._lease.acquire():
        continue
    assert other.step()
    from backend.audit.events import IndexCommitted

    late = IndexCommitted(
        algorithm="tallystick/index/v1", root="00" * 32, size=ahead.size + 1, streams=1
    )
    with pytest.raises(LeaseLost):
        frozen._append(late)
    assert held.fence is None
    assert all(row["root"] != "00" * 32 for row in commitments(world))


def test_the_one_that_takes_over_again_checks_what_was_committed_meanwhile(
    fresh_world: World,
) -> None:
    world = fresh_world
    first = world.indexer("first", 0.01)
    assert first.step()
    grow(world)
    second = world.indexer("second", 0.01)
    while True:
        try:
            assert second.step()
            break
        except LeaseLost:
            continue
    world.sequence()
    grow(world)
    while True:
        try:
            assert first.step()
            break
        except LeaseLost:
            continue
    newest = commitments(world)[-1]
    assert len(commitments(world)) == 3
    assert newest["root"] == naive_root(heads(world, newest["size"])).hex()


def tamper(world: World, *statements: str) -> None:
    """Change rows as somebody with the owner's rights can."""
    with psycopg.connect(world.admin()) as connection:
        for table in ("events", "feed"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for each in statements:
            connection.execute(each)


def test_a_changed_head_stops_it_and_is_named(fresh_world: World) -> None:
    world = fresh_world
    grow(world)
    world.index()
    (row,) = world.rows(
        "SELECT position, stream_id FROM feed WHERE type = 'portfolio.opened'"
        " ORDER BY position DESC LIMIT 1"
    )
    position = int(row["position"])
    tamper(world, f"UPDATE feed SET leaf_hash = sha256('x') WHERE position = {position}")
    with pytest.raises(LogInconsistent) as refused:
        world.indexer().step()
    assert row["stream_id"] in str(refused.value)
    assert f"Entry {position}," in str(refused.value)
    assert len(commitments(world)) == 1


def test_a_changed_commitment_stops_it_and_is_named(fresh_world: World) -> None:
    world = fresh_world
    world.index()
    (row,) = commitments(world)
    tamper(world, f"UPDATE index_commitments SET root = '{'0' * 64}'")
    grow(world)
    with pytest.raises(LogInconsistent, match=str(row["event_id"])):
        world.indexer().step()
    assert len(commitments(world)) == 1


def test_a_hole_in_a_stream_stops_it_and_is_named(fresh_world: World) -> None:
    world = fresh_world
    (row,) = world.rows(
        "SELECT position, stream_id FROM feed WHERE stream_version = 1 AND EXISTS"
        " (SELECT 1 FROM feed AS later WHERE later.stream_id = feed.stream_id"
        " AND later.stream_version = 2) ORDER BY position LIMIT 1"
    )
    tamper(world, f"DELETE FROM feed WHERE position = {int(row['position'])}")
    with pytest.raises(LogInconsistent, match=row["stream_id"]):
        world.indexer().step()
    assert commitments(world) == []


def test_a_log_shorter_than_its_commitment_stops_it(fresh_world: World) -> None:
    world = fresh_world
    world.index()
    tamper(world, "UPDATE log_head SET size = size - 5")
    with pytest.raises(LogInconsistent, match="older backup"):
        world.indexer().step()


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("index.computed", 0),
        ("index.committed.decided", 0),
        ("index.committed.inserted", 0),
        ("index.committed.committed", 1),
    ],
)
def test_killed_at_any_point_it_is_all_or_nothing(
    fresh_world: World, point: str, kept: int
) -> None:
    """A process of its own dies there; the next one goes on as if nothing had happened."""
    world = fresh_world
    world.sequence()
    code = f"""
from backend.kernel.faults import FAULTS
from backend.platform.bootstrap import event_registry, open_core
from backend.audit.indexer import Indexer, indexer_lease
from tests.integration.blueprint import settings_for
from pathlib import Path
FAULTS.arm({point!r}, event_registry().types())
settings = settings_for(Path({str(world.home.root)!r}), {world.chain.url!r})
with open_core(settings, "worker", {world.conninfo!r}) as core:
    Indexer(core.store, indexer_lease(core.database, 0.001), 0.0).step()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=dict(os.environ), capture_output=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len(commitments(world)) == kept
    tamper(world, "UPDATE leases SET expires_at = clock_timestamp() - interval '1 second'")
    indexer = world.indexer()
    assert indexer.step() is (kept == 0)
    world.sequence()
    assert not indexer.step()
    (row,) = commitments(world)
    assert row["root"] == naive_root(heads(world, row["size"])).hex()


def test_replay_rebuilds_the_commitments(fresh_world: World) -> None:
    world = fresh_world
    world.index()
    grow(world)
    world.index()
    report = world.replay()
    assert report.rows["index_commitments"] == 2
    assert report.equal, report.differences
