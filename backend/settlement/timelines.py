"""A trade's timeline for those who may see it: its parties, and the venue's own people.

The venue reads its own process. A party gets the same steps, with its own instruction's events
in the place of the venue's: those are the ones it can have proven.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from backend.eventstore.recorded import Recorded, read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Connection, Scope
from backend.eventstore.store import EventStore
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import NotFound
from backend.kernel.events import Event
from backend.settlement import store
from backend.settlement.domain.timeline import Seen, Timeline, derive, shown_to
from backend.settlement.events import (
    InstructionAdvised,
    InstructionFailed,
    InstructionReceived,
    InstructionSettled,
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
from backend.settlement.iso20022 import Direction

_ENDS = (SettlementFailed, SettlementFinalised, SettlementRefused)
_TOLD: dict[type[Event], tuple[type[Event], ...]] = {
    InstructionReceived: (SettlementInstructed,),
    InstructionSettled: (SettlementFinalised,),
    InstructionFailed: (SettlementFailed, SettlementRefused),
}
# What a status advice may follow from, by the state it names (domain/advice.py).
_ADVISED: dict[str, tuple[type[Event], ...]] = {
    "SIGNED": (SignaturesCompleted, SettlementPending, TransactionDead),
    "SUBMITTED": (SettlementSubmitted, TransactionReplaced),
    "INCLUDED": (SettlementIncluded,),
    "SAFE": (SettlementSafe,),
    "REORGED": (SettlementReorged,),
}


class TradeView(msgspec.Struct, frozen=True):
    """A settlement's row with its timeline, and what the worker last ran into."""

    row: dict[str, Any]
    timeline: Timeline
    last_error: str | None
    next_retry_at: datetime | None


class Timelines:
    """Reads timelines: what is the caller's own in its own scope, the process as an auditor."""

    def __init__(self, events: EventStore) -> None:
        self._events = events

    def of_trade(self, trade_id: str) -> TradeView:
        """The venue's view. Raises NotFound."""
        with self._events.database.transaction(Scope.auditor()) as db:
            return _view(db, self._events.registry, trade_id, (), None)

    def of_instruction(self, tenant_id: str, instruction_id: str) -> TradeView:
        """A party's view of the trade behind its own instruction. Raises NotFound."""
        with self._events.database.transaction(Scope.app(tenant_id)) as db:
            row = store.find_instruction(db, tenant_id, instruction_id)
            if row is None:
                raise NotFound("There is no such instruction.")
            side = Direction(row["direction"])
            own = _stream(db, self._events.registry, tenant_id, f"instruction-{instruction_id}")
        with self._events.database.transaction(Scope.auditor()) as db:
            view = _view(db, self._events.registry, row["trade_id"], own, side)
        return _for_party(view, side)


def _for_party(view: TradeView, side: Direction) -> TradeView:
    """Without what is the counterparty's affair, and without the words of the venue's machines.

    The worker writes its error as ``code: message``; a party gets the code.
    """
    row = {**view.row, "reasons": list(shown_to(view.row["reasons"], side))}
    error = view.last_error
    code = None if error is None else error.partition(":")[0]
    return msgspec.structs.replace(view, row=row, last_error=code)


def _view(
    db: Connection,
    registry: EventRegistry,
    trade_id: str,
    own: Sequence[Recorded[Any]],
    side: Direction | None,
) -> TradeView:
    row = store.find_settlement(db, trade_id)
    if row is None:
        raise NotFound("There is no settlement of this trade.")
    process = _stream(db, registry, VENUE_TENANT, f"settlement-{trade_id}")
    history = _as_party(process, own) if own else [_seen(each, each) for each in process]
    work = store.find_work(db, trade_id)
    failed = work is not None and work["last_error"] is not None
    return TradeView(
        row,
        derive(trade_id, history, side),
        work["last_error"] if work is not None and failed else None,
        work["due_at"] if work is not None and failed else None,
    )


def _stream(
    db: Connection, registry: EventRegistry, tenant_id: str, stream_id: str
) -> list[Recorded[Any]]:
    return [
        read_recorded(registry, row["entry"], row["leaf_hash"], row["position"])
        for row in store.read_stream(db, tenant_id, stream_id)
    ]


def _seen(event: Recorded[Any], proof: Recorded[Any] | None) -> Seen:
    shown = proof if proof is not None else event
    return Seen(
        event.event,
        shown.recorded_at,
        None if proof is None else proof.event_id,
        None if proof is None else proof.position,
    )


def _as_party(process: Sequence[Recorded[Any]], own: Sequence[Recorded[Any]]) -> list[Seen]:
    """The venue's history with the party's own events as proofs.

    What the party is told is appended in the transaction of what happened, so the two record
    the same moment; its own consent comes first, and the venue's record of it names it as cause.
    """
    consents = {each.event_id: each for each in own if isinstance(each.event, InstructionSigned)}
    told = [each for each in own if each.event_id not in consents]
    history = []
    for each in process:
        consent = consents.pop(each.causation_id or "", None)
        proof = consent if isinstance(each.event, SideSigned) else _take(told, each)
        history.append(_seen(each, proof))
    early = [_seen(each, each) for each in consents.values()]  # not yet brought to the venue
    end = next((i for i, each in enumerate(history) if isinstance(each.event, _ENDS)), len(history))
    return [*history[:end], *early, *history[end:]]


def _take(told: list[Recorded[Any]], happened: Recorded[Any]) -> Recorded[Any] | None:
    """Take out the event by which the party was told of ``happened``; None where it was not."""
    for each in told:
        if each.recorded_at == happened.recorded_at and _tells(each.event, happened.event):
            told.remove(each)
            return each
    return None


def _tells(own: Event, happened: Event) -> bool:
    """Whether a party's event is of the kind that tells of the venue's."""
    if isinstance(own, InstructionAdvised):
        return isinstance(happened, _ADVISED[own.settlement_state])
    return isinstance(happened, _TOLD[type(own)])
