"""The process manager that anchors the log: one transaction at a time, recorded before sent."""

import time
from datetime import timedelta
from pathlib import Path

from anchoring.checkpoint import parse_checkpoint
from anchoring.merkle_proof import prove_consistency
from anchoring.publisher import anchor_target
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader
from backend.audit import domain
from backend.audit.anchor_reads import (
    log_size,
    oldest_age,
    signed_root,
    spent_in_a_day,
    waits_between,
)
from backend.audit.chain import GAS_LIMIT, NodeAnchorChain, SignedAnchor
from backend.audit.domain import Anchoring, Pending
from backend.audit.errors import AnchorStateInvalid
from backend.audit.events import (
    AnchorDeferred,
    AnchorFailed,
    AnchorIncluded,
    AnchorReorged,
    AnchorReplaced,
    AnchorSubmitted,
)
from backend.audit.evidence import evidence_path, finalise
from backend.audit.fees import (
    DEFAULT_LIMITS,
    NOTHING,
    Limits,
    Offer,
    Refusal,
    make_offer,
    raised,
)
from backend.audit.journal import (
    ANCHORING,
    Journal,
    adopt,
    check_chain,
    read_state,
    request_anchor,
)
from backend.audit.ports import WitnessGate
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import EventStore
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.kernel.faults import FAULTS

__all__ = [
    "ANCHORING",
    "Anchorer",
    "adopt",
    "check_chain",
    "evidence_path",
    "read_state",
    "request_anchor",
]


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
        limits: Limits = DEFAULT_LIMITS,
        witnesses: WitnessGate | None = None,
    ) -> None:
        self._store = store
        self._journal = Journal(store, lease)
        self._chain = chain
        self._log = log
        self._evidence = evidence
        self._max_age = max_age
        self._bump_after = bump_after
        self._limits = limits
        self._witnesses = witnesses
        self._sent_at: dict[str, float] = {}

    def check(self) -> None:
        """Raise ChainRewound, ChainMismatch or NodeUnavailable unless the chain is ours."""
        check_chain(self._store, self._chain)

    def step(self) -> str:
        """Do the next thing there is to do and say what it was.

        Raises NodeUnavailable when the node does not answer (the log goes on), ChainRewound
        when the chain lost a final anchor, AnchorStateInvalid when another registry was chosen
        since this process began.
        """
        state = self._state()
        if state is None:
            return "no registry"
        self._mine(state)
        if state.pending is None:
            return self._begin(state)
        if state.pending.block_hash is None:
            return self._await_inclusion(state, state.pending)
        return self._await_finality(state.pending)

    def _mine(self, state: Anchoring | None) -> Anchoring | None:
        """The state, if it is still this anchorer's registry that the log is anchored in."""
        registry = "" if state is None else state.registry
        if bytes.fromhex(registry.removeprefix("0x")) != self._chain.registry:
            raise AnchorStateInvalid(
                "Another registry was adopted: start this process again.", registry=registry
            )
        return state

    # ------------------------------------------------------------------------------ a new anchor

    def _begin(self, state: Anchoring) -> str:
        with self._store.database.transaction(Scope.venue()) as connection:
            target = self._target(connection, state)
            if target is None:
                return "nothing to anchor"
            size, root = target
            if self._witnesses and not self._witnesses.may_anchor(connection, size):
                return f"waiting for the witnesses of {size}"
        self._check_idle(state)
        offer = self._offer(size)
        if offer is None:
            return f"deferred {size}"
        proof = self._proof(state.final_size, size)
        signed = self._chain.sign(size, root, proof, self._chain.next_nonce(), offer)
        event = AnchorSubmitted(
            size=size,
            root=root.hex(),
            previous_size=state.final_size,
            proof_hashes=len(proof),
            sender=self._chain.sender,
            nonce=signed.nonce,
            **_transaction(signed),
        )
        self._journal.append(lambda now: domain.submit(self._mine(now), event))
        self._broadcast(signed.hash, signed.raw)
        return f"submitted {size}"

    def _check_idle(self, state: Anchoring) -> None:
        """Raise unless the chain's head is the last final anchor that ``state`` knows."""
        head = self._chain.head()
        if head.size > state.final_size and self._state() != state:
            raise AnchorStateInvalid("Another anchorer went on meanwhile.", size=head.size)
        domain.check_idle(state, head.size, head.root.hex())

    def _target(self, connection: Connection, state: Anchoring) -> tuple[int, bytes] | None:
        """The size to anchor and its signed root, if the published log has reached it.

        Never smaller than what was sent to witnesses: they cosign no size they have passed.
        """
        covered = state.covered_size
        age = oldest_age(connection, covered)
        requested = state.requested_size > covered
        if age is None and not requested:
            return None
        current = log_size(connection)
        limit = self._max_age.total_seconds()
        target = anchor_target(covered, current, age, requested, limit)
        if target is None:
            return None
        wanted = (state.requested_size, current) if requested else (target,)
        size, root = signed_root(connection, wanted)
        cosigned = self._witnesses.last_cosigned_size(connection) if self._witnesses else 0
        # What was sent and is not anchored comes first: the log has grown past it, and a size that
        # moves with the log would never have its cosignatures. A size that was asked for is exact.
        # A cosigned tail that only tells of anchors is none to pay for.
        is_due = not requested and waits_between(connection, covered, cosigned)
        if cosigned <= current and (size < cosigned or is_due):
            size, root = signed_root(connection, (cosigned,))
        published = self._log.read(CHECKPOINT_PATH)
        if published is None or parse_checkpoint(published)[0].size < size:
            return None
        return size, root

    def _offer(self, size: int, at_least: Offer = NOTHING) -> Offer | None:
        """What to pay, or None where it would pass a limit: that is said once, in the log."""
        market = self._chain.market()
        with self._store.database.transaction(Scope.venue()) as connection:
            spent = spent_in_a_day(connection)
        found = make_offer(market, self._limits, spent, GAS_LIMIT, at_least)
        if isinstance(found, Offer):
            return found
        event = _deferred(size, found, self._limits, spent)
        state = self._state()
        if state is not None and domain.defer(state, event):
            self._journal.append(lambda now: domain.defer(now, event))
        return None

    def _proof(self, old: int, size: int) -> list[bytes]:
        return prove_consistency(old, size, TileReader(self._log, size)) if old else []

    # ------------------------------------------------------------------------------ on its way

    def _await_inclusion(self, state: Anchoring, pending: Pending) -> str:
        self.check()
        found = self._chain.find(pending.size, bytes.fromhex(pending.root), state.block_number)
        if found is not None:
            self._observe(
                AnchorIncluded(
                    size=pending.size,
                    transaction_hash=found.transaction_hash,
                    block_number=found.block_number,
                    block_hash=found.block_hash,
                    gas_used=found.paid.gas_used,
                    effective_gas_price=str(found.paid.effective_gas_price),
                )
            )
            return f"included {pending.size}"
        if self._chain.final_nonce() > pending.nonce:
            return self._fail(pending)
        last = pending.hashes[-1]
        waited = time.monotonic() - self._sent_at.get(last, time.monotonic())
        if waited > self._bump_after.total_seconds():
            return self._bump(pending)
        self._broadcast(last, pending.raw_transaction)
        return f"waiting for {pending.size}"

    def _fail(self, pending: Pending) -> str:
        """The nonce is spent for good: by one of ours that was refused, or by something else."""
        paid = next(filter(None, map(self._chain.paid, pending.hashes)), None)
        self._observe(
            AnchorFailed(
                size=pending.size,
                nonce=pending.nonce,
                reason="The nonce is finally spent and the registry was not extended.",
                gas_used=paid.gas_used if paid else None,
                effective_gas_price=str(paid.effective_gas_price) if paid else None,
            )
        )
        return f"failed {pending.size}"

    def _bump(self, pending: Pending) -> str:
        """Replace the transaction: at least 12.5 % more on both fields, the same nonce."""
        sent = Offer(pending.max_fee_per_gas, pending.max_priority_fee_per_gas)
        offer = self._offer(pending.size, raised(sent))
        if offer is None:
            self._broadcast(pending.hashes[-1], pending.raw_transaction)
            return f"waiting for {pending.size}: a higher fee would pass a limit"
        proof = self._proof(self._required().final_size, pending.size)
        root = bytes.fromhex(pending.root)
        signed = self._chain.sign(pending.size, root, proof, pending.nonce, offer)
        self._observe(AnchorReplaced(size=pending.size, **_transaction(signed)))
        self._broadcast(signed.hash, signed.raw)
        return f"replaced {pending.size}"

    def _await_finality(self, pending: Pending) -> str:
        self._chain.check_chain()
        number, block_hash = pending.block_number or 0, pending.block_hash or ""
        if self._chain.block_hash(number) != block_hash:
            self._observe(
                AnchorReorged(size=pending.size, block_number=number, block_hash=block_hash)
            )
            return f"reorganised {pending.size}"
        final_block = self._chain.finalized()
        if final_block < number:
            return f"waiting for finality of {pending.size}"
        self._observe(finalise(self._chain, self._evidence, pending, final_block))
        return f"final {pending.size}"

    def _broadcast(self, transaction_hash: str, raw: str) -> None:
        self._sent_at.setdefault(transaction_hash, time.monotonic())
        self._chain.broadcast(raw)
        FAULTS.reach("anchor.broadcast")

    def _observe(self, event: Event) -> None:
        self._journal.append(lambda state: domain.observe(self._mine(state), event))

    def _required(self) -> Anchoring:
        state = self._state()
        if state is None:
            raise InvariantBroken("An anchor is under way without a registry.")
        return state

    def _state(self) -> Anchoring | None:
        return self._journal.state()


def _transaction(signed: SignedAnchor) -> dict[str, str]:
    return {
        "transaction_hash": signed.hash,
        "raw_transaction": signed.raw,
        "max_fee_per_gas": str(signed.max_fee_per_gas),
        "max_priority_fee_per_gas": str(signed.max_priority_fee_per_gas),
    }


def _deferred(size: int, refusal: Refusal, limits: Limits, spent: int) -> AnchorDeferred:
    budget = limits.daily_budget
    return AnchorDeferred(
        size=size,
        reason=refusal.reason,
        fee_per_gas=str(refusal.fee_per_gas),
        fee_per_gas_limit=str(limits.fee_per_gas),
        worst_case=str(refusal.worst_case),
        spent=str(spent),
        daily_budget=None if budget is None else str(budget),
    )
