"""The process manager that anchors the log: one transaction at a time, recorded before sent."""

import hashlib
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from anchoring.checkpoint import parse_checkpoint
from anchoring.ethproof import build_anchor
from anchoring.merkle_proof import prove_consistency
from anchoring.publisher import anchor_target
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader
from backend.audit import domain
from backend.audit.chain import NodeAnchorChain, SignedAnchor
from backend.audit.domain import Anchoring, Pending
from backend.audit.events import (
    AnchorFailed,
    AnchorFinalised,
    AnchorIncluded,
    AnchorReorged,
    AnchorReplaced,
    AnchorSubmitted,
    RegistryAdopted,
)
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import Caller, EventStore, retrying
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.kernel.faults import FAULTS

ANCHORING = Aggregate("anchoring", domain.evolve)
LOG = "log"
_CALLER = Caller("process:anchorer")

# The oldest event that waits for an anchor; events about anchors never start one.
_OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - sequenced_at)::float8 AS age FROM feed
WHERE position >= %s AND type NOT LIKE 'anchor.%%' ORDER BY position LIMIT 1
"""
MAX_FEE_PER_GAS = 500 * 10**9
"""Wei per gas above which an anchor waits instead of paying more (a cap on cost)."""


class Anchorer:
    """Drives the log's anchors on one registry. ``step`` is safe to repeat at any time."""

    def __init__(
        self,
        store: EventStore,
        chain: NodeAnchorChain,
        log: DirectoryStore,
        evidence: Path,
        max_age: timedelta,
        bump_after: timedelta = timedelta(seconds=30),
        lease: Lease | None = None,
    ) -> None:
        self._store = store
        self._chain = chain
        self._log = log
        self._evidence = evidence
        self._max_age = max_age
        self._bump_after = bump_after
        self._lease = lease
        self._sent_at: dict[str, float] = {}

    def check(self) -> None:
        """Raise ChainRewound, ChainMismatch or NodeUnavailable unless the chain is ours."""
        check_chain(self._store, self._chain)

    def step(self) -> str:
        """Do the next thing there is to do and say what it was.

        Raises NodeUnavailable when the node does not answer (the log goes on), ChainRewound
        when the chain lost a final anchor.
        """
        state = self._state()
        if state is None:
            return "no registry"
        if state.pending is None:
            return self._begin(state)
        if state.pending.block_hash is None:
            return self._await_inclusion(state, state.pending)
        return self._await_finality(state, state.pending)

    def _begin(self, state: Anchoring) -> str:
        target = self._target(state)
        if target is None:
            return "nothing to anchor"
        self.check()
        size, root = target
        reader = TileReader(self._log, size)
        proof = prove_consistency(state.final_size, size, reader) if state.final_size else []
        nonce, fees = self._chain.next_nonce(), self._chain.fees()
        signed = self._chain.sign(size, root, proof, nonce, fees)
        self._record(
            AnchorSubmitted(
                size=size,
                root=root.hex(),
                previous_size=state.final_size,
                proof_hashes=len(proof),
                sender=self._chain.sender,
                nonce=nonce,
                **_transaction(signed),
            )
        )
        self._broadcast(signed.hash, signed.raw)
        return f"submitted {size}"

    def _target(self, state: Anchoring) -> tuple[int, bytes] | None:
        """The size to anchor and its signed root, if the published log has reached it."""
        with self._store.database.transaction(Scope.venue()) as connection:
            row = connection.execute(_OLDEST, (state.final_size,)).fetchone()
            requested = state.requested_size > state.final_size
            if row is None and not requested:
                return None
            head = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
            current = int((head["size"] if head else None) or 0)
            age = float(row["age"]) if row else None
            limit = self._max_age.total_seconds()
            target = anchor_target(state.final_size, current, age, requested, limit)
            if target is None:
                return None
            wanted = (state.requested_size, current) if requested else (target,)
            return self._signed_root(connection, wanted)

    def _signed_root(
        self, connection: Connection, sizes: tuple[int, ...]
    ) -> tuple[int, bytes] | None:
        """The first of ``sizes`` whose checkpoint is kept, once the tiles have reached it."""
        rows = connection.execute(
            "SELECT size, root FROM checkpoints WHERE size = ANY(%s) ORDER BY size LIMIT 1",
            (list(sizes),),
        ).fetchall()
        if not rows:
            raise LogInconsistent("No checkpoint is kept for a size to anchor.", size=sizes[0])
        size, root = int(rows[0]["size"]), bytes(rows[0]["root"])
        published = self._log.read(CHECKPOINT_PATH)
        if published is None or parse_checkpoint(published)[0].size < size:
            return None
        return size, root

    def _await_inclusion(self, state: Anchoring, pending: Pending) -> str:
        self.check()
        found = self._chain.find(pending.size, bytes.fromhex(pending.root), state.block_number)
        if found is not None:
            self._record(
                AnchorIncluded(
                    size=pending.size,
                    transaction_hash=found.transaction_hash,
                    block_number=found.block_number,
                    block_hash=found.block_hash,
                    gas_used=found.gas_used,
                )
            )
            return f"included {pending.size}"
        if self._chain.final_nonce() > pending.nonce:
            self._record(
                AnchorFailed(
                    size=pending.size,
                    nonce=pending.nonce,
                    reason="The nonce is finally spent and the registry was not extended.",
                )
            )
            return f"failed {pending.size}"
        last = pending.hashes[-1]
        waited = time.monotonic() - self._sent_at.get(last, time.monotonic())
        if waited > self._bump_after.total_seconds():
            return self._bump(pending)
        self._broadcast(last, pending.raw_transaction)
        return f"waiting for {pending.size}"

    def _bump(self, pending: Pending) -> str:
        """Replace the transaction: at least 12.5 % more on both fields, the same nonce."""
        base, tip = self._chain.fees()
        fees = (
            max(base, pending.max_fee_per_gas * 9 // 8 + 1),
            max(tip, pending.max_priority_fee_per_gas * 9 // 8 + 1),
        )
        if fees[0] > MAX_FEE_PER_GAS:
            self._broadcast(pending.hashes[-1], pending.raw_transaction)
            return f"waiting for {pending.size}: a higher fee would pass the cap"
        root, final = bytes.fromhex(pending.root), self._required().final_size
        reader = TileReader(self._log, pending.size)
        proof = prove_consistency(final, pending.size, reader) if final else []
        signed = self._chain.sign(pending.size, root, proof, pending.nonce, fees)
        self._record(AnchorReplaced(size=pending.size, **_transaction(signed)))
        self._broadcast(signed.hash, signed.raw)
        return f"replaced {pending.size}"

    def _await_finality(self, state: Anchoring, pending: Pending) -> str:
        self._chain.check_chain()
        number, block_hash = pending.block_number or 0, pending.block_hash or ""
        if self._chain.block_hash(number) != block_hash:
            self._record(
                AnchorReorged(size=pending.size, block_number=number, block_hash=block_hash)
            )
            return f"reorganised {pending.size}"
        final_block = self._chain.finalized()
        if final_block < number:
            return f"waiting for finality of {pending.size}"
        evidence = build_anchor(self._chain.rpc, self._chain.registry, final_block)
        if evidence.size != pending.size or evidence.root.hex() != pending.root:
            raise LogInconsistent("The registry's final head is not our anchor.", size=pending.size)
        data = evidence.encode()
        digest = hashlib.sha256(data).hexdigest()
        self._keep_evidence(pending.size, digest, data)
        FAULTS.reach("anchor.evidence")
        self._record(
            AnchorFinalised(
                size=pending.size,
                root=pending.root,
                block_number=number,
                block_hash=block_hash,
                evidence_block=evidence.block_number,
                evidence_block_hash="0x" + evidence.block_hash.hex(),
                evidence_sha256=digest,
            )
        )
        return f"final {pending.size}"

    def _keep_evidence(self, size: int, digest: str, data: bytes) -> None:
        """Write before the event that names it, so that a final anchor always has its file.

        Its name holds its hash: an anchorer that woke up late cannot replace another's.
        """
        self._evidence.mkdir(parents=True, exist_ok=True)
        path = evidence_path(self._evidence, size, digest)
        temporary = path.with_name(path.name + "~")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _broadcast(self, transaction_hash: str, raw: str) -> None:
        self._sent_at.setdefault(transaction_hash, time.monotonic())
        self._chain.broadcast(raw)
        FAULTS.reach("anchor.broadcast")

    def _record(self, event: Event) -> None:
        if isinstance(event, AnchorSubmitted):
            self._append(lambda state: domain.submit(state, event))
        else:
            self._append(lambda state: domain.observe(state, event))

    def _append(self, decide: Callable[[Anchoring | None], list[Event]]) -> None:
        """One venue transaction under the lease: a second anchorer's step is rolled back."""
        with self._store.transaction(Scope.venue(), _CALLER) as uow:
            if self._lease is not None:
                self._lease.hold(uow.connection)
            loaded = uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT)
            uow.append(loaded, decide(loaded.state))

    def _required(self) -> Anchoring:
        state = self._state()
        if state is None:
            raise InvariantBroken("An anchor is under way without a registry.")
        return state

    def _state(self) -> Anchoring | None:
        return read_state(self._store)


def evidence_path(folder: Path, size: int, digest: str) -> Path:
    """Where the evidence of an anchor lies, named by size and content."""
    return folder / f"{size}-{digest[:16]}.anchor"


def read_state(store: EventStore) -> Anchoring | None:
    """How the log is anchored now; None before a registry was adopted."""
    with store.transaction(Scope.venue(), _CALLER) as uow:
        return uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT).state


def adopt(store: EventStore, event: RegistryAdopted) -> None:
    """Choose the registry the log is anchored in. Raises Conflict for a second one."""

    def once() -> None:
        with store.transaction(Scope.venue(), _CALLER) as uow:
            loaded = uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT)
            uow.append(loaded, domain.adopt(loaded.state, event))

    retrying(once)


def check_chain(store: EventStore, chain: NodeAnchorChain) -> None:
    """Raise ChainRewound, ChainMismatch or NodeUnavailable unless the chain holds our anchors."""
    state = read_state(store)
    if state is not None:
        head = chain.head()
        domain.check_head(state, head.size, head.root.hex())


def request_anchor(store: EventStore, caller: Caller) -> int:
    """Ask for the present size to be anchored exactly; returns that size."""

    def once() -> int:
        with store.transaction(Scope.venue(), caller) as uow:
            head = uow.connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
            size = int((head["size"] if head else None) or 0)
            loaded = uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT)
            uow.append(loaded, domain.request(loaded.state, size))
            return size

    return retrying(once)


def _transaction(signed: SignedAnchor) -> dict[str, str]:
    return {
        "transaction_hash": signed.hash,
        "raw_transaction": signed.raw,
        "max_fee_per_gas": str(signed.max_fee_per_gas),
        "max_priority_fee_per_gas": str(signed.max_priority_fee_per_gas),
    }
