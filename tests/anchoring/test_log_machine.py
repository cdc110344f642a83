"""A whole log's life in random order, beside an oracle: a list of entries and a tree in memory.

Events are appended and become durable, are published, cosigned by a real witness and anchored; the
publisher crashes and is reloaded, the log's key is rotated with an overlap, personal values are
erased. Whatever the order: published heads are pairwise consistent, and anchored is a prefix of
published, published a prefix of durable.
"""

import contextlib
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.commitment import commit
from anchoring.cosignature import verifiers_for
from anchoring.errors import FenceLost
from anchoring.merkle import MemoryTree, leaf_hash, leaf_hashes
from anchoring.merkle_proof import (
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from anchoring.note import Ed25519NoteSigner, open_note
from anchoring.publisher import Publisher, anchor_target
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader
from anchoring.witness import Witness
from anchoring.witness_client import WitnessClient, merge_signatures, proofs_from
from anchoring.witness_store import SqliteHeadStore
from tests.anchoring.support import ORIGIN, WITNESS, MemoryFence, signer
from tests.anchoring.test_witness import Direct


class Killed(Exception):
    """The publisher's process is gone."""


class LogLife(RuleBasedStateMachine):
    """Rules move the log; ``durable`` and the oracle's tree never depend on its files."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.fence = MemoryFence()
        self.durable: list[bytes] = []
        self.tree = MemoryTree()
        self.heads: list[Checkpoint] = []
        self.anchored: list[Checkpoint] = []
        self.values: dict[int, tuple[str, bytes]] = {}
        self.kept: list[bytes] = []
        self.keys = 1
        self.signers = [Ed25519NoteSigner(ORIGIN, signer("log key 1"))]
        self.left: int | None = None
        self.load()
        self.witness = self.make_witness()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def between(self) -> None:
        if self.left is not None:
            if self.left == 0:
                raise Killed
            self.left -= 1

    def load(self) -> None:
        self.left = None
        self.store = DirectoryStore(self.folder / "log", self.between)
        self.publisher = Publisher(self.store, ORIGIN, self.signers, self.fence)

    def make_witness(self) -> Witness:
        logs = [each.vkey for each in self.signers]
        return Witness(logs, [WITNESS], SqliteHeadStore(self.folder / "witness.sqlite"))

    def append(self, entries: list[bytes]) -> None:
        self.durable += entries
        self.tree.extend(leaf_hashes(entries))

    @rule(count=st.sampled_from([1, 3, 40, 256, 700]))
    def append_events(self, count: int) -> None:
        size = len(self.durable)
        self.append([b"event %d" % (size + n) for n in range(count)])

    @rule(value=st.text(max_size=5))
    def append_personal_data(self, value: str) -> None:
        salt = bytes([len(self.durable) % 256]) * 32
        self.values[len(self.durable)] = (value, salt)
        self.append([b"personal " + commit("email", value, salt)])

    @precondition(lambda self: self.values)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        """The value and its salt go; the log only grows by the event that says so."""
        index = data.draw(st.sampled_from(sorted(self.values)))
        value, salt = self.values.pop(index)
        commitment = commit("email", value, salt)
        assert self.durable[index] == b"personal " + commitment
        self.append([b"erased " + commitment])

    def publish_to(self, end: int) -> None:
        size = self.publisher.size
        end = max(end, self.fence.size, size)
        done = self.publisher.publish(size, self.durable[size:end])
        self.heads.append(done.checkpoint)

    @rule(share=st.floats(0, 1))
    def publish(self, share: float) -> None:
        self.publish_to(int(len(self.durable) * share))

    @rule(left=st.integers(0, 10), share=st.floats(0, 1))
    def crash(self, left: int, share: float) -> None:
        self.left = left
        with contextlib.suppress(Killed):
            self.publish_to(int(len(self.durable) * share))
        self.load()

    @rule()
    def reload(self) -> None:
        self.load()

    @rule()
    def a_replaced_publisher_is_refused(self) -> None:
        before = self.store.read(CHECKPOINT_PATH)
        self.fence.lost = True
        with contextlib.suppress(FenceLost):
            self.publish_to(len(self.durable))
            raise AssertionError("it published without the fence")
        self.fence.lost = False
        assert self.store.read(CHECKPOINT_PATH) == before

    @precondition(lambda self: self.publisher.size)
    @rule()
    def cosign(self) -> None:
        data = self.store.read(CHECKPOINT_PATH)
        client = WitnessClient(Direct(self.witness), [WITNESS.vkey])
        lines = client.cosign(data, proofs_from(self.store, self.publisher.size))
        self.store.publish_checkpoint(merge_signatures(data, lines))
        opened = open_note(self.store.read(CHECKPOINT_PATH), verifiers_for([WITNESS.vkey]))
        assert opened.signed_by(WITNESS.vkey)

    @precondition(lambda self: self.publisher.size)
    @rule(requested=st.booleans(), age=st.sampled_from([None, 1.0, 99.0]))
    def anchor(self, requested: bool, age: float | None) -> None:
        """As the registry does it: only with a proof from the last anchored head."""
        last = self.anchored[-1] if self.anchored else None
        target = anchor_target(last.size if last else 0, self.publisher.size, age, requested, 10.0)
        if target is None:
            return
        head, _ = parse_checkpoint(self.publisher.keep(target))
        if last is not None:
            proof = prove_consistency(
                last.size, target, TileReader(self.store, self.publisher.size)
            )
            verify_consistency(last.size, target, proof, last.root, head.root)
        self.anchored.append(head)

    @rule()
    def rotate_the_log_key(self) -> None:
        """A new key signs beside the old one; once a checkpoint has both, the old one goes."""
        self.keys += 1
        new = Ed25519NoteSigner(ORIGIN, signer(f"log key {self.keys}"))
        self.signers = [self.signers[-1], new]
        self.load()
        self.append([b"key announced"])
        self.publish_to(len(self.durable))
        self.signers = [new]
        self.load()
        self.witness = self.make_witness()

    @invariant()
    def published_heads_are_pairwise_consistent(self) -> None:
        if not hasattr(self, "publisher"):
            return
        heads = {(head.size, head.root) for head in self.heads + self.anchored if head.size}
        by_size = sorted(heads)
        for (size, root), (larger, larger_root) in pairwise(by_size):
            assert size < larger, "two roots of one size"
            proof = prove_consistency(size, larger, self.tree)
            verify_consistency(size, larger, proof, root, larger_root)

    @invariant()
    def anchored_within_published_within_durable(self) -> None:
        if not hasattr(self, "publisher"):
            return
        published = self.publisher.size
        assert published <= len(self.durable)
        data = self.store.read(CHECKPOINT_PATH)
        if data is not None:
            head, _ = parse_checkpoint(data)
            assert (head.size, head.root) == (published, self.tree.root(published))
        for head in self.anchored:
            assert head.size <= published
            assert head.root == self.tree.root(head.size)

    @invariant()
    def what_was_published_is_still_proven_by_the_tiles(self) -> None:
        if not hasattr(self, "publisher") or not self.publisher.size:
            return
        size = self.publisher.size
        reader = TileReader(self.store, size)
        for index in {0, size // 2, size - 1}:
            proof = prove_inclusion(index, size, reader)
            leaf = leaf_hash(self.durable[index])
            verify_inclusion(leaf, index, size, proof, self.tree.root(size))


LogLife.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestLogLife = LogLife.TestCase
