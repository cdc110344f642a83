"""verify-log finds a changed entry, a missing tile, a broken stream, and says where."""

import shutil

import msgspec
import pytest

from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.envelope import parse_entry, sign_entry
from anchoring.errors import MalformedInput
from anchoring.log_check import check_log
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.note import Ed25519NoteSigner
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import decode_entries, encode_entries
from tests.anchoring.log_support import LogBuilder
from tests.anchoring.support import (
    EVENT_SIGNER,
    LOG_SIGNER,
    ORIGIN,
    envelope,
    make_entries,
    make_keys,
    make_policy,
    make_publisher,
    signer,
)

SIZE = 600
BUILT = LogBuilder().fill(SIZE)
POLICY = parse_policy(make_policy())


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    BUILT.publish(folder, upto=300)
    BUILT.publish(folder, kept=(256, 300))
    return folder


@pytest.fixture
def log(original, tmp_path):
    return shutil.copytree(original, tmp_path / "log")


def check(folder, policy=POLICY, keys=None, **options):
    store = DirectoryStore(folder)
    kept = {size: store.kept_checkpoint(size) for size in store.kept_sizes()}
    return check_log(store, policy, make_keys() if keys is None else keys, kept, **options)


def problem(folder, **options):
    report = check(folder, **options)
    assert report.problem is not None
    return report.problem


def test_an_honest_log_holds(log):
    leaves = [leaf_hash(entry) for entry in BUILT.entries]
    report = check(log, heads=[(300, MemoryTree(leaves).root(300))])
    assert report.problem is None
    # Seven streams of orders and the key ring.
    assert (report.entries, report.streams, report.size) == (SIZE, 8, SIZE)
    # 3 bundles and 3 tiles of level 0, 1 of level 1; checkpoint, two kept ones and the registry's.
    assert (report.tiles, report.heads, report.exit_code) == (7, 4, 0)


def rewrite(folder, index, entry):
    """Put other bytes in place of one entry, in the bundle only."""
    path = folder / f"tile/entries/{index // 256:03d}"
    entries = decode_entries(path.read_bytes(), 256)
    entries[index % 256] = entry
    path.write_bytes(encode_entries(entries))


def test_a_changed_byte_of_an_entry(log):
    rewrite(log, 100, BUILT.entries[100].replace(b'"12.5"', b'"99.5"'))
    found = problem(log)
    assert (found.check, found.where) == ("signature", "entry 100")


def test_a_changed_entry_that_is_signed_again(log):
    """An operator with the event key rewrites history: the tile's hashes tell."""
    original = parse_entry(BUILT.entries[250]).envelope
    changed = sign_entry(msgspec.structs.replace(original, payload={"forged": True}), EVENT_SIGNER)
    rewrite(log, 250, changed)
    assert problem(log).where in {"tile/0/000", "head of size 256"}


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"]
)
def test_a_missing_tile(log, path):
    (log / path).unlink()
    found = problem(log)
    assert (found.check, found.where) == ("log", path)
    assert "missing" in found.message


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"])
def test_a_changed_tile(log, path):
    data = bytearray((log / path).read_bytes())
    data[40] ^= 1
    (log / path).write_bytes(bytes(data))
    assert problem(log).where == path


@pytest.mark.parametrize(
    "changes",
    [
        {"stream_version": 2, "previous": "00" * 32},
        {"stream_version": 3, "previous": None},
        {"stream_id": "order-new", "stream_version": 2, "previous": "00" * 32},
        {"stream_version": 1, "previous": None},
    ],
)
def test_a_broken_stream_chain(tmp_path, changes):
    entries = make_entries(5, streams=1)
    if changes["previous"] is None and changes["stream_version"] == 3:
        changes = {"stream_version": 7, "previous": leaf_hash(entries[4]).hex()}
    broken = sign_entry(envelope(5, **({"stream_id": "order-0"} | changes)), EVENT_SIGNER)
    make_publisher(tmp_path).publish(0, [*entries, broken])
    found = problem(tmp_path)
    assert (found.check, found.where) == ("entry", "entry 5")
    assert "does not follow" in found.message


def test_a_stream_of_the_same_name_in_another_tenant_is_another(tmp_path):
    log = LogBuilder().fill(3, streams=1)
    log.add("order-0", "umbrella")
    log.publish(tmp_path)
    assert check(tmp_path).problem is None


def test_an_entry_of_another_log(tmp_path):
    entry = sign_entry(envelope(0, origin="other.example"), EVENT_SIGNER)
    make_publisher(tmp_path).publish(0, [entry])
    assert problem(tmp_path).where == "entry 0"


def test_an_entry_after_its_key_was_retired(log):
    found = problem(log, keys=make_keys(last=399))
    assert found.where == "entry 400"


def test_a_keys_file_signed_by_a_stranger(log):
    stranger = Ed25519NoteSigner(ORIGIN, signer("stranger"))
    assert problem(log, keys=make_keys(signer_of=stranger)).where == "keys"


def test_a_quorum_that_is_not_reached(log):
    report = check(log, policy=parse_policy(make_policy("both")))
    assert (report.problem.check, report.exit_code) == ("witnesses", 3)


def test_a_head_on_chain_of_another_history(log):
    assert problem(log, heads=[(300, bytes(32))]).where == "head of size 300"
    assert problem(log, heads=[(SIZE, bytes(32))]).where == f"head of size {SIZE}"
    assert problem(log, heads=[(SIZE + 1, bytes(32))]).check == "anchor"


def test_a_kept_checkpoint_of_another_history(log):
    forged = sign_checkpoint(Checkpoint(ORIGIN, 300, bytes(32)), [LOG_SIGNER])
    (log / "checkpoints/300").write_bytes(forged)
    assert problem(log).where == "head of size 300"


def test_a_checkpoint_with_another_root(log):
    """Signed by the log itself: a split view."""
    forged = sign_checkpoint(Checkpoint(ORIGIN, SIZE, bytes(32)), [LOG_SIGNER])
    (log / "checkpoint").write_bytes(forged)
    found = problem(log, policy=parse_policy(make_policy("none")))
    assert found.where == f"head of size {SIZE}"


def test_without_a_readable_checkpoint_there_is_nothing_to_check(log):
    (log / "checkpoint").write_bytes(b"junk")
    with pytest.raises(MalformedInput):
        check(log)
    (log / "checkpoint").unlink()
    with pytest.raises(MalformedInput):
        check(log)
    with pytest.raises(MalformedInput):
        check_log(DirectoryStore(log), POLICY, b"junk")
