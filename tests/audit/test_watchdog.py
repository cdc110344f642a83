"""The watchdog on a running platform: silent when all is well, and never twice about one thing."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anchoring.errors import StorageError
from anchoring.log_state import LogState
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import Tile
from backend.audit.events import AuditCleared, AuditFound
from backend.audit.watchdog import Finding, Look, Watchdog, decide, evolve, watchdog_lease
from tests.integration.parties import ok
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


def watchdog(world: World, **changes: Any) -> Watchdog:
    options: dict[str, Any] = {"interval": 0.0, **changes}
    state = world.home.run / "watchdog.state"
    return Watchdog(world.anchorer_core.store, DirectoryStore(world.home.log), state, **options)


def told(world: World) -> list[tuple[str, str]]:
    """What the log says of findings: (type, check), the first one first."""
    world.sequence()
    events = world.auditor.pages("/events", type="audit.")
    return [(each["type"], each["payload"]["check"]) for each in events]


def status(world: World) -> tuple[int, int]:
    (row,) = world.rows("SELECT size, findings FROM watchdog_status")
    return int(row["size"]), int(row["findings"])


def more_events(world: World) -> None:
    ok(world.cedar.client.post("/portfolios", {"name": "More", "base_currency": "USD"}))
    world.sequence()


def test_nothing_is_said_while_all_is_well_and_the_size_is_kept(fresh_world: World) -> None:
    dog = watchdog(fresh_world)
    assert not dog.step()
    first, findings = status(fresh_world)
    assert (first > 0, findings) == (True, 0)
    more_events(fresh_world)
    assert not dog.step()
    assert status(fresh_world)[0] > first
    assert told(fresh_world) == []


def test_a_changed_tile_is_told_once_and_once_more_when_it_is_mended(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    size = int(world.home.log.joinpath("checkpoint").read_text().split("\n")[1])
    tile = world.home.log / Tile(0, 0, size).path()
    good = tile.read_bytes()
    tile.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    dog = watchdog(world)
    assert dog.step()
    assert not dog.step()
    ((kind, check),) = told(world)
    assert kind == "audit.found"
    assert status(world) == (0, 1)
    # The finding was logged too, so the last tile was written anew, from what is not damaged.
    assert dog.step()
    assert told(world) == [("audit.found", check), ("audit.cleared", check)]


def test_a_feed_that_differs_from_the_published_log_is_found(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE feed SET leaf_hash = sha256('other'::bytea) WHERE position = 3")
    found = watchdog(world).look().found
    assert [(each.check, each.where) for each in found] == [("feed", "position 3")]


def test_a_row_missing_from_the_feed_is_found(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM feed WHERE position = 5")
    found = watchdog(world).look().found
    assert [(each.check, each.where) for each in found] == [("feed", "position 5")]


def test_a_sequencer_that_stands_still_is_found_and_cleared(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    ok(world.cedar.client.post("/portfolios", {"name": "Waits", "base_currency": "USD"}))
    dog = watchdog(world, stalled_after=-1.0)
    assert dog.step()
    world.sequence()
    assert dog.step()
    assert told(world) == [("audit.found", "sequencer"), ("audit.cleared", "sequencer")]


def test_a_damaged_state_is_made_anew(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    dog = watchdog(world)
    dog.step()
    (world.home.run / "watchdog.state").write_bytes(b"not a database at all, but long enough" * 40)
    assert not watchdog(world).step()
    assert status(world)[1] == 0


def test_what_was_said_is_not_said_again_and_what_moved_is() -> None:
    first, moved = Finding("feed", "position 3", "a"), Finding("feed", "position 9", "a")
    said = decide(None, Look([first], 0))
    assert said == [AuditFound(check="feed", where="position 3", message="a")]
    state = evolve(None, said[0])
    assert decide(state, Look([first], 0)) == []
    assert decide(state, Look([moved], 0)) == [
        AuditFound(check="feed", where="position 9", message="a")
    ]
    assert decide(state, Look([], 9)) == [AuditCleared(check="feed")]
    assert decide(state, Look([], 0, frozenset({"log"}))) == []
    assert evolve(state, AuditCleared(check="feed")) == {}


def test_a_checkpoint_that_cannot_be_read_is_found(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    path = world.home.log / "checkpoint"
    good = path.read_bytes()
    path.write_bytes(b"not a checkpoint\n")
    dog = watchdog(world)
    assert dog.step()
    assert status(world) == (0, 1)
    path.write_bytes(good)
    assert dog.step()
    assert [kind for kind, _ in told(world)] == ["audit.found", "audit.cleared"]


@pytest.mark.parametrize("name", ["keys", "policy.txt"])
def test_a_published_log_without_what_readers_need_is_found(fresh_world: World, name: str) -> None:
    world = fresh_world
    world.sequence()
    (world.home.log / name).unlink()
    found, size, _ = watchdog(world).look()
    assert [(each.check, each.where) for each in found] == [("log", name)]
    assert size == 0


def test_an_empty_folder_is_no_finding_while_nothing_is_sequenced(
    fresh_world: World, tmp_path: Path
) -> None:
    dog = Watchdog(
        fresh_world.anchorer_core.store, DirectoryStore(tmp_path), tmp_path / "state", 0.0
    )
    assert dog.look() == Look([], 0, frozenset({"sequencer", "publication"}))


def test_a_tile_lost_before_the_feed_was_compared_is_found(fresh_world: World) -> None:
    """The state says that the tile was checked; the feed is compared from the start."""
    world = fresh_world
    world.sequence()
    watchdog(world).step()
    for path in (world.home.log / "tile" / "0").rglob("*"):
        if path.is_file():
            path.unlink()
    assert watchdog(world).step()
    assert status(world)[1] == 1


def test_what_was_not_looked_at_is_not_said_to_be_over(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE feed SET leaf_hash = sha256('other'::bytea) WHERE position = 3")
    dog = watchdog(world)
    assert dog.step()
    path = world.home.log / "keys"
    good = path.read_bytes()
    path.write_bytes(b"damaged\n")
    assert dog.step()  # the log first: the feed is not compared with what may be wrong itself
    path.write_bytes(good)
    assert dog.step()
    assert [each for each in told(world) if each[1] == "feed"] == [("audit.found", "feed")]


def test_only_one_of_two_watchdogs_speaks(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    database = world.anchorer_core.database
    first = watchdog(world, lease=watchdog_lease(database, 1.0))
    second = watchdog(world, lease=watchdog_lease(database, 1.0))
    first.step()
    checked = world.rows("SELECT checked_at FROM watchdog_status")
    assert not second.step()
    assert world.rows("SELECT checked_at FROM watchdog_status") == checked
    first.release()
    second.step()
    assert world.rows("SELECT checked_at FROM watchdog_status") != checked


def test_the_next_watchdog_looks_itself_before_it_says_that_something_is_over(
    fresh_world: World,
) -> None:
    world = fresh_world
    world.sequence()
    database = world.anchorer_core.database
    first = watchdog(world, lease=watchdog_lease(database, 1.0))
    second = watchdog(world, lease=watchdog_lease(database, 1.0))
    second.step()
    second.release()
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE feed SET leaf_hash = sha256('other'::bytea) WHERE position = 3")
    assert first.step()
    first.release()
    assert not second.step()
    assert told(world) == [("audit.found", "feed")]


def test_a_state_in_use_by_another_run_is_no_finding_about_the_log(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    other = LogState(world.home.run / "watchdog.state")
    try:
        with pytest.raises(StorageError):
            watchdog(world).step()
    finally:
        other.close()
    assert told(world) == []


def test_a_state_whose_content_is_damaged_is_made_anew(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    watchdog(world).step()
    path = world.home.run / "watchdog.state"
    state = sqlite3.connect(path)
    state.execute("REPLACE INTO walk VALUES (1, x'c1')")
    state.commit()
    state.close()
    assert not watchdog(world).step()
    assert status(world)[1] == 0
