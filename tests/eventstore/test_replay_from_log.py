"""Replay from the log's own bytes: a changed row and a changed entry are told apart and named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anchoring.envelope import parse_entry
from anchoring.merkle import leaf_hash
from anchoring.note import Ed25519NoteSigner
from anchoring.policy import parse_policy
from anchoring.publisher import Publisher
from anchoring.signing import Ed25519Signer
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import decode_entries, encode_entries
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.published import PublishedLog
from backend.eventstore.replay import ReplayReport, replay_and_compare
from backend.eventstore.scope import Scope
from backend.eventstore.sequencer import Sequencer
from backend.eventstore.store import EventStore
from tests.conftest import TestDatabase
from tests.eventstore.conftest import ORIGIN, TENANT_A, count

pytestmark = pytest.mark.db
SIGNER = Ed25519NoteSigner(ORIGIN, Ed25519Signer.from_seed(b"\x07" * 32))
POLICY = parse_policy(f"log {SIGNER.vkey}\nquorum none\n".encode())


class NoFence:
    """One publisher, so nothing to keep apart."""

    def lock(self, size: int, root: bytes) -> None:
        return


class World:
    def __init__(self, store: EventStore, database: TestDatabase, step: Any, log: Path) -> None:
        self.store, self.database, self.log = store, database, log
        self._step = step

    def count(self, name: str, *labels: str) -> None:
        count(self.store, TENANT_A, name, *labels)

    def sequence(self) -> None:
        while self._step() is not None:
            continue

    def publish(self) -> None:
        self.sequence()
        publisher = Publisher(DirectoryStore(self.log), ORIGIN, [SIGNER], NoFence())
        with self.store.database.transaction(Scope.auditor()) as connection:
            rows = connection.execute(
                "SELECT entry FROM feed JOIN events USING (tenant_id, stream_id, stream_version)"
                " WHERE position >= %s ORDER BY position",
                (publisher.size,),
            ).fetchall()
        publisher.publish(publisher.size, [row["entry"] for row in rows])

    def replay(self) -> ReplayReport:
        log = PublishedLog(DirectoryStore(self.log), POLICY)
        return replay_and_compare(
            self.store.database, self.store.registry, self.store.projections, log=log
        )

    def tamper(self, statement: str, *values: object) -> None:
        """As a superuser, with every trigger off: what an intruder on the host can do."""
        with psycopg.connect(self.database.conninfo()) as admin:
            admin.execute("SET session_replication_role = replica")
            assert admin.execute(statement, values).rowcount == 1

    def entry(self, position: int) -> bytes:
        path = self.log / "tile/entries/000.p"
        (bundle,) = path.iterdir()
        return decode_entries(bundle.read_bytes(), position + 1)[position]

    def rewrite(self, position: int, entry: bytes) -> None:
        (bundle,) = (self.log / "tile/entries/000.p").iterdir()
        entries = decode_entries(bundle.read_bytes(), int(bundle.name))
        entries[position] = entry
        bundle.write_bytes(encode_entries(entries))

    def where(self, position: int) -> str:
        return f"position {position}, event {parse_entry(self.entry(position)).envelope.event_id}"


@pytest.fixture
def world(
    store: EventStore,
    database: TestDatabase,
    new_sequencer: Callable[..., Sequencer],
    tmp_path: Path,
) -> World:
    found = World(store, database, new_sequencer().step, tmp_path / "log")
    for name in "abc":
        found.count(name, "one", "two")
    found.publish()
    return found


def named(report: ReplayReport) -> list[tuple[str, str]]:
    return [(each.table, each.side) for each in report.differences]


def test_the_live_tables_follow_from_the_logs_bytes(world: World) -> None:
    report = world.replay()
    assert report.equal
    assert (report.events, report.published, report.unpublished) == (6, 6, 0)
    digests = report.digests["participants"]
    assert digests.live == digests.replayed
    # Replayed again the digest is the same; with another event it is not.
    assert world.replay().digests == report.digests
    world.count("a", "three")
    world.publish()
    assert world.replay().digests["participants"] != digests


def test_events_that_are_not_published_yet_are_told_and_folded(world: World) -> None:
    world.count("a", "three")
    world.count("d", "one")
    world.sequence()
    world.count("e", "one")
    report = world.replay()
    assert report.equal, report.differences
    assert (report.events, report.published, report.unpublished) == (9, 6, 3)


CHANGE = (
    "UPDATE events SET entry = %s, leaf_hash = sha256('\\x00'::bytea || %s::bytea) WHERE event_id ="
    " (SELECT event_id FROM feed WHERE position = %s)"
)


def test_an_entry_changed_in_the_event_table(world: World) -> None:
    forged = world.entry(3).replace(b'"label":"two"', b'"label":"TWO"')
    world.tamper(CHANGE, forged, forged, 3)
    report = world.replay()
    (found,) = report.differences
    assert (found.table, found.side) == ("events", "live")
    assert found.row.startswith(f"{world.where(3)}: the row was changed")
    # The tables are those of the logged bytes: the read model was not touched, so it is equal.
    assert report.digests["participants"].live == report.digests["participants"].replayed


def test_an_entry_changed_together_with_its_read_model(world: World) -> None:
    forged = world.entry(3).replace(b'"label":"two"', b'"label":"TWO"')
    world.tamper(CHANGE, forged, forged, 3)
    world.tamper("UPDATE feed SET leaf_hash = %s WHERE position = 3", leaf_hash(forged))
    world.tamper("UPDATE participants SET name = 'TWO' WHERE participant_id = 'counter-b'")
    report = world.replay()
    assert named(report) == [
        ("events", "live"),
        ("participants", "live"),
        ("participants", "replayed"),
    ]
    assert "TWO" in report.differences[1].row
    # Folding the event table finds nothing: that is why the log is folded.
    store = world.store
    assert replay_and_compare(store.database, store.registry, store.projections).equal


def test_a_changed_entry_whose_feed_row_was_changed_as_well(world: World) -> None:
    forged = world.entry(3).replace(b'"label":"two"', b'"label":"TWO"')
    world.tamper(CHANGE, forged, forged, 3)
    world.tamper("UPDATE feed SET leaf_hash = %s WHERE position = 3", leaf_hash(forged))
    assert named(world.replay()) == [("events", "live")]


def test_a_changed_feed_row(world: World) -> None:
    world.tamper("UPDATE feed SET leaf_hash = %s WHERE position = 3", bytes(32))
    (found,) = world.replay().differences
    assert (found.table, found.side) == ("feed", "live")


def test_a_missing_row(world: World) -> None:
    at = "event_id = (SELECT event_id FROM feed WHERE position = 5)"
    world.tamper(f"DELETE FROM events WHERE {at}")
    (found,) = world.replay().differences
    assert (found.table, found.side) == ("events", "replayed")
    assert found.row == f"{world.where(5)}: the row is missing"
    world.tamper("DELETE FROM feed WHERE position = 5")
    (found,) = world.replay().differences
    assert (found.table, found.side) == ("feed", "replayed")


def test_a_row_that_was_never_on_its_way_to_the_log(world: World) -> None:
    entry = world.entry(0)
    world.tamper(
        "INSERT INTO events (tenant_id, stream_id, stream_version, event_id, type, entry,"
        " leaf_hash, recorded_at) VALUES (%s, 'counter-x', 1, gen_random_uuid(), 'test.counted',"
        " %s, sha256('\\x00'::bytea || %s::bytea), now())",
        TENANT_A, entry, entry,
    )  # fmt: skip
    (found,) = world.replay().differences
    assert (found.table, found.side) == ("events", "live")
    assert "never on its way to the log" in found.row


def test_an_unpublished_row_that_is_not_the_one_sequenced(world: World) -> None:
    world.count("a", "three")
    world.sequence()
    with world.store.database.transaction(Scope.auditor()) as connection:
        row = connection.execute("SELECT entry FROM events ORDER BY insert_id DESC").fetchone()
    assert row is not None
    forged = row["entry"].replace(b'"label":"three"', b'"label":"THREE"')
    world.tamper(CHANGE, forged, forged, 6)
    found = world.replay().differences[0]
    assert found.row.startswith("position 6, event ")
    assert found.row.endswith("is not the one sequenced")


def test_an_entry_changed_in_the_published_files(world: World) -> None:
    where = world.where(3)
    world.rewrite(3, world.entry(3).replace(b'"label":"two"', b'"label":"TWO"'))
    report = world.replay()
    assert named(report) == [("log", "log"), ("log", "log")]
    assert report.differences[0].row.startswith(f"{where}: the log's file was changed")
    assert "another root" in report.differences[1].row
    assert report.rows == {}


def test_a_bundle_that_cannot_be_read(world: World) -> None:
    (bundle,) = (world.log / "tile/entries/000.p").iterdir()
    bundle.write_bytes(bundle.read_bytes()[:-1])
    assert named(world.replay()) == [("log", "log")]
    bundle.unlink()
    (found,) = world.replay().differences
    assert "tile/entries/000.p/6 is missing" in found.row


def test_a_row_and_the_hash_tiles_changed(world: World) -> None:
    """Nothing is left that says what was signed: the row is still named."""
    (tile,) = (world.log / "tile/0/000.p").iterdir()
    tile.write_bytes(bytes(len(tile.read_bytes())))
    forged = world.entry(3).replace(b'"label":"two"', b'"label":"TWO"')
    world.tamper(CHANGE, forged, forged, 3)
    (found,) = world.replay().differences
    assert (found.table, found.side) == ("events", "live")


def test_a_checkpoint_of_another_or_none(world: World) -> None:
    stranger = Ed25519NoteSigner(ORIGIN, Ed25519Signer.from_seed(b"\x08" * 32))
    policy = parse_policy(f"log {stranger.vkey}\nquorum none\n".encode())
    store = DirectoryStore(world.log)
    with pytest.raises(LogInconsistent, match="does not hold"):
        PublishedLog(store, policy)
    (world.log / "checkpoint").unlink()
    with pytest.raises(LogInconsistent, match="no published log"):
        PublishedLog(store, POLICY)
