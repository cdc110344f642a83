"""What each party is told when the venue's process moves: advice, confirmation, failure."""

import msgspec

from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.settlement.domain.saga import Settlement
from backend.settlement.events import (
    InstructionAdvised,
    InstructionFailed,
    InstructionSettled,
    SettlementFailed,
    SettlementFinalised,
    SettlementIncluded,
    SettlementPending,
    SettlementRefused,
    SettlementReorged,
    SettlementSafe,
    SettlementSubmitted,
    Side,
    SignaturesCompleted,
    TransactionDead,
    TransactionReplaced,
)
from backend.settlement.iso20022 import Direction, ProcessingStatus, code_for, from_names, told_to


class _Advice(msgspec.Struct, frozen=True):
    status: ProcessingStatus
    state: str
    reasons: tuple[str, ...] = ()
    transaction_hash: str | None = None


def tell(state: Settlement, direction: Direction, event: Event) -> Event | None:
    """The event for one party's instruction that follows from the venue's ``event``.

    None where the party learns nothing new. Raises InvariantBroken for a failure without terms.
    """
    side = state.seller if direction is Direction.DELIVER else state.buyer
    match event:
        case SettlementFinalised():
            return _confirmation(state, side, direction, event)
        case SettlementFailed():
            code = code_for(from_names(event.reasons), direction)
            return _failure(state, side, direction, event.cause, code, event)
        case SettlementRefused():
            return _failure(state, side, direction, event.cause, "NARR", event)
    advice = _advice(event)
    if advice is None:
        return None
    reason = code_for(from_names(advice.reasons), direction) if advice.reasons else None
    return InstructionAdvised(
        instruction_id=side.instruction_id,
        status=advice.status.value,
        reason=reason,
        narrative=", ".join(told_to(from_names(advice.reasons), direction)),
        settlement_state=advice.state,
        transaction_hash=advice.transaction_hash,
    )


def _advice(event: Event) -> _Advice | None:
    matched = ProcessingStatus.MATCHED
    match event:
        case SignaturesCompleted():
            return _Advice(matched, "SIGNED")
        case SettlementPending():
            waiting = event.reasons == ("NOT_YET_VALID",)
            status = ProcessingStatus.PENDING if waiting else ProcessingStatus.FAILING
            return _Advice(status, "SIGNED", event.reasons)
        case SettlementSubmitted() | TransactionReplaced():
            return _Advice(matched, "SUBMITTED", (), event.transaction_hash)
        case TransactionDead():
            return _Advice(matched, "SIGNED")
        case SettlementIncluded():
            return _Advice(matched, "INCLUDED", (), event.transaction_hash)
        case SettlementSafe():
            return _Advice(matched, "SAFE")
        case SettlementReorged():
            return _Advice(matched, "REORGED")
    return None


def _confirmation(
    state: Settlement, side: Side, direction: Direction, event: SettlementFinalised
) -> InstructionSettled:
    if state.terms is None:
        raise InvariantBroken("A settled trade has terms.", trade_id=state.trade_id)
    return InstructionSettled(
        instruction_id=side.instruction_id,
        direction=direction.value,
        participant_id=side.participant_id,
        account_id=side.account_id,
        order_id=side.order_id,
        deal=state.deal,
        chain_id=state.terms.chain_id,
        transaction_hash=event.transaction_hash,
        block_number=event.block_number,
        block_hash=event.block_hash,
        settled_at=event.final_at,
    )


def _failure(
    state: Settlement,
    side: Side,
    direction: Direction,
    cause: str,
    reason: str,
    event: SettlementFailed | SettlementRefused,
) -> InstructionFailed:
    return InstructionFailed(
        instruction_id=side.instruction_id,
        direction=direction.value,
        participant_id=side.participant_id,
        account_id=side.account_id,
        order_id=side.order_id,
        deal=state.deal,
        cause=cause,
        reason=reason,
        detail=event.detail,
        failed_at=event.failed_at if isinstance(event, SettlementFailed) else event.refused_at,
    )
