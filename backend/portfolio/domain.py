"""The books of one account: state and how events change it.

Invariants (``check_invariants`` names the broken one): cash >= 0, units >= 0, reserved <=
balance, the open lots of a security add up to its position. Accounts are long only in this
slice (C-08: shorts are a later policy flag).
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from backend.kernel.errors import InvariantBroken
from backend.kernel.money import Money, Price, Quantity
from backend.portfolio.errors import AlreadyRecorded
from backend.portfolio.events import (
    AccountEvent,
    AccountOpened,
    CashDeposited,
    CashReserved,
    LotMethod,
    OpenedLot,
    PortfolioOpened,
    Released,
    ReservationReleased,
    Side,
    TradeBooked,
    UnitsDeposited,
    UnitsReserved,
)
from backend.portfolio.lots import Lot, without
from backend.portfolio.seen import Seen


class PortfolioState(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio: its accounts are streams of their own."""

    portfolio_id: str
    name: str
    base_currency: str


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What is still set aside: ``units`` to buy with ``cash``, or, without cash, to sell."""

    reservation_id: str
    units: Quantity
    cash: Money | None

    def part(self, units: Quantity) -> Released:
        """The part that belongs to ``units``; the last part takes all cash that is left."""
        cash = self.cash and self.cash.share(units.units, self.units.units)
        return Released(reservation_id=self.reservation_id, units=units, cash=cash)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one security: the whole, the part set aside for sales, and the open lots."""

    units: Quantity
    reserved: Quantity
    lots: tuple[Lot, ...] = ()

    @property
    def free(self) -> Quantity:
        return self.units - self.reserved


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its events made it."""

    account_id: str
    portfolio_id: str
    name: str
    currency: str
    wallet_address: str
    lot_method: LotMethod
    cash: Money
    cash_reserved: Money
    positions: Mapping[str, Position] = {}
    reservations: Mapping[str, Reservation] = {}
    next_lot: int = 1
    seen: Seen = Seen()

    @property
    def free_cash(self) -> Money:
        """The balance less what is reserved."""
        return self.cash - self.cash_reserved

    def position(self, security_id: str) -> Position:
        """The position in a security; an empty one if there never was any."""
        zero = Quantity.zero(security_id)
        return self.positions.get(security_id) or Position(units=zero, reserved=zero)


def digest(kind: str, *content: object) -> str:
    """A digest of what an id was used with; equal decimals give equal digests."""
    return hashlib.sha256("\x1f".join((kind, *map(_plain, content))).encode()).hexdigest()


def is_repeat(state: AccountState, key: str, content: str) -> bool:
    """Whether ``key`` was handled with the same content. Raises AlreadyRecorded otherwise."""
    known = state.seen.get(key)
    if known is not None and known != content:
        raise AlreadyRecorded("This id was already used with other content.", id=key)
    return known is not None


def deposit_digest(event: CashDeposited | UnitsDeposited) -> str:
    """What makes two deposits the same."""
    what: tuple[object, ...] = (
        (event.amount,)
        if isinstance(event, CashDeposited)
        else (event.quantity, event.unit_cost, event.acquired_on)
    )
    return digest(event.type, *what, event.trade_date, event.settlement_date, event.evidence)


def reservation_digest(event: CashReserved | UnitsReserved) -> str:
    """What makes two reservations the same."""
    what = (event.cash, event.covering) if isinstance(event, CashReserved) else (event.units,)
    return digest(event.type, *what)


def release_digest(reservation_id: str, units: Quantity | None) -> str:
    """What makes two releases the same; ``units`` None is "all that is left"."""
    return digest("release", reservation_id, units)


def trade_digest(event: TradeBooked) -> str:
    """What makes two bookings the same; lots and releases follow from it and the state."""
    return digest(
        event.type, event.order_id, event.side, event.quantity, event.price, event.fees,
        event.trade_date, event.settlement_date,
        event.released and event.released.reservation_id,
    )  # fmt: skip


def evolve_portfolio(state: PortfolioState | None, event: PortfolioOpened) -> PortfolioState:
    """The portfolio after ``event``. Raises InvariantBroken when it was open already."""
    if state is not None:
        raise InvariantBroken("A portfolio is opened once.", portfolio_id=event.portfolio_id)
    return PortfolioState(
        portfolio_id=event.portfolio_id, name=event.name, base_currency=event.base_currency
    )


def evolve(state: AccountState | None, event: AccountEvent) -> AccountState:
    """The account after ``event``; the state given is not changed."""
    if isinstance(event, AccountOpened):
        return _opened(state, event)
    if state is None:
        raise InvariantBroken("An account begins with its opening.", type=event.type)
    match event:
        case CashDeposited():
            after = msgspec.structs.replace(state, cash=state.cash + event.amount)
            return _mark(after, f"deposit:{event.deposit_id}", deposit_digest(event))
        case UnitsDeposited():
            after = _with_lot(state, event.lot)
            return _mark(after, f"deposit:{event.deposit_id}", deposit_digest(event))
        case CashReserved() | UnitsReserved():
            return _reserved(state, event)
        case ReservationReleased():
            part = Released(reservation_id=event.reservation_id, units=event.units, cash=event.cash)
            named = None if event.whole else event.units
            after = _released(state, part)
            content = release_digest(event.reservation_id, named)
            return _mark(after, f"release:{event.release_id}", content)
        case TradeBooked():
            return _booked(state, event)


def check_invariants(state: AccountState) -> None:
    """Raise InvariantBroken, naming the rule, when the state is impossible."""
    held = [each for each in state.reservations.values() if each.cash is not None]
    cash_held = sum((each.cash.amount for each in held if each.cash), Decimal(0))
    _demand(state.cash_reserved.amount >= 0, "reserved cash is not negative", state)
    _demand(state.free_cash.amount >= 0, "reserved cash is within the balance", state)
    _demand(state.cash_reserved.amount == cash_held, "cash reservations add up", state)
    for security_id, position in state.positions.items():
        lots = sum((lot.units.units for lot in position.lots), Decimal(0))
        units_held = sum(
            (
                each.units.units
                for each in state.reservations.values()
                if each.cash is None and each.units.security_id == security_id
            ),
            Decimal(0),
        )
        _demand(position.units.units == lots, "lots add up to the position", state)
        _demand(position.reserved.units == units_held, "unit reservations add up", state)
        _demand(position.free.units >= 0, "reserved units are within the position", state)
        _demand(all(lot.cost.amount >= 0 for lot in position.lots), "costs are positive", state)


def _opened(state: AccountState | None, event: AccountOpened) -> AccountState:
    if state is not None:
        raise InvariantBroken("An account is opened once.", account_id=event.account_id)
    zero = Money.zero(event.currency)
    return AccountState(
        account_id=event.account_id,
        portfolio_id=event.portfolio_id,
        name=event.name,
        currency=event.currency,
        wallet_address=event.wallet_address,
        lot_method=event.lot_method,
        cash=zero,
        cash_reserved=zero,
    )


def _reserved(state: AccountState, event: CashReserved | UnitsReserved) -> AccountState:
    cash = event.cash if isinstance(event, CashReserved) else None
    units = event.covering if isinstance(event, CashReserved) else event.units
    made = Reservation(reservation_id=event.reservation_id, units=units, cash=cash)
    after = msgspec.structs.replace(
        _hold(state, cash, units, +1),
        reservations={**state.reservations, event.reservation_id: made},
    )
    return _mark(after, f"reservation:{event.reservation_id}", reservation_digest(event))


def _released(state: AccountState, part: Released) -> AccountState:
    before = state.reservations[part.reservation_id]
    left = msgspec.structs.replace(
        before,
        units=before.units - part.units,
        cash=before.cash - part.cash if before.cash and part.cash else before.cash,
    )
    others = {k: v for k, v in state.reservations.items() if k != part.reservation_id}
    open_ = {**others, part.reservation_id: left} if left.units.units > 0 else others
    freed = _hold(state, part.cash, part.units, -1)
    return msgspec.structs.replace(freed, reservations=open_)


def _hold(state: AccountState, cash: Money | None, units: Quantity, sign: int) -> AccountState:
    """Move cash, or else units, into (+1) or out of (-1) what is reserved."""
    if cash is not None:
        moved = cash if sign > 0 else -cash
        return msgspec.structs.replace(state, cash_reserved=state.cash_reserved + moved)
    position = state.position(units.security_id)
    reserved = position.reserved + (units if sign > 0 else -units)
    return _with_position(state, msgspec.structs.replace(position, reserved=reserved))


def _booked(state: AccountState, event: TradeBooked) -> AccountState:
    after = _released(state, event.released) if event.released else state
    buying = event.side is Side.BUY
    moved = -(event.gross + event.fees) if buying else event.gross - event.fees
    after = msgspec.structs.replace(after, cash=after.cash + moved)
    for lot in event.lots_opened:
        after = _with_lot(after, lot)
    if event.lots_closed:
        position = after.position(event.quantity.security_id)
        left = msgspec.structs.replace(
            position,
            units=position.units - event.quantity,
            lots=without(position.lots, event.lots_closed),
        )
        after = _with_position(after, left)
    return _mark(after, f"trade:{event.trade_id}", trade_digest(event))


def _with_lot(state: AccountState, lot: OpenedLot) -> AccountState:
    position = state.position(lot.units.security_id)
    opened = Lot(
        lot_id=lot.lot_id,
        sequence=state.next_lot,
        acquired_on=lot.acquired_on,
        units=lot.units,
        cost=lot.cost,
    )
    grown = msgspec.structs.replace(
        position, units=position.units + lot.units, lots=(*position.lots, opened)
    )
    numbered = msgspec.structs.replace(state, next_lot=state.next_lot + 1)
    return _with_position(numbered, grown)


def _with_position(state: AccountState, position: Position) -> AccountState:
    key = position.units.security_id
    return msgspec.structs.replace(state, positions={**state.positions, key: position})


def _mark(state: AccountState, key: str, content: str) -> AccountState:
    return msgspec.structs.replace(state, seen=state.seen.adding(key, content))


def _demand(holds: bool, rule: str, state: AccountState) -> None:
    if not holds:
        raise InvariantBroken(f"The books break a rule: {rule}.", account_id=state.account_id)


def _plain(value: object) -> str:
    match value:
        case Decimal():
            return format(value.normalize(), "f")
        case Money() | Price():
            return f"{_plain(value.amount)} {value.currency}"
        case Quantity():
            return f"{_plain(value.units)} {value.security_id}"
        case date():
            return value.isoformat()
        case msgspec.Struct():
            parts: dict[str, Any] = msgspec.structs.asdict(value)
            return " ".join(f"{name}={_plain(part)}" for name, part in parts.items())
        case _:
            return repr(value)
