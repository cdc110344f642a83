"""The watchdog on a running platform: silent when all is well, and never twice about one thing."""

import psycopg
import pytest

from anchoring.tile_store import DirectoryStore
from anchoring.tiles import Tile
from backend.audit.events import AuditCleared, AuditFound
from backend.audit.watchdog import Finding, Watchdog, decide, evolve
from tests.integration.parties import ok
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


def watchdog(world: World, **changes: float) -> Watchdog:
    options = {"interval": 0.0, **changes}
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
    found, _ = watchdog(world).look()
    assert [(each.check, each.where) for each in found] == [("feed", "position 3")]


def test_a_row_missing_from_the_feed_is_found(fresh_world: World) -> None:
    world = fresh_world
    world.sequence()
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM feed WHERE position = 5")
    found, _ = watchdog(world).look()
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
    said = decide(None, [first])
    assert said == [AuditFound(check="feed", where="position 3", message="a")]
    state = evolve(None, said[0])
    assert decide(state, [first]) == []
    assert decide(state, [moved]) == [AuditFound(check="feed", where="position 9", message="a")]
    assert decide(state, []) == [AuditCleared(check="feed")]
    assert evolve(state, AuditCleared(check="feed")) == {}
