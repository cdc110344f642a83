"""Bundles of many entries, of a complete stream and of personal data, made out of one small log.

Everything is signed with keys made of names, so the same bytes come out each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from anchoring.bundle import (
    AnyBundle,
    Bundle,
    PersonalFiles,
    StreamEvents,
    build_batch,
    build_bundle,
    build_range,
    build_stream,
)
from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.commitment import commit
from anchoring.disclosure import Disclosed
from anchoring.envelope import parse_entry, sign_entry
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.stream_index import INDEX_CONTEXT, StreamHead, StreamIndex, stream_key
from tests.anchoring.support import (
    EVENT_SIGNER,
    LOG_SIGNER,
    ORIGIN,
    WITNESS,
    envelope,
    make_keys,
    make_policy,
)
from tests.frontend.crafted import REGISTRY, Evidence

Files = Mapping[str, bytes | None]

TENANT, VENUE = "acme", "venue"
NAME, EMAIL = (
    Disclosed(bytes(range(32)), "Ada Lovelace"),
    Disclosed(b"\x05" * 32, "ada@example.org"),
)
COMMITTED = {
    "email": commit("email", EMAIL.value, EMAIL.salt).hex(),
    "name": commit("name", NAME.value, NAME.salt).hex(),
}
ERASED = {
    "commitments": [COMMITTED["email"]],
    "fields": ["email"],
    "reason": "asked for by the subject",
    "subject_id": "party-1",
}
ORDER = "order-0"
PERSONAL_AT, ERASED_AT, FIRST_INDEX, SECOND_INDEX = 2, 7, 6, 9


class SmallLog:
    """A log whose entries are chained by stream, with index events over what came before."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.heads: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.maps: dict[int, StreamIndex] = {}

    def add(self, stream: str, tenant: str = TENANT, **changes: object) -> bytes:
        version, head = self.heads.get((tenant, stream), (0, b""))
        entry = sign_entry(
            envelope(
                len(self.entries),
                stream_id=stream,
                tenant_id=tenant,
                stream_version=version + 1,
                previous=head.hex() if head else None,
                **changes,
            ),
            EVENT_SIGNER,
        )
        self.heads[tenant, stream] = (version + 1, leaf_hash(entry))
        self.entries.append(entry)
        return entry

    def index(self) -> StreamIndex:
        return StreamIndex.of(
            StreamHead(stream_key(*names), count, head)
            for names, (count, head) in self.heads.items()
        )

    def commit(self) -> None:
        size, found = len(self.entries), self.index()
        self.maps[size] = found
        payload = {
            "algorithm": INDEX_CONTEXT,
            "root": found.root().hex(),
            "size": size,
            "streams": found.streams,
        }
        self.add("index-log", VENUE, type="index.committed", payload=payload)

    def signed(self) -> bytes:
        tree = self.tree()
        return sign_checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), [LOG_SIGNER, WITNESS])

    def tree(self) -> MemoryTree:
        return MemoryTree([leaf_hash(entry) for entry in self.entries])

    def positions(self, stream: str, before: int) -> list[int]:
        found = enumerate(self.entries[:before])
        return [at for at, entry in found if parse_entry(entry).envelope.stream_id == stream]


@cache
def small_log() -> SmallLog:
    log = SmallLog()
    log.add(ORDER)
    log.add("order-1")
    log.add("party-1", type="party.registered", payload={"n": 1, "personal": COMMITTED})
    log.add(ORDER)
    log.add("order-2")
    log.add(ORDER)
    log.commit()
    log.add("party-1", type="personal_data.erased", payload=ERASED)
    log.add(ORDER)
    log.commit()
    log.add("order-1")
    return log


def batch_of(indices: Sequence[int], personal: PersonalFiles | None = None) -> AnyBundle:
    log = small_log()
    chosen = [log.entries[at] for at in indices]
    extra = personal or PersonalFiles()
    return build_batch(chosen, indices, log.signed(), log.tree(), None, extra)


def stream_of(stream: str, index_at: int, tenant: str = TENANT) -> AnyBundle:
    """The bundle of a stream as the index event at ``index_at`` covers it."""
    log = small_log()
    positions = log.positions(stream, index_at)
    events = StreamEvents(
        tenant,
        stream,
        tuple(log.entries[at] for at in positions),
        tuple(positions),
        log.entries[index_at],
        index_at,
        log.maps[index_at].prove(stream_key(tenant, stream)),
    )
    return build_stream(events, log.signed(), log.tree())


def erasure_bundle() -> Bundle:
    log = small_log()
    return build_bundle(log.entries[ERASED_AT], ERASED_AT, log.signed(), log.tree())


def personal_bundle(index: int = PERSONAL_AT, personal: PersonalFiles | None = None) -> Bundle:
    log = small_log()
    extra = personal or PersonalFiles({"name": NAME}, (erasure_bundle(),))
    return build_bundle(log.entries[index], index, log.signed(), log.tree(), None, extra)


def parts_of(bundle: AnyBundle, anchored: bool = True) -> dict[str, bytes | None]:
    """The files of a bundle by part, with crafted evidence and trust in its block."""
    files: dict[str, bytes | None] = {"proof": bundle.proof, "personal": bundle.personal}
    if isinstance(bundle, Bundle):
        files["event"] = bundle.event
    else:
        files |= {"events": bundle.events, "stream": bundle.stream}
    for number, erasure in enumerate(bundle.erasures, start=1):
        name = "erasure" if number == 1 else f"erasure-{number}"
        files |= {f"{name}.event": erasure.event, f"{name}.tlog-proof": erasure.proof}
    if anchored:
        files |= _evidence()
    files |= {"policy": make_policy(), "keys": make_keys()}
    return {part: data for part, data in files.items() if data is not None}


def _evidence() -> dict[str, bytes | None]:
    tree = small_log().tree()
    evidence = Evidence(tree.size, tree.root())
    anchor = evidence.encode()
    digest = anchor.split(b'"block_hash":"')[1][:64].decode()
    trust = (
        f"tallystick trust v1\nchain 31337\nregistry 0x{REGISTRY.hex()}\n"
        f"block {evidence.number} 0x{digest}\n"
    )
    return {"anchor": anchor, "trust": trust.encode()}


@cache
def kind_bases() -> Mapping[str, Files]:
    """One bundle of each kind, each verified."""
    log = small_log()
    checkpoint, tree = log.signed(), log.tree()
    return {
        "absent": parts_of(stream_of("order-9", SECOND_INDEX)),
        "batch": parts_of(batch_of([0, 2, 5, 10])),
        "personal": parts_of(personal_bundle()),
        "range": parts_of(build_range(log.entries[3:8], 3, checkpoint, tree)),
        "stream": parts_of(stream_of(ORDER, SECOND_INDEX)),
    }


FLIPPED = {
    "absent": ("events", "proof", "stream"),
    "batch": ("events", "proof"),
    "personal": ("personal", "erasure.event", "erasure.tlog-proof"),
    "range": ("events", "proof"),
    "stream": ("events", "proof", "stream"),
}
"""The files of which every byte is changed."""
