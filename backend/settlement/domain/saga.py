"""The settlement process of one trade: a pure process manager over its own events.

    INSTRUCTED → SIGNED → SUBMITTED → INCLUDED → FINAL
         ↓          ↓↑ dead     ↑ reorged  ↓
       FAILED     FAILED        └──────────┘

Both signatures are the point of irrevocability (SF2). The pivot is the broadcast: after it a
trade fails only when the chain proves that it can never settle (a final block later than the
deadline in which the trade's number is unused); until then it is only driven forward.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.settlement.errors import AlreadySettled, SettlementStateInvalid, SignatureWrongSigner
from backend.settlement.events import (
    Deal,
    SettlementFailed,
    SettlementFinalised,
    SettlementIncluded,
    SettlementInstructed,
    SettlementPending,
    SettlementRefused,
    SettlementReorged,
    SettlementSafe,
    SettlementSubmitted,
    Side,
    SideSigned,
    SignaturesCompleted,
    Terms,
    TransactionDead,
    TransactionReplaced,
)


class SettlementState(StrEnum):
    """Where the process stands.

    REORGED behaves as SUBMITTED, or as SIGNED where a party had settled by itself.
    """

    INSTRUCTED = "INSTRUCTED"
    SIGNED = "SIGNED"
    SUBMITTED = "SUBMITTED"
    INCLUDED = "INCLUDED"
    REORGED = "REORGED"
    FINAL = "FINAL"
    FAILED = "FAILED"


class Submission(msgspec.Struct, frozen=True):
    """One nonce and every transaction signed with it, oldest first."""

    sender: str
    nonce: int
    hashes: tuple[str, ...]
    raw_transaction: str
    gas_limit: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    searched_from: int


class Inclusion(msgspec.Struct, frozen=True):
    """The block in which the trade's log stands."""

    transaction_hash: str
    block_number: int
    block_hash: str
    block_time: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The process as folded from its events.

    ``exposed``: a transaction with both consents may exist outside the venue, so only the chain
    can tell that the trade will not settle.
    """

    state: SettlementState
    deal: Deal
    seller: Side
    buyer: Side
    terms: Terms | None = None
    digest: str = ""
    seller_signature: str | None = None
    buyer_signature: str | None = None
    reasons: tuple[str, ...] = ()
    submission: Submission | None = None
    past_hashes: tuple[str, ...] = ()
    inclusion: Inclusion | None = None
    safe: bool = False
    exposed: bool = False

    @property
    def trade_id(self) -> str:
        return self.deal.trade_id

    @property
    def terminal(self) -> bool:
        return self.state in (SettlementState.FINAL, SettlementState.FAILED)

    @property
    def known_hashes(self) -> tuple[str, ...]:
        """Every transaction ever signed for this trade."""
        current = self.submission.hashes if self.submission is not None else ()
        return self.past_hashes + current


_S = SettlementState
# Which states each event may follow; None is "no settlement yet".
_ALLOWED: dict[type[Event], frozenset[SettlementState | None]] = {
    SettlementInstructed: frozenset({None}),
    SettlementRefused: frozenset({None}),
    SideSigned: frozenset({_S.INSTRUCTED}),
    SignaturesCompleted: frozenset({_S.INSTRUCTED}),
    SettlementPending: frozenset({_S.SIGNED, _S.REORGED}),
    SettlementSubmitted: frozenset({_S.SIGNED, _S.REORGED}),
    # Also at the end, until the nonce is spent: every later one waits behind it.
    TransactionReplaced: frozenset({_S.SUBMITTED, _S.REORGED, _S.FAILED, _S.FINAL}),
    TransactionDead: frozenset({_S.SUBMITTED, _S.REORGED}),
    # A party may settle by itself (the contract allows it), so SIGNED may lead here too.
    SettlementIncluded: frozenset({_S.SIGNED, _S.SUBMITTED, _S.REORGED}),
    SettlementSafe: frozenset({_S.INCLUDED}),
    SettlementReorged: frozenset({_S.INCLUDED}),
    SettlementFinalised: frozenset({_S.INCLUDED}),
    SettlementFailed: frozenset({_S.INSTRUCTED, _S.SIGNED, _S.SUBMITTED, _S.REORGED}),
}


def decide(state: Settlement | None, event: Event) -> list[Event]:
    """``event`` if it may happen now, with what follows from it at once; else a typed error.

    The venue's observations and its events are one thing here: what was seen is recorded as
    seen, or refused. Raises AlreadySettled, SettlementStateInvalid, SignatureWrongSigner.
    """
    current = state.state if state is not None else None
    allowed = current in _ALLOWED.get(type(event), frozenset())
    if state is not None and current is SettlementState.FINAL and not allowed:
        raise AlreadySettled("The trade is settled with finality.", trade_id=state.trade_id)
    if not allowed:
        raise SettlementStateInvalid(
            "The settlement's state does not allow this.",
            state=str(current),
            event=event.type,
        )
    if state is None:
        return [event]
    _require_nonce(state, event)
    match event:
        case SideSigned():
            return _signed(state, event)
        case SettlementPending() if event.reasons == state.reasons:
            return []
        case SettlementSafe() if state.safe:
            return []
    return [event]


def completed(state: Settlement, at: datetime) -> list[Event]:
    """SF2, once both consents are there and it was not recorded before."""
    both = state.seller_signature is not None and state.buyer_signature is not None
    if state.state is not SettlementState.INSTRUCTED or not both:
        return []
    return [SignaturesCompleted(trade_id=state.trade_id, matched_at=at)]


def evolve(state: Settlement | None, event: Event) -> Settlement:
    """The process after ``event``."""
    match event:
        case SettlementInstructed():
            return Settlement(
                state=SettlementState.INSTRUCTED,
                deal=event.deal,
                seller=event.seller,
                buyer=event.buyer,
                terms=event.terms,
                digest=event.digest,
            )
        case SettlementRefused():
            return Settlement(
                state=SettlementState.FAILED,
                deal=event.deal,
                seller=event.seller,
                buyer=event.buyer,
            )
    if state is None:
        raise InvariantBroken("A settlement begins with being instructed.", type=event.type)
    return _evolve(state, event)


def _evolve(state: Settlement, event: Event) -> Settlement:
    replace = msgspec.structs.replace
    match event:
        case SideSigned(direction="DELI"):
            return replace(state, seller_signature=event.signature)
        case SideSigned():
            return replace(state, buyer_signature=event.signature)
        case SignaturesCompleted():
            return replace(state, state=SettlementState.SIGNED)
        case SettlementPending():
            return replace(state, reasons=event.reasons)
        case SettlementSubmitted():
            return replace(
                state,
                state=SettlementState.SUBMITTED,
                reasons=(),
                submission=_submission(event),
                exposed=True,
            )
        case TransactionReplaced():
            return replace(state, submission=_replaced(state, event))
        case TransactionDead():
            return replace(
                state,
                state=SettlementState.SIGNED,
                past_hashes=state.known_hashes,
                submission=None,
            )
        case SettlementIncluded():
            found = Inclusion(
                event.transaction_hash, event.block_number, event.block_hash, event.block_time
            )
            return replace(
                state,
                state=SettlementState.INCLUDED,
                inclusion=found,
                safe=False,
                reasons=(),
                exposed=True,
            )
        case SettlementSafe():
            return replace(state, safe=True)
        case SettlementReorged():
            return replace(state, state=SettlementState.REORGED, inclusion=None, safe=False)
        case SettlementFinalised():
            return replace(state, state=SettlementState.FINAL)
        case SettlementFailed():
            return replace(state, state=SettlementState.FAILED, reasons=event.reasons)
    raise InvariantBroken("This event is not a settlement's.", type=event.type)


def _require_nonce(state: Settlement, event: Event) -> None:
    """One submission at a time, and what is said of a nonce is said of the live one."""
    alive = state.submission.nonce if state.submission is not None else None
    if isinstance(event, SettlementSubmitted) and alive is not None:
        raise SettlementStateInvalid("A transaction is still alive.", trade_id=state.trade_id)
    if isinstance(event, (TransactionReplaced, TransactionDead)) and event.nonce != alive:
        raise SettlementStateInvalid("No transaction has this nonce.", trade_id=state.trade_id)


def _signed(state: Settlement, event: SideSigned) -> list[Event]:
    if state.terms is None:
        raise InvariantBroken("An instructed settlement has terms.", trade_id=state.trade_id)
    seller = event.direction == "DELI"
    expected = state.terms.seller if seller else state.terms.buyer
    if event.signer.lower() != expected.lower():
        raise SignatureWrongSigner(
            "The signature is not the party's.", expected=expected, recovered=event.signer
        )
    known = state.seller_signature if seller else state.buyer_signature
    return [] if known is not None else [event]


def _submission(event: SettlementSubmitted) -> Submission:
    return Submission(
        sender=event.sender,
        nonce=event.nonce,
        hashes=(event.transaction_hash,),
        raw_transaction=event.raw_transaction,
        gas_limit=event.gas_limit,
        max_fee_per_gas=int(event.max_fee_per_gas),
        max_priority_fee_per_gas=int(event.max_priority_fee_per_gas),
        searched_from=event.searched_from,
    )


def _replaced(state: Settlement, event: TransactionReplaced) -> Submission:
    if state.submission is None or state.submission.nonce != event.nonce:
        raise InvariantBroken("A replacement keeps its nonce.", trade_id=state.trade_id)
    return msgspec.structs.replace(
        state.submission,
        hashes=(*state.submission.hashes, event.transaction_hash),
        raw_transaction=event.raw_transaction,
        gas_limit=event.gas_limit,
        max_fee_per_gas=int(event.max_fee_per_gas),
        max_priority_fee_per_gas=int(event.max_priority_fee_per_gas),
    )
