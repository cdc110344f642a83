"""What a settlement's next step is, from its state and a look at the chain.

Nothing is written here and nothing is sent: each look answers with a ``Step``, which the worker
records under its lease and whose bytes it hands to the node after the commit.
"""

import msgspec

from backend.kernel.clock import Clock
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.settlement.domain.saga import Inclusion, Settlement, SettlementState, Submission
from backend.settlement.domain.terms import from_terms
from backend.settlement.errors import NodeRefused, TransactionReverted
from backend.settlement.events import (
    SettlementFailed,
    SettlementFinalised,
    SettlementIncluded,
    SettlementPending,
    SettlementReorged,
    SettlementSafe,
    TransactionDead,
    TransactionReplaced,
)
from backend.settlement.iso20022 import HOPELESS, Reason, from_names, names
from backend.settlement.ports import ChainInclusion, Fees, Heads, Reverted, SettlementChain
from backend.settlement.trade import SignedTrade, Trade

S = SettlementState


class WorkerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, fees in wei per gas."""

    lease: float = 60.0
    poll: float = 1.0
    idle_poll: float = 5.0
    bump_after: float = 60.0
    backoff: float = 0.5
    backoff_cap: float = 60.0
    max_fee_per_gas: int = 500_000_000_000


class Submit(msgspec.Struct, frozen=True):
    """Everything for a submission but its nonce, which only the recording transaction can take."""

    signed: SignedTrade
    fees: Fees
    spent_nonces: int
    searched_from: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What follows: an event, or a submission, or bytes to send again; and when to look next.

    ``done``: nothing is left to do, the work ends. ``delay`` in seconds.
    """

    event: Event | None = None
    submit: Submit | None = None
    broadcast: str | None = None
    delay: float = 0.0
    done: bool = False


class ChainSteps:
    """Looks at the chain for one state after the other."""

    def __init__(self, chain: SettlementChain, clock: Clock, policy: WorkerPolicy) -> None:
        self._chain = chain
        self._clock = clock
        self._policy = policy

    def next(self, state: Settlement, waited: float | None) -> Step:
        """The next step. ``waited``: seconds since bytes were last new to the node."""
        match state.state:
            case S.INSTRUCTED:
                return self._await_signatures(state)
            case S.SIGNED:
                return self._send(state)
            case S.SUBMITTED | S.REORGED if state.submission is not None:
                return self._chase(state, state.submission, waited)
            case S.REORGED:
                return self._send(state)
            case S.INCLUDED if state.inclusion is not None:
                return self._confirm(state, state.inclusion)
            case S.FAILED | S.FINAL if state.submission is not None:
                return self._free_nonce(state, state.submission, waited)
        return Step(done=True)

    def _await_signatures(self, state: Settlement) -> Step:
        trade, _ = _trade(state)
        if self._chain.heads().latest.time > trade.deadline:
            return Step(
                event=self._failure(state, "deadline", Reason.EXPIRED, "Not signed in time.")
            )
        return Step(delay=self._policy.idle_poll)

    def _confirm(self, state: Settlement, found: Inclusion) -> Step:
        heads = self._chain.heads()
        if not self._chain.is_canonical(found.block_number, found.block_hash):
            return Step(
                event=SettlementReorged(
                    trade_id=state.trade_id,
                    block_number=found.block_number,
                    block_hash=found.block_hash,
                )
            )
        if found.block_number <= heads.finalized.number:
            return Step(
                event=SettlementFinalised(
                    trade_id=state.trade_id,
                    transaction_hash=found.transaction_hash,
                    block_number=found.block_number,
                    block_hash=found.block_hash,
                    block_time=found.block_time,
                    final_at=self._clock.now(),
                )
            )
        if found.block_number <= heads.safe.number and not state.safe:
            return Step(
                event=SettlementSafe(
                    trade_id=state.trade_id,
                    block_number=found.block_number,
                    block_hash=found.block_hash,
                ),
                delay=self._policy.poll,
            )
        return Step(delay=self._policy.poll)

    def _send(self, state: Settlement) -> Step:
        """Submit, or say why not: the contract's own check decides (the venue's breakers later)."""
        heads = self._chain.heads()
        trade, signed = _trade(state)
        reasons = self._chain.check(signed)
        if Reason.ID_USED in reasons:
            return self._used(state, trade, heads)
        if Reason.EXPIRED in reasons or heads.latest.time > trade.deadline:
            return self._expired(state, trade, heads, reasons)
        if reasons & HOPELESS and not state.exposed:
            detail = "The contract will never accept it."
            return Step(event=self._failure(state, "refused", reasons, detail))
        if reasons:
            return self.pending(state, reasons)
        try:
            fees = self._chain.fees(signed)
        except TransactionReverted:
            return self.pending(state, Reason.REFUSED)
        spent = self._chain.transaction_count()
        return Step(submit=Submit(signed, fees, spent, heads.finalized.number))

    def pending(self, state: Settlement, reasons: Reason) -> Step:
        """Recycled: told once per change of reasons, and looked at again."""
        event = SettlementPending(trade_id=state.trade_id, reasons=names(reasons))
        return Step(event=event, delay=self._policy.idle_poll)

    def _used(self, state: Settlement, trade: Trade, heads: Heads) -> Step:
        """The number is used: by our own settlement, or finally by something else."""
        found = self._chain.find_settled(trade, 0)
        if found is not None:
            return Step(event=_included(state, found))
        if self._chain.is_used(trade.number, heads.finalized):
            detail = "Its number was cancelled or used by another trade."
            return Step(event=self._failure(state, "number-used", Reason.ID_USED, detail))
        return Step(delay=self._policy.poll)

    def _expired(self, state: Settlement, trade: Trade, heads: Heads, reasons: Reason) -> Step:
        """Failed once nothing can settle it: at once before exposure, at finality after it."""
        if not state.exposed or self._can_never_settle(trade, heads):
            why = Reason.EXPIRED | from_names(state.reasons) | (reasons & ~Reason.ID_USED)
            return Step(event=self._failure(state, "deadline", why, "The deadline has passed."))
        return Step(delay=self._policy.poll)

    def _chase(self, state: Settlement, submission: Submission, waited: float | None) -> Step:
        """Look for our own effect; else see whether the transaction can still have one."""
        heads = self._chain.heads()  # before the search: what is final here, the search has seen
        trade, signed = _trade(state)
        found = self._chain.find_settled(trade, submission.searched_from)
        if found is not None:
            return Step(event=_included(state, found))
        reverted = self._chain.find_reverted(submission.hashes)
        if self._is_finally_spent(submission.nonce, heads):
            return Step(event=_dead(state, submission, reverted))
        if self._can_never_settle(trade, heads):
            why = Reason.EXPIRED | from_names(state.reasons)
            detail = "Not included before the deadline."
            return Step(event=self._failure(state, "deadline", why, detail))
        if reverted is not None:  # a new nonce only when this one is finally spent
            return Step(delay=self._policy.poll)
        return self._resend(state, submission, signed, waited)

    def _is_finally_spent(self, nonce: int, heads: Heads) -> bool:
        """Whether a final block spent the nonce; no, while the node cannot say.

        A node that was restarted may have no state for the final block until the chain moves on,
        and it moves on only if what waits is sent again.
        """
        try:
            return self._chain.transaction_count(heads.finalized) > nonce
        except NodeRefused:
            return False

    def _resend(
        self, state: Settlement, submission: Submission, signed: SignedTrade, waited: float | None
    ) -> Step:
        """The same bytes again; or, when they waited long, a better-paid twin of the same nonce."""
        long = waited is not None and waited >= self._policy.bump_after
        fees = self._bumped(submission, signed) if long else None
        if fees is None:
            return Step(broadcast=submission.raw_transaction, delay=self._policy.poll)
        sent = self._chain.sign(signed, submission.nonce, fees)
        event = TransactionReplaced(
            trade_id=state.trade_id,
            nonce=sent.nonce,
            transaction_hash=sent.hash,
            raw_transaction=sent.raw,
            gas_limit=fees.gas_limit,
            max_fee_per_gas=str(fees.max_fee_per_gas),
            max_priority_fee_per_gas=str(fees.max_priority_fee_per_gas),
            replaced_at=self._clock.now(),
        )
        return Step(event=event, broadcast=sent.raw, delay=self._policy.poll)

    def _bumped(self, submission: Submission, signed: SignedTrade) -> Fees | None:
        """At least 12.5 % more on both fees, as nodes demand; None beyond the policy's cap."""
        try:
            quote = self._chain.fees(signed)
        except TransactionReverted:  # expired meanwhile: it must still spend its nonce
            quote = Fees(submission.gas_limit, 0, 0)
        fees = Fees(
            max(quote.gas_limit, submission.gas_limit),
            max(quote.max_fee_per_gas, bump(submission.max_fee_per_gas)),
            max(quote.max_priority_fee_per_gas, bump(submission.max_priority_fee_per_gas)),
        )
        return fees if fees.max_fee_per_gas <= self._policy.max_fee_per_gas else None

    def _free_nonce(self, state: Settlement, submission: Submission, waited: float | None) -> Step:
        """The trade has ended; its nonce must be spent, or every later one waits behind it."""
        heads = self._chain.heads()
        if self._chain.transaction_count(heads.finalized) > submission.nonce:
            return Step(done=True)
        return self._resend(state, submission, _trade(state)[1], waited)

    def _can_never_settle(self, trade: Trade, heads: Heads) -> bool:
        """Block times only grow: a final block past the deadline, and the number unused in it."""
        late = heads.finalized.time > trade.deadline
        return late and not self._chain.is_used(trade.number, heads.finalized)

    def _failure(
        self, state: Settlement, cause: str, reasons: Reason, detail: str
    ) -> SettlementFailed:
        return SettlementFailed(
            trade_id=state.trade_id,
            cause=cause,
            reasons=names(reasons),
            detail=detail,
            failed_at=self._clock.now(),
        )


def bump(fee: int) -> int:
    """An eighth more, rounded up: what geth and its kin ask of a replacement, with a margin."""
    return fee + max(1, -(-fee // 8))


def _trade(state: Settlement) -> tuple[Trade, SignedTrade]:
    if state.terms is None:
        raise InvariantBroken("A settlement that is worked on has terms.", trade_id=state.trade_id)
    trade, _ = from_terms(state.terms)
    return trade, SignedTrade(trade, state.seller_signature or "0x", state.buyer_signature or "0x")


def _included(state: Settlement, found: ChainInclusion) -> SettlementIncluded:
    return SettlementIncluded(
        trade_id=state.trade_id,
        transaction_hash=found.transaction_hash,
        block_number=found.block.number,
        block_hash=found.block.hash,
        block_time=found.block.time,
        log_index=found.log_index,
        gas_used=found.gas_used,
    )


def _dead(state: Settlement, submission: Submission, reverted: Reverted | None) -> TransactionDead:
    return TransactionDead(
        trade_id=state.trade_id,
        nonce=submission.nonce,
        cause="nonce-spent" if reverted is None else "reverted",
        transaction_hash=None if reverted is None else reverted.transaction_hash,
        block_number=None if reverted is None else reverted.block_number,
    )
