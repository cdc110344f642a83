"""Proofs and their verification beside a bare loop that does the same hashes; what they weigh."""

import hashlib
import random
import tempfile
from pathlib import Path

from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.merkle import MemoryTree
from anchoring.merkle_proof import (
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from anchoring.stream_index import StreamHead, StreamIndex, verify_index_path
from anchoring.tile_store import DirectoryStore, TileWriter
from anchoring.tlog_proof import TlogProof
from scripts.bench.report import Figure, rate

LEAVES = 2**18
MILLION = 1_000_000
SAMPLE = 2_000
STREAMS = 100_000
CHANGED = 1_000
ENTRY_BYTES = 900
STORED = 65_536


def figures() -> list[Figure]:
    """Rates of the tree's proofs, of the index, and the bytes that a log and a proof take."""
    return [*_proofs(), *_index(), *_sizes()]


def _proofs() -> list[Figure]:
    tree = MemoryTree([_leaf(at) for at in range(LEAVES)])
    root, random_ = tree.root(), random.Random(1)  # noqa: S311 - a sample, not a secret
    indices = [random_.randrange(LEAVES) for _ in range(SAMPLE)]
    sizes = [random_.randrange(1, LEAVES) for _ in range(SAMPLE)]
    inclusion = [prove_inclusion(index, LEAVES, tree) for index in indices]
    consistency = [prove_consistency(size, LEAVES, tree) for size in sizes]
    roots = [tree.root(size) for size in sizes]

    def prove() -> int:
        for index in indices:
            prove_inclusion(index, LEAVES, tree)
        return SAMPLE

    def verify() -> int:
        for index, proof in zip(indices, inclusion, strict=True):
            verify_inclusion(_leaf(index), index, LEAVES, proof, root)
        return SAMPLE

    def extend() -> int:
        for size, proof, old in zip(sizes, consistency, roots, strict=True):
            verify_consistency(size, LEAVES, proof, old, root)
        return SAMPLE

    def bare() -> int:
        for index, proof in zip(indices, inclusion, strict=True):
            _hash_up(_leaf(index), proof)
        return SAMPLE

    floor = rate(bare)
    beside = "bare hashlib loop over the same hashes"
    return [
        Figure(
            "inclusion proofs made, 262,144 entries", rate(prove), "/s", beside, floor, "", None
        ),
        Figure("inclusion proofs verified", rate(verify), "/s", beside, floor, "", None),
        Figure("consistency proofs verified", rate(extend), "/s", beside, floor, "", None),
    ]


def _index() -> list[Figure]:
    keys = [_leaf(at) for at in range(STREAMS)]
    index = StreamIndex.of(StreamHead(key, 1, key) for key in keys)
    root = index.root()
    changed = [StreamHead(key, 2, key) for key in keys[:CHANGED]]
    paths = [(key, index.get(key), index.prove(key)) for key in keys[:SAMPLE]]

    def commit() -> int:
        index.updated(changed).root()
        return CHANGED

    def bare() -> int:
        for _, _, path in paths[:CHANGED]:
            _hash_up(root, path.siblings)
        return CHANGED

    def verify() -> int:
        for key, head, path in paths:
            verify_index_path(root, key, head, path)
        return SAMPLE

    floor = rate(bare)
    beside = "bare hashlib loop, a path each"
    return [
        Figure(
            "streams moved on in an index of 100,000", rate(commit), "/s", beside, floor, "", None
        ),
        Figure("stream paths verified", rate(verify), "/s", beside, floor, "", None),
    ]


def _sizes() -> list[Figure]:
    entry = bytes(ENTRY_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        writer = TileWriter(DirectoryStore(Path(folder)))
        for _ in range(0, STORED, 4_096):
            writer.extend([entry] * 4_096)
        stored = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return [
        Figure(
            "bytes of tiles and bundles an entry, beyond the entry itself",
            stored / STORED - ENTRY_BYTES, "B", "32 × 256/255 and a length of 2 B", 34.13, "", None,
        ),
        *(_proof_size(size) for size in (1_000, MILLION, 1_000 * MILLION)),
    ]  # fmt: skip


def _proof_size(size: int) -> Figure:
    name = f"proof of one entry among {size:,}"
    return Figure(name, _proof_bytes(size), "B", "", None, "", None)


def _proof_bytes(size: int) -> int:
    """A tlog-proof with an Ed25519-signed checkpoint and no witness, for a leaf in the middle."""
    signer = Ed25519NoteSigner("localhost/bench", Ed25519Signer.generate())
    checkpoint = sign_checkpoint(Checkpoint("localhost/bench", size, _leaf(0)), [signer])
    hashes = tuple(_leaf(at) for at in range((size // 2 ^ (size - 1)).bit_length()))
    return len(TlogProof(size // 2, hashes, checkpoint).encode())


def _leaf(at: int) -> bytes:
    return hashlib.sha256(at.to_bytes(8, "big")).digest()


def _hash_up(result: bytes, hashes: tuple[bytes, ...] | list[bytes]) -> bytes:
    for each in hashes:
        result = hashlib.sha256(b"\x01" + result + each).digest()
    return result
