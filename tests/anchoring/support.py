"""Builders shared by the tests: events, keys, a published log, a tiny registry, a real Anvil."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from anchoring.bundle import Bundle, build_bundle
from anchoring.cosignature import Ed25519Cosigner
from anchoring.envelope import EventEnvelope, sign_entry
from anchoring.errors import FenceLost
from anchoring.ethproof import AnchorEvidence, build_anchor
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.note import Ed25519NoteSigner
from anchoring.publisher import Publisher
from anchoring.registry import ANCHORED_TOPIC
from anchoring.rpc import HttpRpc, read_data, read_object
from anchoring.signing import Ed25519Signer
from anchoring.tile_store import DirectoryStore
from anchoring.trust import Trust

ROOT = Path(__file__).resolve().parents[2]
ANVIL = ROOT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
ORIGIN = "log.example/tallystick"
COSIGNED_AT = 1_700_000_000


def signer(name: str) -> Ed25519Signer:
    return Ed25519Signer.from_seed(hashlib.sha256(name.encode()).digest())


EVENT_SIGNER = signer("event")
LOG_SIGNER = Ed25519NoteSigner(ORIGIN, signer("log"))
WITNESS = Ed25519Cosigner("witness.example/w1", signer("w1"), lambda: COSIGNED_AT)
OTHER_WITNESS = Ed25519Cosigner("witness.example/w2", signer("w2"), lambda: COSIGNED_AT)


def envelope(number: int = 0, **changes: object) -> EventEnvelope:
    """A well-formed event, different for each number; the first of its own stream."""
    rand = random.Random(number)
    fields: dict[str, object] = {
        "actor": "user:ada",
        "algorithm": "ed25519",
        "causation_id": None,
        "correlation_id": "order-1",
        "effective_at": "2024-02-29T09:30:00.000000Z",
        "event_id": _uuid7(rand),
        "key_id": EVENT_SIGNER.key_id,
        "origin": ORIGIN,
        "payload": {"quantity": "12.5", "side": "buy", "tags": ["a", "ü"], "n": number},
        "previous": None,
        "recorded_at": "2024-03-01T10:00:00.123456Z",
        "salt": rand.randbytes(16).hex(),
        "schema_version": 1,
        "stream_id": f"order-{number}",
        "stream_version": 1,
        "tenant_id": "acme",
        "type": "order.accepted",
    }
    return EventEnvelope(**(fields | changes))  # type: ignore[arg-type]


def _uuid7(rand: random.Random) -> str:
    bits = rand.getrandbits(128)
    bits = bits & ~(0xF << 76) | 7 << 76
    bits = bits & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=bits))


def make_entries(count: int, streams: int = 3) -> list[bytes]:
    """Signed entries in ``streams`` streams, correctly chained."""
    entries: list[bytes] = []
    last: dict[int, bytes] = {}
    versions: dict[int, int] = {}
    for number in range(count):
        stream = number % streams
        versions[stream] = versions.get(stream, 0) + 1
        previous = leaf_hash(last[stream]).hex() if stream in last else None
        entry = sign_entry(
            envelope(
                number,
                stream_id=f"order-{stream}",
                stream_version=versions[stream],
                previous=previous,
            ),
            EVENT_SIGNER,
        )
        last[stream] = entry
        entries.append(entry)
    return entries


@dataclass
class MemoryFence:
    """A fence as a database row would be one: the head moves forward only."""

    size: int = -1
    root: bytes = b""
    lost: bool = False

    def lock(self, size: int, root: bytes) -> None:
        if self.lost or size < self.size or (size == self.size and root != self.root):
            raise FenceLost("another publisher holds the log")
        self.size, self.root = size, root


def make_publisher(folder: Path, fence: MemoryFence | None = None) -> Publisher:
    return Publisher(DirectoryStore(folder), ORIGIN, [LOG_SIGNER, WITNESS], fence or MemoryFence())


def make_keys(last: int | None = None, signer_of: Ed25519NoteSigner = LOG_SIGNER) -> bytes:
    keys = EventKeys(ORIGIN, (EventKey(EVENT_SIGNER.public_key, 0, last),))
    return write_event_keys(keys, [signer_of])


def make_policy(quorum: str = "w1") -> bytes:
    return (
        f"# test\nlog {LOG_SIGNER.vkey}\nwitness w1 {WITNESS.vkey}\n"
        f"witness w2 {OTHER_WITNESS.vkey}\ngroup both all w1 w2\nquorum {quorum}\n"
    ).encode()


# A registry in bytecode, with the storage layout of the real one. Called with 64 bytes it stores
# them in slots 0 and 1 and emits Anchored; called with anything else it answers head().
_STORE = (
    "5b5f35" "5f55" "602035" "80" "600155" "5f52"
    "67ffffffffffffffff5f3516" "7f" + ANCHORED_TOPIC.hex() + "60205fa200"
)  # fmt: skip
_HEAD = "5f548067ffffffffffffffff165f5260401c60405260015460205260605ff3"
_JUMP = "3660401460{target:02x}57"


def registry_init_code() -> str:
    offset = len(_JUMP.format(target=0)) // 2 + len(_HEAD) // 2
    runtime = _JUMP.format(target=offset) + _HEAD + _STORE
    length = len(runtime) // 2
    return f"0x60{length:02x}600a5f3960{length:02x}5ff3" + runtime


@dataclass
class Chain:
    """A running Anvil and what the tests do with it."""

    rpc: HttpRpc
    process: subprocess.Popen[str]
    account: str = field(init=False)

    def __post_init__(self) -> None:
        accounts = self.rpc("eth_accounts", [])
        assert isinstance(accounts, list)
        self.account = str(accounts[0])

    def send(self, to: bytes | None, data: str) -> dict[str, object]:
        transaction = {"from": self.account, "data": data, "gas": "0xf4240"}
        if to is not None:
            transaction["to"] = "0x" + to.hex()
        digest = self.rpc("eth_sendTransaction", [transaction])
        receipt = dict(read_object(self.rpc("eth_getTransactionReceipt", [digest]), "receipt"))
        assert receipt["status"] == "0x1"
        return receipt

    def deploy_registry(self) -> bytes:
        receipt = self.send(None, registry_init_code())
        return read_data(receipt["contractAddress"], "address", 20)

    def anchor(self, registry: bytes, size: int, root: bytes, time: int = 1_709_287_200) -> int:
        """Store a head; returns the block number."""
        packed = (time << 64 | size).to_bytes(32, "big")
        receipt = self.send(registry, "0x" + (packed + root).hex())
        return int(str(receipt["blockNumber"]), 16)

    def mine(self, count: int) -> None:
        self.rpc("anvil_mine", [hex(count)])


def start_anvil() -> Chain:
    """Start Anvil on a free port that it chooses itself (port 0) and announces."""
    process = subprocess.Popen(
        [str(ANVIL), "--port", "0", "--slots-in-an-epoch", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"Listening on (\S+)", line)
        if found:
            return Chain(HttpRpc(f"http://{found[1]}"), process)
    raise RuntimeError("Anvil ended before it listened")


@dataclass(frozen=True)
class SampleBundle:
    """A real bundle and what its reader trusts."""

    bundle: Bundle
    evidence: AnchorEvidence
    policy: bytes
    keys: bytes
    trust: Trust
    entries: tuple[bytes, ...]
    index: int


def make_sample(chain: Chain, count: int = 11, index: int = 6) -> SampleBundle:
    entries = make_entries(count)
    tree = MemoryTree([leaf_hash(entry) for entry in entries])
    with tempfile.TemporaryDirectory() as folder:
        published = make_publisher(Path(folder)).publish(0, entries)
    registry = chain.deploy_registry()
    block = chain.anchor(registry, count, published.checkpoint.root)
    chain.mine(5)
    evidence = build_anchor(chain.rpc, registry, block)
    bundle = build_bundle(entries[index], index, published.signed, tree, evidence)
    trust = Trust(evidence.chain_id, registry, {block: evidence.block_hash})
    return SampleBundle(bundle, evidence, make_policy(), make_keys(), trust, tuple(entries), index)
