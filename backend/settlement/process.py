"""Recording what happened to a settlement, with what both parties learn, in one transaction."""

from collections.abc import Sequence

from backend.eventstore.aggregate import Loaded
from backend.eventstore.store import UnitOfWork
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.settlement.aggregates import INSTRUCTION, SETTLEMENT
from backend.settlement.domain import instruction, saga
from backend.settlement.domain.advice import tell
from backend.settlement.events import InstructionAdvised
from backend.settlement.iso20022 import Direction


def load(uow: UnitOfWork, trade_id: str) -> Loaded[saga.Settlement]:
    """The settlement of a trade, in the venue's tenant."""
    return uow.load(SETTLEMENT, trade_id, tenant_id=VENUE_TENANT)


def record(uow: UnitOfWork, loaded: Loaded[saga.Settlement], event: Event) -> Sequence[Event]:
    """Let ``event`` happen to the settlement, if it may, and tell both parties.

    Gives the events of the settlement that were appended. Raises what ``saga.decide`` raises.
    """
    events = saga.decide(loaded.state, event)
    for each in events:
        uow.append(loaded, [each])
        _tell_both(uow, loaded, each)
    return events


def _tell_both(uow: UnitOfWork, loaded: Loaded[saga.Settlement], event: Event) -> None:
    state = loaded.state
    if state is None:
        raise InvariantBroken("A settlement with events has a state.", stream=loaded.stream_id)
    for direction, side in (
        (Direction.DELIVER, state.seller),
        (Direction.RECEIVE, state.buyer),
    ):
        told = tell(state, direction, event)
        if told is None:
            continue
        stream = uow.load(INSTRUCTION, side.instruction_id, tenant_id=side.tenant_id)
        if isinstance(told, InstructionAdvised):
            if stream.state is not None:
                uow.append(stream, instruction.advise(stream.state, told))
        elif stream.state is None or not stream.state.terminal:
            uow.append(stream, [told])
