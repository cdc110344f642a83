"""verify-log recomputes the index at every commitment and holds the keys file to the log."""

import json

import pytest

from anchoring.keys import EventKey
from anchoring.log_check import check_log
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from tests.anchoring.log_support import VENUE, LogBuilder, make_ring
from tests.anchoring.support import EVENT_SIGNER, make_keys, make_policy, signer

POLICY = parse_policy(make_policy())
SECOND = signer("event-2")


def check(builder, folder, keys=None):
    builder.publish(folder)
    return check_log(DirectoryStore(folder), POLICY, make_keys() if keys is None else keys)


def problem(builder, folder, keys=None):
    found = check(builder, folder, keys).problem
    assert found is not None
    return found


def test_every_commitment_is_recomputed(tmp_path):
    log = LogBuilder()
    for size in (1, 2, 40, 255, 256, 257, 600):
        log.fill(size, streams=1 + size // 3).commit()
    report = check(log, tmp_path)
    assert report.problem is None
    # Each one also grows the log: the last covers 600 entries, the first its own announcement.
    assert (report.indexes, report.indexed) == (7, 600)


def test_a_commitment_may_cover_fewer_entries_than_come_before_it(tmp_path):
    log = LogBuilder().fill(700)
    log.commit(size=3)
    log.commit(size=300)
    log.commit(size=300)
    report = check(log, tmp_path)
    assert (report.problem, report.indexes, report.indexed) == (None, 3, 300)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": "00" * 32}, "the commitment says"),
        ({"streams": 9}, "the commitment says"),
        ({"size": 41}, "its own position 40"),
        ({"size": -1}, "not between"),
        ({"algorithm": "tallystick/index/v2"}, "unknown construction"),
        ({"root": "AB" * 32}, "not the form"),
        ({"root": "ab"}, "not the form"),
        ({"extra": 1}, "not the form"),
        ({"stream": "index-other"}, "stands in index-other"),
    ],
)
def test_a_wrong_commitment_is_named(tmp_path, changes, words):
    log = LogBuilder().fill(40)
    log.commit(**changes)
    found = problem(log.fill(300), tmp_path)
    assert (found.check, found.where) == ("index", "entry 40")
    assert words in found.message


def test_a_stream_that_the_index_leaves_out(tmp_path):
    """The commitment is over a map that lacks the last event of one stream."""
    log = LogBuilder().fill(40)
    honest = LogBuilder()
    honest.entries = log.entries[:39]
    claimed = honest.commit()
    payload_root = json.loads(honest.entries[claimed])["event"]["payload"]["root"]
    log.commit(root=payload_root)
    assert problem(log, tmp_path).check == "index"


def test_a_commitment_to_fewer_entries_than_its_root_is_of(tmp_path):
    log = LogBuilder().fill(40)
    payload = json.loads(log.entries[log.commit()])["event"]["payload"]
    log.entries.pop()
    log.heads.pop((VENUE, "index-log"))
    log.note("index.committed", "index-log", payload | {"size": 39})
    assert problem(log, tmp_path).check == "index"


def test_commitments_do_not_go_back(tmp_path):
    log = LogBuilder().fill(40)
    log.commit(size=30)
    at = log.commit(size=29)
    found = problem(log, tmp_path)
    assert (found.check, found.where) == ("index", f"entry {at}")


def test_commitments_stay_in_one_tenants_stream(tmp_path):
    log = LogBuilder().fill(40)
    log.commit()
    other = LogBuilder()
    other.entries = list(log.entries)
    at = other.commit()
    payload = json.loads(other.entries[at])["event"]["payload"]
    log.note("index.committed", "index-log", payload, tenant="acme")
    assert problem(log, tmp_path).check == "index"


def test_keys_announced_and_retired_agree_with_the_keys_file(tmp_path):
    log = LogBuilder().fill(10)
    first = log.announce(SECOND)
    last = log.add(signer=EVENT_SIGNER)
    log.note(
        "event_key.retired",
        "keyring-log",
        {"key_id": EVENT_SIGNER.key_id, "last_position": last + 1},
    )
    log.add(signer=SECOND)
    ring = make_ring(
        EventKey(EVENT_SIGNER.public_key, 0, last + 1), EventKey(SECOND.public_key, first)
    )
    assert check(log, tmp_path, ring).problem is None


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        ([EventKey(EVENT_SIGNER.public_key, 0), EventKey(SECOND.public_key, 5)], "never announced"),
        ([EventKey(EVENT_SIGNER.public_key, 1)], "not valid for entry 0"),
        ([EventKey(EVENT_SIGNER.public_key, 0, 100)], "the log 0 to -"),
    ],
)
def test_a_keys_file_that_says_otherwise(tmp_path, ring, words):
    found = problem(LogBuilder().fill(20), tmp_path, make_ring(*ring))
    assert found.check == "unknown key"
    assert words in found.message


def test_a_retired_key_that_the_keys_file_leaves_open(tmp_path):
    log = LogBuilder().fill(10)
    log.retire(EVENT_SIGNER, last=10)
    found = problem(log, tmp_path)
    assert (found.check, found.where) == ("unknown key", "keys")
    assert "the log 0 to 10" in found.message


def test_a_key_that_may_sign_only_later_entries_is_left_alone(tmp_path):
    ring = make_ring(EventKey(EVENT_SIGNER.public_key, 0), EventKey(SECOND.public_key, 20))
    assert check(LogBuilder().fill(20), tmp_path, ring).problem is None


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (lambda log: log.announce(EVENT_SIGNER), "announced twice"),
        (lambda log: log.announce(SECOND, public_key="00" * 32), "of another key"),
        (lambda log: log.announce(SECOND, first_position="x"), "another form"),
        (lambda log: log.retire(SECOND, 3), "not in use"),
        (lambda log: log.note("event_key.retired", "other", {}), "stands in the stream other"),
    ],
)
def test_a_key_ring_that_contradicts_itself(tmp_path, event, words):
    log = LogBuilder().fill(10)
    at = event(log)
    found = problem(log, tmp_path)
    assert (found.check, found.where) == ("unknown key", f"entry {at}")
    assert words in found.message


def test_the_venue_is_not_special_but_its_streams_are_chained_too(tmp_path):
    log = LogBuilder().fill(3)
    log.add("keyring-log", VENUE, stream_version=9)
    assert problem(log, tmp_path).check == "entry"
