"""The process manager that anchors the log: one transaction at a time, recorded before sent."""

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from anchoring.ethproof import build_anchor
from anchoring.merkle_proof import prove_consistency
from anchoring.publisher import anchor_target
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader
from backend.audit import domain
from backend.audit.chain import NodeAnchorChain, SignedAnchor
from backend.audit.domain import Anchoring, Pending
from backend.audit.events import (
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

ANCHORING = Aggregate("anchoring", domain.evolve)
LOG = "log"
_CALLER = Caller("process:anchorer")

# The oldest event that waits for an anchor; events about anchors never start one.
_OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - min(checkpoints.signed_at))::float8 AS age
FROM checkpoints WHERE checkpoints.size > (
  SELECT min(position) FROM feed WHERE position >= %s AND type NOT LIKE 'anchor.%%')
"""


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
            head = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
            current = (head["size"] if head else None) or 0
            row = connection.execute(_OLDEST, (state.final_size,)).fetchone()
            target = anchor_target(
                state.final_size,
                current,
                row["age"] if row else None,
                state.requested_size > state.final_size,
                self._max_age.total_seconds(),
            )
            if target is None:
                return None
            return self._signed_root(connection, target)

    def _signed_root(self, connection: Connection, size: int) -> tuple[int, bytes] | None:
        row = connection.execute("SELECT root FROM checkpoints WHERE size = %s", (size,)).fetchone()
        if row is None:
            raise LogInconsistent("No checkpoint was signed for a size to anchor.", size=size)
        published = self._log.read("checkpoint")
        if published is None or int(published.split(b"\n")[1]) < size:
            return None
        return size, bytes(row["root"])

    def _await_inclusion(self, state: Anchoring, pending: Pending) -> str:
        self._chain.check_chain()
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
        last = pending.hashes[-1]
        if time.monotonic() - self._sent_at.get(last, time.monotonic()) > (
            self._bump_after.total_seconds()
        ):
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
        self._keep_evidence(pending.size, data)
        self._record(
            AnchorFinalised(
                size=pending.size,
                root=pending.root,
                block_number=number,
                block_hash=block_hash,
                evidence_block=evidence.block_number,
                evidence_block_hash="0x" + evidence.block_hash.hex(),
                evidence_sha256=hashlib.sha256(data).hexdigest(),
            )
        )
        return f"final {pending.size}"

    def _keep_evidence(self, size: int, data: bytes) -> None:
        """Write before the event that names it, so that a final anchor always has its file."""
        self._evidence.mkdir(parents=True, exist_ok=True)
        temporary = self._evidence / f"{size}.anchor~"
        temporary.write_bytes(data)
        temporary.replace(self._evidence / f"{size}.anchor")

    def _broadcast(self, transaction_hash: str, raw: str) -> None:
        self._sent_at.setdefault(transaction_hash, time.monotonic())
        self._chain.broadcast(raw)

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
