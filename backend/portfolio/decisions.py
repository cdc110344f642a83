"""Commands on accounts and what they decide: pure functions from state to events.

Every command with an id is idempotent: the same again decides nothing, the same id with other
content raises AlreadyRecorded.
"""

import re
from datetime import date

import msgspec

from backend.kernel.errors import AmountInvalid, ValueInvalid
from backend.kernel.money import CurrencyMismatch, Money, Price, Quantity, minor_unit
from backend.portfolio.commands import BookTrade
from backend.portfolio.domain import (
    AccountState,
    Reservation,
    deposit_digest,
    is_repeat,
    release_digest,
    reservation_digest,
    trade_digest,
)
from backend.portfolio.errors import (
    InsufficientCash,
    InsufficientUnits,
    ReservationExceeded,
    ReservationMismatch,
    ReservationUnknown,
)
from backend.portfolio.events import (
    AccountOpened,
    CashDeposited,
    CashReserved,
    Evidence,
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
from backend.portfolio.lots import consume, supported

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def open_portfolio(portfolio_id: str, name: str, base_currency: str) -> PortfolioOpened:
    """A new portfolio. Raises ValueInvalid on an empty name or an unknown currency."""
    minor_unit(base_currency)
    return PortfolioOpened(portfolio_id=portfolio_id, name=_name(name), base_currency=base_currency)


def open_account(
    *,
    account_id: str,
    portfolio_id: str,
    name: str,
    currency: str,
    wallet_address: str,
    lot_method: LotMethod = LotMethod.FIFO,
) -> AccountOpened:
    """A new account. Raises ValueInvalid, or LotMethodUnsupported for a method to come."""
    minor_unit(currency)
    if _ADDRESS.fullmatch(wallet_address) is None:
        raise ValueInvalid("A wallet address is 0x and 40 hex digits.", value=wallet_address[:64])
    return AccountOpened(
        account_id=account_id,
        portfolio_id=portfolio_id,
        name=_name(name),
        currency=currency,
        wallet_address=wallet_address,
        lot_method=supported(lot_method),
    )


def deposit_cash(
    state: AccountState, deposit_id: str, amount: Money, on: date, evidence: Evidence
) -> tuple[CashDeposited, ...]:
    """Cash comes in on ``on``. Raises AmountInvalid, CurrencyMismatch, AlreadyRecorded."""
    event = CashDeposited(
        account_id=state.account_id,
        deposit_id=deposit_id,
        amount=_own(state, _positive(amount)),
        trade_date=on,
        settlement_date=on,
        evidence=evidence,
    )
    repeated = is_repeat(state, f"deposit:{deposit_id}", deposit_digest(event))
    return () if repeated else (event,)


def deposit_units(
    state: AccountState,
    deposit_id: str,
    quantity: Quantity,
    unit_cost: Price,
    acquired_on: date,
    on: date,
    evidence: Evidence,
) -> tuple[UnitsDeposited, ...]:
    """Units come in on ``on`` and form one lot dated ``acquired_on`` (not after ``on``).

    Raises AmountInvalid, CurrencyMismatch, ValueInvalid, AlreadyRecorded.
    """
    if acquired_on > on:
        raise ValueInvalid("Units cannot be acquired after they were deposited.")
    cost = unit_cost.times(_positive_units(quantity)).booked()
    event = UnitsDeposited(
        account_id=state.account_id,
        deposit_id=deposit_id,
        quantity=quantity,
        unit_cost=unit_cost,
        acquired_on=acquired_on,
        trade_date=on,
        settlement_date=on,
        evidence=evidence,
        lot=OpenedLot(
            lot_id=deposit_id, acquired_on=acquired_on, units=quantity, cost=_own(state, cost)
        ),
    )
    repeated = is_repeat(state, f"deposit:{deposit_id}", deposit_digest(event))
    return () if repeated else (event,)


def reserve_cash(
    state: AccountState, reservation_id: str, cash: Money, covering: Quantity
) -> tuple[CashReserved, ...]:
    """Set ``cash`` aside for buying ``covering`` units. Raises InsufficientCash."""
    event = CashReserved(
        account_id=state.account_id,
        reservation_id=reservation_id,
        cash=_own(state, _positive(cash)),
        covering=_positive_units(covering),
    )
    if is_repeat(state, f"reservation:{reservation_id}", reservation_digest(event)):
        return ()
    if state.free_cash < cash:
        raise InsufficientCash(state.free_cash, cash)
    return (event,)


def reserve_units(
    state: AccountState, reservation_id: str, units: Quantity
) -> tuple[UnitsReserved, ...]:
    """Set ``units`` aside for selling. Raises InsufficientUnits."""
    event = UnitsReserved(
        account_id=state.account_id,
        reservation_id=reservation_id,
        units=_positive_units(units),
    )
    if is_repeat(state, f"reservation:{reservation_id}", reservation_digest(event)):
        return ()
    free = state.position(units.security_id).free
    if free < units:
        raise InsufficientUnits(free, units)
    return (event,)


def release(
    state: AccountState,
    reservation_id: str,
    release_id: str,
    reason: str,
    units: Quantity | None = None,
) -> tuple[ReservationReleased, ...]:
    """Free the part of a reservation that belongs to ``units``; None frees all that is left.

    Freeing all of what is empty already decides nothing. Raises ReservationUnknown,
    ReservationExceeded, AlreadyRecorded.
    """
    content = release_digest(reservation_id, units)
    if is_repeat(state, f"release:{release_id}", content):
        return ()
    held = _reservation(state, reservation_id)
    if held is None and units is None:
        return ()
    part = _part(reservation_id, held, units or (held.units if held else None))
    return (
        ReservationReleased(
            account_id=state.account_id,
            reservation_id=reservation_id,
            release_id=release_id,
            units=part.units,
            cash=part.cash,
            whole=units is None,
            reason=reason,
        ),
    )


def book_trade(state: AccountState, trade: BookTrade) -> tuple[TradeBooked, ...]:
    """Put a settled trade into the books: a buy opens a lot, a sale closes lots by method.

    Cost of the lot = gross + fees; proceeds of a sale = gross - fees. Raises
    InsufficientCash, InsufficientUnits, ReservationUnknown, ReservationExceeded,
    ReservationMismatch, AmountInvalid, ValueInvalid, CurrencyMismatch, AlreadyRecorded.
    """
    _check_trade(state, trade)
    event = _unallocated(state, trade)
    if is_repeat(state, f"trade:{trade.trade_id}", trade_digest(event)):
        return ()
    released = _release_for(state, trade)
    cash_free = state.free_cash
    if released and released.cash:
        cash_free = cash_free + released.cash
    if trade.side is Side.BUY:
        cost = trade.gross + trade.fees
        if cash_free < cost:
            raise InsufficientCash(cash_free, cost)
        opened = OpenedLot(
            lot_id=trade.trade_id, acquired_on=trade.trade_date, units=trade.quantity, cost=cost
        )
        return (msgspec.structs.replace(event, lots_opened=(opened,), released=released),)
    return (_sale(state, trade, event, released, cash_free),)


def _sale(
    state: AccountState,
    trade: BookTrade,
    event: TradeBooked,
    released: Released | None,
    cash_free: Money,
) -> TradeBooked:
    position = state.position(trade.quantity.security_id)
    free = position.free + released.units if released else position.free
    if free < trade.quantity:
        raise InsufficientUnits(free, trade.quantity)
    net = trade.gross - trade.fees
    if cash_free < -net:
        raise InsufficientCash(cash_free, -net)
    closed = consume(position.lots, state.lot_method, trade.quantity, net)
    return msgspec.structs.replace(event, lots_closed=closed, released=released)


def _check_trade(state: AccountState, trade: BookTrade) -> None:
    _positive_units(trade.quantity)
    _own(state, trade.gross)
    _own(state, trade.fees)
    if trade.fees.amount < 0 or trade.fees.booked() != trade.fees:
        raise AmountInvalid("Fees are whole minor units and not negative.")
    if trade.settlement_date < trade.trade_date:
        raise ValueInvalid("A trade cannot settle before it is made.", trade_id=trade.trade_id)


def _unallocated(state: AccountState, trade: BookTrade) -> TradeBooked:
    """The booking before lots and the release are known; it names the reservation only."""
    named = None
    if trade.reservation_id is not None:
        named = Released(reservation_id=trade.reservation_id, units=trade.quantity, cash=None)
    return TradeBooked(
        account_id=state.account_id,
        trade_id=trade.trade_id,
        order_id=trade.order_id,
        side=trade.side,
        quantity=trade.quantity,
        price=trade.price,
        gross=trade.gross,
        fees=trade.fees,
        trade_date=trade.trade_date,
        settlement_date=trade.settlement_date,
        lots_opened=(),
        lots_closed=(),
        released=named,
    )


def _release_for(state: AccountState, trade: BookTrade) -> Released | None:
    if trade.reservation_id is None:
        return None
    held = _reservation(state, trade.reservation_id)
    part = _part(trade.reservation_id, held, trade.quantity)
    if (part.cash is None) != (trade.side is Side.SELL):
        raise ReservationMismatch(
            "The reservation is not of the kind this trade needs.",
            reservation_id=trade.reservation_id,
        )
    return part


def _reservation(state: AccountState, reservation_id: str) -> Reservation | None:
    """What is left of a reservation; None when nothing is. Raises ReservationUnknown."""
    held = state.reservations.get(reservation_id)
    if held is None and state.seen.get(f"reservation:{reservation_id}") is None:
        raise ReservationUnknown("No such reservation.", reservation_id=reservation_id)
    return held


def _part(reservation_id: str, held: Reservation | None, units: Quantity | None) -> Released:
    if held is None or units is None or held.units < units:
        raise ReservationExceeded(
            "More was to be released than is reserved.",
            reservation_id=reservation_id,
            reserved=format(held.units.units, "f") if held else "0",
        )
    return held.part(_positive_units(units))


def _name(name: str) -> str:
    if not name.strip() or len(name) > 100:
        raise ValueInvalid("A name has 1 to 100 characters.")
    return name.strip()


def _positive(money: Money) -> Money:
    if money.amount <= 0 or money.booked() != money:
        raise AmountInvalid(
            "The amount must be positive and in whole minor units.", value=str(money.amount)
        )
    return money


def _positive_units(quantity: Quantity) -> Quantity:
    if quantity.units <= 0:
        raise AmountInvalid("The quantity must be positive.", value=str(quantity.units))
    return quantity


def _own(state: AccountState, money: Money) -> Money:
    if money.currency != state.currency:
        raise CurrencyMismatch(
            "The account is in another currency.", left=state.currency, right=money.currency
        )
    return money
