"""Going on from a state file: never from one that is of another log or another history."""

import shutil
import sqlite3

import pytest

from anchoring.envelope import sign_entry
from anchoring.errors import MalformedInput, StorageError
from anchoring.keys import EventKey
from anchoring.log_check import check_log
from anchoring.log_state import LogState
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from tests.anchoring.log_support import LogBuilder, make_ring
from tests.anchoring.support import EVENT_SIGNER, envelope, make_keys, make_policy

POLICY = parse_policy(make_policy("none"))


def build(size=2_000, commit_every=130):
    log = LogBuilder()
    while len(log.entries) < size:
        log.fill(min(size, len(log.entries) + commit_every), streams=23)
        log.commit(size=max(1, len(log.entries) - len(log.entries) % 50))
    return log


@pytest.fixture(scope="module")
def built():
    return build()


@pytest.fixture
def state(tmp_path):
    return tmp_path / "walk.state"


class Stopped(Exception):
    """The run ends here, as a signal would end it."""


def check(folder, state=None, keys=None, stop_at=None, **options):
    store = DirectoryStore(folder)

    def progress(done, _size):
        if stop_at is not None and done >= stop_at:
            raise Stopped

    opened = LogState(state) if state else None
    try:
        kept = {size: store.kept_checkpoint(size) for size in store.kept_sizes()}
        keys = make_keys() if keys is None else keys
        return check_log(store, POLICY, keys, kept, state=opened, progress=progress, **options)
    finally:
        if opened:
            opened.close()


def counts(report):
    return report.entries, report.streams, report.tiles, report.indexes, report.indexed


@pytest.mark.parametrize("sizes", [(256, 2_000), (1, 257, 1_024, 1_999), (300, 300), (512, 768)])
def test_a_log_that_grew_is_checked_from_where_the_last_run_stood(built, tmp_path, state, sizes):
    for size in sizes:
        built.publish(tmp_path / "log", upto=size)
        report = check(tmp_path / "log", state)
        assert report.problem is None
        whole = check(tmp_path / "log")
        assert counts(report) == counts(whole)
    before = [size - size % 256 for size in sizes][-2]
    assert report.resumed == before


def test_a_run_that_is_stopped_goes_on_at_its_last_save(tmp_path, state, monkeypatch):
    monkeypatch.setattr("anchoring.log_walk.SAVE_EVERY", 2)
    log = build(3_000)
    log.publish(tmp_path / "log")
    with pytest.raises(Stopped):
        check(tmp_path / "log", state, stop_at=1_500)
    report = check(tmp_path / "log", state)
    # The progress is told before the save: six bundles were seen, five were not saved by then.
    assert (report.problem, report.resumed) == (None, 1_024)
    assert counts(report) == counts(check(tmp_path / "log"))


def test_entries_before_the_state_are_not_read_again(built, tmp_path, state):
    built.publish(tmp_path / "log", upto=1_000)
    check(tmp_path / "log", state)
    built.publish(tmp_path / "log")
    (tmp_path / "log/tile/entries/000").unlink()
    assert check(tmp_path / "log", state).problem is None
    assert check(tmp_path / "log").problem.where == "tile/entries/000"


def test_heads_of_sizes_that_were_checked_before_are_proven(built, tmp_path, state):
    folder = tmp_path / "log"
    built.publish(folder, kept=(300, 1_000))
    assert check(folder, state).heads == 3
    root = MemoryTree([leaf_hash(entry) for entry in built.entries]).root(700)
    assert check(folder, state, heads=[(700, root)]).heads == 4
    found = check(folder, state, heads=[(700, bytes(32))]).problem
    assert (found.check, found.where) == ("consistency", "head of size 700")


def fork(built, at, size=2_000):
    """Another history from entry ``at`` on, signed by the same keys."""
    other = LogBuilder()
    other.entries, other.heads = [], {}
    for entry in built.entries[:at]:
        other.append(entry)
    other.append(sign_entry(envelope(99, stream_id="fork"), EVENT_SIGNER))
    return other.fill(size, streams=23)


@pytest.mark.parametrize("at", [1, 255, 511, 1_023])
def test_a_forked_log_is_told_apart_from_the_one_checked_before(built, tmp_path, state, at):
    built.publish(tmp_path / "log", upto=1_024)
    check(tmp_path / "log", state)
    fork(built, at).publish(tmp_path / "fork")
    found = check(tmp_path / "fork", state).problem
    assert (found.check, found.where) == ("consistency", "head of size 1024")
    # Without the state the fork is a log like any other: that is what the state is for.
    assert check(tmp_path / "fork").problem is None


def test_a_fork_after_the_state_cannot_be_told_apart(built, tmp_path, state):
    built.publish(tmp_path / "log", upto=1_024)
    check(tmp_path / "log", state)
    fork(built, 1_024).publish(tmp_path / "fork")
    assert check(tmp_path / "fork", state).problem is None


def test_a_log_that_became_smaller(built, tmp_path, state):
    built.publish(tmp_path / "log")
    check(tmp_path / "log", state)
    built.publish(tmp_path / "old", upto=900)
    found = check(tmp_path / "old", state).problem
    assert found.check == "consistency"
    assert "were checked before" in found.message


def test_tiles_that_do_not_lead_to_the_root_are_not_called_a_fork(built, tmp_path, state):
    built.publish(tmp_path / "log")
    check(tmp_path / "log", state)
    tile = tmp_path / "log/tile/0/003"
    data = bytearray(tile.read_bytes())
    data[0] ^= 1
    tile.write_bytes(data)
    report = check(tmp_path / "log", state, heads=[(800, bytes(32))])
    assert report.problem.check == "log"
    assert "tile/0/003 is not of the checkpoint's tree" in report.problem.message


def test_a_problem_is_found_again_by_the_next_run(built, tmp_path, state):
    log = fork(built, 1_500, size=1_501)
    log.append(
        sign_entry(
            envelope(7, stream_id="hole", stream_version=3, previous="00" * 32), EVENT_SIGNER
        )
    )
    log.fill(1_900).publish(tmp_path / "log")
    first = check(tmp_path / "log", state).problem
    again = check(tmp_path / "log", state)
    assert first.where == "entry 1501"
    assert again.problem == first
    assert again.resumed == 0  # nothing was saved beyond: 64 bundles lie between two saves


def test_a_keys_file_that_takes_back_what_was_checked(built, tmp_path, state):
    built.publish(tmp_path / "log")
    check(tmp_path / "log", state)
    shorter = make_ring(EventKey(EVENT_SIGNER.public_key, 0, 1_000))
    found = check(tmp_path / "log", state, keys=shorter).problem
    assert (found.check, found.where) == ("unknown key", "keys")
    assert "signed the entries 0 to 1791" in found.message
    gone = make_ring()
    assert "no longer lists" in check(tmp_path / "log", state, keys=gone).problem.message


def test_the_state_of_another_log(built, tmp_path, state):
    built.publish(tmp_path / "log")
    check(tmp_path / "log", state)
    with sqlite3.connect(state) as database:
        (document,) = database.execute("SELECT document FROM walk").fetchone()
        changed = document.replace(b"log.example", b"lug.example")
        database.execute("UPDATE walk SET document = ?", (changed,))
    with pytest.raises(MalformedInput, match="of the log lug"):
        check(tmp_path / "log", state)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE indexed SET count = count + 1 WHERE key = (SELECT min(key) FROM indexed)",
        "DELETE FROM indexed WHERE key = (SELECT max(key) FROM indexed)",
        "DELETE FROM pending WHERE position = (SELECT max(position) FROM pending)",
        "UPDATE pending SET count = count + 1 WHERE position = (SELECT max(position) FROM pending)",
        "UPDATE walk SET document = x'00'",
        "UPDATE walk SET document = substr(document, 1, length(document) - 1)",
    ],
)
def test_a_damaged_state_is_refused(built, tmp_path, state, damage):
    built.publish(tmp_path / "log")
    check(tmp_path / "log", state)
    with sqlite3.connect(state) as database:
        assert database.execute(damage).rowcount == 1
    database.close()
    with pytest.raises(MalformedInput, match="damaged"):
        check(tmp_path / "log", state)


def test_a_state_with_another_tree_is_not_gone_on_from(built, tmp_path, state):
    """The frontier decides: whatever else the file says, it must lead to the signed root."""
    built.publish(tmp_path / "log")
    check(tmp_path / "log", state)
    tree = MemoryTree([leaf_hash(entry) for entry in built.entries[:1_792]])
    frontier = tree.read_hashes([(10, 0)])[0]
    with sqlite3.connect(state) as database:
        (document,) = database.execute("SELECT document FROM walk").fetchone()
        assert frontier in document
        database.execute("UPDATE walk SET document = ?", (document.replace(frontier, bytes(32)),))
    database.close()
    found = check(tmp_path / "log", state).problem
    assert (found.check, found.where) == ("consistency", "head of size 1792")


def test_a_file_that_is_no_state(built, tmp_path, state):
    built.publish(tmp_path / "log", upto=10)
    state.write_bytes(b"something else entirely, and long enough to be looked at" * 20)
    before = state.read_bytes()
    with pytest.raises(MalformedInput, match="not a state file"):
        check(tmp_path / "log", state)
    assert state.read_bytes() == before
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(MalformedInput, match="not a state file of this version"):
        check(tmp_path / "log", other)


def test_two_runs_do_not_share_a_state(state):
    first = LogState(state)
    with pytest.raises(StorageError, match="used by another run"):
        LogState(state)
    first.close()
    LogState(state).close()


def test_several_processes_find_the_same_as_one(tmp_path):
    log = build(6_000, commit_every=700)
    log.publish(tmp_path / "log")
    assert counts(check(tmp_path / "log", jobs=2)) == counts(check(tmp_path / "log"))
    bundle = tmp_path / "log/tile/entries/014"
    data = bundle.read_bytes()
    bundle.write_bytes(data.replace(b'"side":"buy"', b'"side":"SEL"', 1))
    (tmp_path / "log/tile/entries/016").unlink()
    one, two = check(tmp_path / "log"), check(tmp_path / "log", jobs=2)
    assert one.problem == two.problem
    assert one.problem.check == "signature"
    assert counts(one) == counts(two)
    shutil.rmtree(tmp_path / "log")
