"""The double-entry view of the account's events: every entry adds up to 0 per commodity.

Securities meet money in ``conversion:<security>`` (a trading account in Selinger's sense, see
https://www.mscs.dal.ca/~selinger/accounting/): a purchase adds units to ``position`` and takes
them from ``conversion``, and puts the cost there. So per account and at any time

* ``position:<security>``   units held,
* ``conversion:<security>`` minus the units held, plus the book cost of the open lots,
* ``cash:<currency>``       the balance,
* ``contributions``         minus what came in from outside, at cost,
* ``realised_gain``         minus the gains of closed lots, after fees,
* ``fees``                  fees paid; ``fees_absorbed`` is its mirror, because the cost of
  lots and the realised gains contain the fees already.
"""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from backend.kernel.events import Event
from backend.kernel.money import Money, Quantity
from backend.portfolio.events import (
    CashDeposited,
    ClosedLot,
    OpenedLot,
    Side,
    TradeBooked,
    UnitsDeposited,
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of an entry: ``amount`` of ``commodity`` (currency or security id), signed."""

    ledger_account: str
    commodity: str
    amount: Decimal
    lot_id: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A balanced set of lines with both dates."""

    kind: str
    trade_date: date
    settlement_date: date
    lines: tuple[Line, ...]


def entry_of(event: Event) -> Entry | None:
    """The entry that ``event`` makes, or None when it moves nothing (openings, reservations)."""
    if not isinstance(event, CashDeposited | UnitsDeposited | TradeBooked):
        return None
    lines = _LINES[type(event)](event)
    return Entry(
        kind=event.type.removeprefix("account."),
        trade_date=event.trade_date,
        settlement_date=event.settlement_date,
        lines=tuple(line for line in lines if line.amount != 0),
    )


def _cash_deposited(event: CashDeposited) -> Iterator[Line]:
    yield _cash(event.amount)
    yield _money("contributions", -event.amount)


def _units_deposited(event: UnitsDeposited) -> Iterator[Line]:
    yield from _opened(event.lot)
    yield _money("contributions", -event.lot.cost, event.lot.lot_id)


def _trade_booked(event: TradeBooked) -> Iterator[Line]:
    buying = event.side is Side.BUY
    yield _cash(-(event.gross + event.fees) if buying else event.gross - event.fees)
    for opened in event.lots_opened:
        yield from _opened(opened)
    for closed in event.lots_closed:
        yield from _closed(closed)
    yield _money("fees", event.fees)
    yield _money("fees_absorbed", -event.fees)


_LINES: dict[type[Event], Callable[[Any], Iterator[Line]]] = {
    CashDeposited: _cash_deposited,
    UnitsDeposited: _units_deposited,
    TradeBooked: _trade_booked,
}


def _opened(lot: OpenedLot) -> Iterator[Line]:
    yield from _units(lot.units, lot.lot_id)
    yield _money(f"conversion:{lot.units.security_id}", lot.cost, lot.lot_id)


def _closed(lot: ClosedLot) -> Iterator[Line]:
    yield from _units(-lot.units, lot.lot_id)
    yield _money(f"conversion:{lot.units.security_id}", -lot.cost, lot.lot_id)
    yield _money("realised_gain", -lot.realised_gain, lot.lot_id)


def _units(units: Quantity, lot_id: str) -> Iterator[Line]:
    for account, amount in (("position", units.units), ("conversion", -units.units)):
        yield Line(
            ledger_account=f"{account}:{units.security_id}",
            commodity=units.security_id,
            amount=amount,
            lot_id=lot_id,
        )


def _cash(money: Money) -> Line:
    return _money(f"cash:{money.currency}", money)


def _money(account: str, money: Money, lot_id: str | None = None) -> Line:
    return Line(
        ledger_account=account, commodity=money.currency, amount=money.amount, lot_id=lot_id
    )
