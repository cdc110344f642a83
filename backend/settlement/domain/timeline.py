"""The way of one trade as steps, folded from the events of its settlement process. Pure.

A step that was done stays done. What goes another way (a reorganisation, a replaced or dead
transaction, a wait, a refusal) is a branch beside the steps, and never takes one back: the
steps of a prefix of the history agree with those of the whole.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from backend.kernel.events import Event
from backend.settlement.events import (
    InstructionSigned,
    SettlementFailed,
    SettlementFinalised,
    SettlementIncluded,
    SettlementInstructed,
    SettlementPending,
    SettlementRefused,
    SettlementReorged,
    SettlementSafe,
    SettlementSubmitted,
    SideSigned,
    SignaturesCompleted,
    TransactionDead,
    TransactionReplaced,
)
from backend.settlement.iso20022 import Direction, from_names, told_to

_LEFT = ", which left the chain"


class StepName(StrEnum):
    """What every trade goes through, in this order; the two signatures may come in any."""

    INSTRUCTED = "instructed"
    SIGNED_SELLER = "signed_seller"
    SIGNED_BUYER = "signed_buyer"
    MATCHED = "matched"
    SUBMITTED = "submitted"
    INCLUDED = "included"
    SAFE = "safe"
    FINAL = "final"


class StepState(StrEnum):
    """``current``: what is waited for now. ``skipped``: the trade went on or ended without it."""

    DONE = "done"
    CURRENT = "current"
    UPCOMING = "upcoming"
    FAILED = "failed"
    SKIPPED = "skipped"


class BranchKind(StrEnum):
    """How a trade leaves the straight way."""

    REORGANISED = "reorganised"
    REPLACED = "replaced"
    RETRIED = "retried"
    PENDING = "pending"
    REFUSED = "refused"


class Outcome(StrEnum):
    """How it ended, or that it has not."""

    UNDER_WAY = "under_way"
    SETTLED = "settled"
    FAILED = "failed"


class Seen(msgspec.Struct, frozen=True):
    """An event of the process, with the event the reader may have proven in its place."""

    event: Event
    at: datetime
    event_id: str | None
    position: int | None


class Step(msgspec.Struct, frozen=True):
    """One step; ``at``, ``event_id`` and ``position`` once it is done or has failed."""

    name: StepName
    state: StepState = StepState.UPCOMING
    at: datetime | None = None
    event_id: str | None = None
    position: int | None = None
    detail: str | None = None


class Branch(msgspec.Struct, frozen=True):
    """Something that happened beside the steps."""

    kind: BranchKind
    at: datetime
    detail: str
    event_id: str | None


class Timeline(msgspec.Struct, frozen=True):
    """Steps, branches and the end of one trade; ``attempt`` counts the submissions."""

    trade_id: str
    outcome: Outcome
    steps: tuple[Step, ...]
    branches: tuple[Branch, ...]
    attempt: int


_SIGNATURES = (StepName.SIGNED_SELLER, StepName.SIGNED_BUYER)
_ON_CHAIN = (StepName.INCLUDED, StepName.SAFE)


def derive(trade_id: str, history: Sequence[Seen], party: Direction | None = None) -> Timeline:
    """The timeline after ``history``, which is in the order of the process's stream.

    A ``party`` reads what its counterparty lacks by its code alone.
    """
    steps = {name: Step(name) for name in StepName}
    branches: list[Branch] = []
    outcome, attempt = Outcome.UNDER_WAY, 0
    for seen in history:
        branch = _branch(seen, party)
        if branch is not None:
            branches.append(branch)
        _apply(steps, seen)
        outcome = _outcome(seen.event) or outcome
        attempt += isinstance(seen.event, SettlementSubmitted)
    if outcome is Outcome.UNDER_WAY:
        _point(steps)
    return Timeline(trade_id, outcome, tuple(steps.values()), tuple(branches), attempt)


def _apply(steps: dict[StepName, Step], seen: Seen) -> None:
    """Let one event do, skip or fail steps; none of them undoes one."""
    match seen.event:
        case SettlementReorged(block_number=number):
            _note_left(steps, number)
        case TransactionReplaced(transaction_hash=name):
            submitted = steps[StepName.SUBMITTED]
            steps[submitted.name] = msgspec.structs.replace(submitted, detail=_transaction(name))
        case SettlementFailed() | SettlementRefused():
            _fail(steps, seen, seen.event.detail or seen.event.cause)
        case _:
            done = _completed(seen.event)
            if done is None:
                return
            name, detail = done
            _skip_before(steps, name, seen)
            _note_again(steps, seen.event)
            steps[name] = _at(seen, name, StepState.DONE, detail)


def _completed(event: Event) -> tuple[StepName, str | None] | None:
    """The step that ``event`` completes, with what there is to say of it."""
    match event:
        case SettlementInstructed():
            return StepName.INSTRUCTED, f"Number {event.terms.number}."
        case SideSigned() | InstructionSigned():
            seller = event.direction == "DELI"
            name = StepName.SIGNED_SELLER if seller else StepName.SIGNED_BUYER
            return name, f"Signed by {event.signer}."
        case SignaturesCompleted():
            return StepName.MATCHED, None
        case SettlementSubmitted():
            return StepName.SUBMITTED, _transaction(event.transaction_hash)
        case SettlementIncluded():
            return StepName.INCLUDED, f"Block {event.block_number}, {event.gas_used:,} gas."
        case SettlementSafe() | SettlementFinalised():
            final = isinstance(event, SettlementFinalised)
            return StepName.FINAL if final else StepName.SAFE, f"Block {event.block_number}."
    return None


def _skip_before(steps: dict[StepName, Step], name: StepName, seen: Seen) -> None:
    """Earlier steps without an event: a party settled by itself, or final came before safe."""
    for each in list(StepName)[: list(StepName).index(name)]:
        if steps[each].state is not StepState.UPCOMING or each in _SIGNATURES:
            continue
        if each in _ON_CHAIN:
            steps[each] = _at(seen, each, StepState.DONE, "Shown by the block's finality.")
        else:
            steps[each] = Step(each, StepState.SKIPPED, detail="A party settled by itself.")


def _note_left(steps: dict[StepName, Step], number: int) -> None:
    """What was done in a block that left the chain says so, and stays done."""
    for name, where in ((StepName.INCLUDED, "In"), (StepName.SAFE, "Safe in")):
        if steps[name].state is StepState.DONE:
            detail = f"{where} block {number}{_LEFT}."
            steps[name] = msgspec.structs.replace(steps[name], detail=detail)


def _note_again(steps: dict[StepName, Step], event: Event) -> None:
    """Where the trade stands now, in what was said of a block that left the chain."""
    match event:
        case SettlementIncluded():
            now = f"now in block {event.block_number}"
        case SettlementFinalised():
            now = f"final in block {event.block_number}"
        case _:
            return
    for name in _ON_CHAIN:
        said, left, _ = (steps[name].detail or "").partition(_LEFT)
        if left:
            detail = f"{said}{left}; {now}."
            steps[name] = msgspec.structs.replace(steps[name], detail=detail)


def _fail(steps: dict[StepName, Step], seen: Seen, detail: str) -> None:
    """What was waited for has failed, and nothing after it will come."""
    _point(steps)
    for name, step in steps.items():
        if step.state is StepState.CURRENT:
            steps[name] = _at(seen, name, StepState.FAILED, detail)
        elif step.state is StepState.UPCOMING:
            steps[name] = Step(name, StepState.SKIPPED)


def _point(steps: dict[StepName, Step]) -> None:
    """Mark what is waited for: the first open step, or both signatures."""
    waited = next((name for name in StepName if steps[name].state is StepState.UPCOMING), None)
    for name in _SIGNATURES if waited in _SIGNATURES else (waited,):
        if name is not None and steps[name].state is StepState.UPCOMING:
            steps[name] = Step(name, StepState.CURRENT)


def _at(seen: Seen, name: StepName, state: StepState, detail: str | None) -> Step:
    return Step(name, state, seen.at, seen.event_id, seen.position, detail)


def _transaction(name: str) -> str:
    return f"Transaction {name}."


def _branch(seen: Seen, party: Direction | None) -> Branch | None:
    found = _branch_of(seen.event, party)
    return None if found is None else Branch(found[0], seen.at, found[1], seen.event_id)


def _branch_of(event: Event, party: Direction | None) -> tuple[BranchKind, str] | None:
    match event:
        case SettlementReorged():
            return BranchKind.REORGANISED, f"Block {event.block_number} left the chain."
        case TransactionReplaced():
            paid = f"{event.max_fee_per_gas} wei a gas at most"
            return BranchKind.REPLACED, f"Sent again with higher fees, {paid}."
        case TransactionDead():
            return BranchKind.RETRIED, f"The transaction cannot settle it: {event.cause}."
        case SettlementPending() if event.reasons:
            return BranchKind.PENDING, ", ".join(shown_to(event.reasons, party))
        case SettlementRefused():
            return BranchKind.REFUSED, event.detail
    return None


def shown_to(reasons: Sequence[str], party: Direction | None) -> Sequence[str]:
    """The names of ``reasons`` as the venue reads them, or as a party may."""
    return reasons if party is None else told_to(from_names(reasons), party)


def _outcome(event: Event) -> Outcome | None:
    match event:
        case SettlementFinalised():
            return Outcome.SETTLED
        case SettlementFailed() | SettlementRefused():
            return Outcome.FAILED
    return None
