"""Publishing: only forward, only under the fence, harmless when it stops anywhere."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from anchoring.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from anchoring.errors import (
    FenceLost,
    MalformedInput,
    OutOfOrder,
    StorageError,
    StoreConflict,
    VerificationFailed,
)
from anchoring.merkle import EMPTY_ROOT, MemoryTree, leaf_hash
from anchoring.merkle_proof import (
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from anchoring.note import Ed25519NoteSigner
from anchoring.publisher import Publisher, anchor_target
from anchoring.tile_store import DirectoryStore, TileWriter
from anchoring.tiles import TileReader, read_entry, read_tile, tiles_of
from tests.anchoring.support import (
    LOG_SIGNER,
    ORIGIN,
    OTHER_WITNESS,
    WITNESS,
    MemoryFence,
    make_publisher,
    signer,
)


def entry(number: int) -> bytes:
    return b"entry %d" % number


def tree_of(size: int) -> MemoryTree:
    return MemoryTree([leaf_hash(entry(number)) for number in range(size)])


@pytest.mark.parametrize(
    ("last", "size", "age", "requested", "target"),
    [
        (0, 0, None, False, None),
        (0, 0, None, True, None),
        (0, 255, 1.0, False, None),
        (0, 256, 1.0, False, 256),
        (0, 700, 1.0, False, 512),
        (512, 700, 1.0, False, None),
        (512, 700, 10.0, False, None),
        (512, 700, 10.1, False, 700),
        (512, 700, None, True, 700),
        (700, 700, 99.0, True, None),
        (700, 767, 1.0, False, None),
        (700, 768, 1.0, False, 768),
    ],
)
def test_when_and_at_which_size_to_anchor(last, size, age, requested, target):
    assert anchor_target(last, size, age, requested, max_age=10.0) == target


def test_a_published_log_can_be_proven_from_its_tiles(tmp_path):
    publisher = make_publisher(tmp_path)
    first = publisher.publish(0, [entry(n) for n in range(300)])
    second = publisher.publish(300, [entry(n) for n in range(300, 1000)])
    tree = tree_of(1000)
    assert (first.checkpoint.root, second.checkpoint.root) == (tree.root(300), tree.root())
    assert DirectoryStore(tmp_path).read("checkpoint") == second.signed
    reader = TileReader(DirectoryStore(tmp_path), 1000)
    verify_consistency(300, 1000, prove_consistency(300, 1000, reader), tree.root(300), tree.root())
    for index in (0, 255, 256, 999):
        proof = prove_inclusion(index, 1000, reader)
        verify_inclusion(leaf_hash(entry(index)), index, 1000, proof, tree.root())


def test_every_tile_of_the_size_is_served_and_old_partials_go(tmp_path):
    publisher = make_publisher(tmp_path)
    for at in range(0, 520, 40):
        publisher.publish(at, [entry(n) for n in range(at, at + 40)])
    store = DirectoryStore(tmp_path)
    for tile in tiles_of(520):
        assert store.read(tile.path()) is not None
    assert not (tmp_path / "tile/0/000.p").exists()
    assert not (tmp_path / "tile/entries/001.p").exists()


def test_a_reader_of_the_old_checkpoint_sees_it_whole(tmp_path):
    """Files are replaced, never written into; nothing temporary stays."""
    publisher = make_publisher(tmp_path)
    before = publisher.publish(0, [entry(0)]).signed
    with (tmp_path / "checkpoint").open("rb") as file:
        publisher.publish(1, [entry(1)])
        assert file.read() == before
    assert not [path for path in tmp_path.rglob("*") if "~" in path.name]


def test_an_empty_log_has_a_checkpoint(tmp_path):
    published = make_publisher(tmp_path).publish(0, [])
    assert (published.checkpoint.size, published.checkpoint.root) == (0, EMPTY_ROOT)
    assert make_publisher(tmp_path).size == 0


def test_positions_must_fit(tmp_path):
    publisher = make_publisher(tmp_path)
    publisher.publish(0, [entry(0)])
    for position in (0, 2):
        with pytest.raises(OutOfOrder):
            publisher.publish(position, [entry(9)])
    publisher.publish(1, [entry(1)])


def test_a_lost_fence_stops_before_anything_is_signed(tmp_path):
    fence = MemoryFence()
    publisher = make_publisher(tmp_path, fence)
    before = publisher.publish(0, [entry(0)]).signed
    fence.lost = True
    with pytest.raises(FenceLost):
        publisher.publish(1, [entry(1)])
    assert DirectoryStore(tmp_path).read("checkpoint") == before
    fence.lost = False
    assert publisher.publish(1, [entry(1), entry(2)]).checkpoint.root == tree_of(3).root()


def test_a_slow_publisher_does_not_roll_the_log_back(tmp_path):
    """Two publishers passed the fence; the later one is ahead: the smaller is not written."""
    slow, fast = make_publisher(tmp_path), make_publisher(tmp_path)
    slow_writer = slow._open()
    fast.publish(0, [entry(0), entry(1), entry(2)])
    assert slow_writer.size == 0
    with pytest.raises(StoreConflict):
        slow.publish(0, [entry(0), entry(1)])
    published = parse_checkpoint((tmp_path / "checkpoint").read_bytes())[0]
    assert published.size == 3


def test_other_entries_in_place_of_published_ones_are_a_conflict(tmp_path):
    store = DirectoryStore(tmp_path)
    TileWriter(store).extend([entry(n) for n in range(256)])
    with pytest.raises(StoreConflict):
        TileWriter(store).extend([entry(n + 1) for n in range(256)])


def test_checkpoints_of_anchored_sizes_are_kept(tmp_path):
    publisher = make_publisher(tmp_path)
    publisher.publish(0, [entry(n) for n in range(600)])
    kept = publisher.keep(512)
    assert parse_checkpoint(kept)[0] == Checkpoint(ORIGIN, 512, tree_of(512).root())
    assert publisher.keep(512) == kept
    assert publisher.keep(600) == DirectoryStore(tmp_path).kept_checkpoint(600)
    assert DirectoryStore(tmp_path).kept_sizes() == [512, 600]
    for size in (0, 601):
        with pytest.raises(OutOfOrder):
            publisher.keep(size)


def test_more_signatures_of_the_same_checkpoint_are_published(tmp_path):
    store = DirectoryStore(tmp_path)
    checkpoint = Checkpoint(ORIGIN, 1, bytes(32))
    one = sign_checkpoint(checkpoint, [LOG_SIGNER])
    two = sign_checkpoint(checkpoint, [LOG_SIGNER, OTHER_WITNESS])
    assert [store.publish_checkpoint(data) for data in (one, one, two, one)] == [1, 0, 1, 0]
    assert store.read("checkpoint") == two
    with pytest.raises(StoreConflict):
        store.publish_checkpoint(sign_checkpoint(Checkpoint(ORIGIN, 1, b"\1" * 32), [LOG_SIGNER]))


def test_a_folder_of_another_log_or_key_or_with_changed_tiles_is_refused(tmp_path):
    make_publisher(tmp_path).publish(0, [entry(0), entry(1)])
    stranger = Ed25519NoteSigner(ORIGIN, signer("stranger"))
    with pytest.raises(VerificationFailed):
        Publisher(DirectoryStore(tmp_path), ORIGIN, [stranger], MemoryFence())
    with pytest.raises(StorageError):
        Publisher(DirectoryStore(tmp_path), "other", [LOG_SIGNER, WITNESS], MemoryFence())
    tile = tmp_path / "tile/0/000.p/2"
    tile.write_bytes(bytes(64))
    with pytest.raises(StorageError, match="root"):
        make_publisher(tmp_path)
    (tmp_path / "checkpoint").write_bytes(b"junk")
    with pytest.raises(MalformedInput):
        make_publisher(tmp_path)


class Crash(Exception):
    """The process is gone."""


class CrashingStore(DirectoryStore):
    """Stops after a number of renames, as a killed process does."""

    left: int | None = None

    def _replace(self, files):
        for file in files:
            if self.left is not None:
                if self.left == 0:
                    raise Crash
                self.left -= 1
            super()._replace([file])


class LogMachine(RuleBasedStateMachine):
    """Publish, crash anywhere, reopen, keep; beside it a list of entries."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.fence = MemoryFence()
        self.durable: list[bytes] = []  # what the database holds, published or not
        self.heads: list[Checkpoint] = []
        self.open()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def open(self) -> None:
        self.store = CrashingStore(self.folder)
        self.publisher = Publisher(self.store, ORIGIN, [LOG_SIGNER], self.fence)

    def publish(self, count: int) -> None:
        size = self.publisher.size
        missing = size + count - len(self.durable)
        self.durable += [entry(len(self.durable) + n) for n in range(missing)]
        published = self.publisher.publish(size, self.durable[size : size + count])
        self.heads.append(published.checkpoint)

    @rule(count=st.integers(0, 600))
    def publish_all(self, count: int) -> None:
        # At least what was locked before a crash, as the sequencer does: the fence never goes back.
        self.publish(max(count, self.fence.size - self.publisher.size))

    @rule(count=st.integers(1, 600), left=st.integers(0, 8))
    def publish_and_crash(self, count: int, left: int) -> None:
        self.store.left = left
        with contextlib.suppress(Crash):
            self.publish(max(count, self.fence.size - self.publisher.size))
        self.open()

    @rule()
    def reopen(self) -> None:
        self.open()

    @rule(data=st.data())
    def keep(self, data: st.DataObject) -> None:
        size = self.publisher.size
        if size:
            chosen = data.draw(st.integers(1, size))
            head, _ = parse_checkpoint(self.publisher.keep(chosen))
            self.heads.append(head)

    @invariant()
    def every_head_ever_signed_is_a_prefix_of_the_published_log(self) -> None:
        if not hasattr(self, "publisher"):
            return
        size = self.publisher.size
        reader = TileReader(self.store, size)
        tree = MemoryTree([leaf_hash(item) for item in self.durable[:size]])
        for head in self.heads:
            assert head.size <= size
            if head.size:
                proof = prove_consistency(head.size, size, reader)
                verify_consistency(head.size, size, proof, head.root, tree.root())
        for tile in tiles_of(size):
            read_tile(self.store, tile)
        if size:
            assert read_entry(self.store, size - 1, size) == self.durable[size - 1]


LogMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
TestLog = LogMachine.TestCase
