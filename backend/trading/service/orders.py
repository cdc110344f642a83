"""Placing and cancelling orders, in the owner's scope, inside the caller's unit of work.

An order, its checks and its reservation are written together or not at all. A rejected order is
written too, with its checks and nothing reserved: ``place`` returns it instead of raising, so
that the record is kept.
"""

from datetime import date
from decimal import Decimal

import msgspec

from backend.compliance.events import Check
from backend.compliance.ports import OrderIntent
from backend.eventstore.aggregate import Aggregate, Loaded
from backend.eventstore.store import UnitOfWork
from backend.kernel.errors import ErrorCode, ValueInvalid
from backend.kernel.ids import checked_id
from backend.kernel.money import CurrencyMismatch
from backend.portfolio.events import Side
from backend.trading import store
from backend.trading.domain import order as orders
from backend.trading.domain.order import Order, OrderStatus, Terms
from backend.trading.domain.rules import TradingRules
from backend.trading.errors import ClientOrderIdUsed, OrderUnknown
from backend.trading.events import OrderRejected
from backend.trading.ports import (
    Compliance,
    Exposures,
    ReferencePrices,
    Reservations,
    Securities,
    SettlementCalendar,
)

ORDER: Aggregate[Order] = Aggregate("order", orders.evolve)
_MAX_CLIENT_ORDER_ID = 64


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A limit order, good till cancelled. ``limit_price`` is in the security's currency."""

    participant_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: Decimal
    limit_price: Decimal
    client_order_id: str


class PlacedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: accepted, or rejected with the code of the first failed check."""

    order_id: str
    status: OrderStatus
    checks: tuple[Check, ...]
    code: ErrorCode | None = None
    reason: str | None = None


class OrderService:
    """The owner's side of trading."""

    def __init__(
        self,
        reservations: Reservations,
        exposures: Exposures,
        securities: Securities,
        prices: ReferencePrices,
        compliance: Compliance,
        calendar: SettlementCalendar,
    ) -> None:
        self._reservations = reservations
        self._exposures = exposures
        self._securities = securities
        self._prices = prices
        self._compliance = compliance
        self._calendar = calendar

    def place(self, uow: UnitOfWork, command: PlaceOrder) -> PlacedOrder:
        """Check, then accept and reserve, or reject; recorded either way.

        Raises, recording nothing: AmountInvalid (not positive), IncrementInvalid (not a multiple
        of the security's tick or lot), ValueInvalid, SecurityUnknown, NotFound (account),
        CurrencyMismatch, CalendarUnknown, ClientOrderIdUsed.
        """
        _check_ids(command)
        store.serialise_account(uow.connection, uow.scope.tenant_id, command.account_id)
        today = uow.now.date()
        security = self._securities.by_id(uow, command.security_id)
        rules = TradingRules.standard(security.currency)
        quantity = rules.quantity(command.quantity, security.security_id)
        limit_price = rules.price(command.limit_price)
        # Asked now only to be refused now: an order that no calendar can settle is none.
        trade_dates(self._calendar, security.mic, today)
        exposure = self._exposures.exposure(uow, command.account_id, security.security_id, today)
        if exposure.cash_available.currency != security.currency:
            raise CurrencyMismatch(
                "The account and the security are in different currencies.",
                left=exposure.cash_available.currency,
                right=security.currency,
            )
        self._refuse_repeated(uow, command)
        intent = OrderIntent(command.account_id, command.side, quantity, limit_price)
        reference = self._prices.last_close(uow, security.security_id, today)
        checks = self._compliance.pre_trade(uow, intent, exposure, reference)
        return self._decide(
            uow, _terms(uow, command, intent, exposure.portfolio_id), intent, checks
        )

    def cancel(self, uow: UnitOfWork, order_id: str) -> Order:
        """Ask the venue to cancel what is left; the venue confirms, or says it was too late.

        Raises OrderUnknown, OrderStateInvalid.
        """
        loaded = uow.load(ORDER, checked_id(order_id))
        uow.append(loaded, orders.request_cancel(loaded.state))
        return state_of(loaded)

    def _decide(
        self, uow: UnitOfWork, terms: Terms, intent: OrderIntent, checks: tuple[Check, ...]
    ) -> PlacedOrder:
        loaded = _new_stream(uow, terms.order_id)
        (event,) = orders.place(terms, checks)
        uow.append(loaded, [event])
        if isinstance(event, OrderRejected):
            return PlacedOrder(
                order_id=terms.order_id,
                status=OrderStatus.REJECTED,
                checks=checks,
                code=event.code,
                reason=event.reason,
            )
        self._reserve(uow, terms.order_id, intent)
        return PlacedOrder(order_id=terms.order_id, status=OrderStatus.ACCEPTED, checks=checks)

    def _reserve(self, uow: UnitOfWork, order_id: str, intent: OrderIntent) -> None:
        account_id = intent.account_id
        if intent.side is Side.BUY:
            cash = intent.cash_needed
            self._reservations.reserve_cash(uow, account_id, order_id, cash, intent.quantity)
        else:
            self._reservations.reserve_units(uow, account_id, order_id, intent.quantity)

    def _refuse_repeated(self, uow: UnitOfWork, command: PlaceOrder) -> None:
        known = store.order_by_client_id(
            uow.connection, uow.scope.tenant_id, command.account_id, command.client_order_id
        )
        if known is not None:
            raise ClientOrderIdUsed(
                "The account has an order with this client order id.",
                client_order_id=command.client_order_id,
                order_id=known,
            )


def _new_stream(uow: UnitOfWork, order_id: str) -> Loaded[Order]:
    """The stream of an id made just now: there is nothing to load, and the append would refuse
    a stream that has begun.
    """
    return Loaded(ORDER, uow.scope.tenant_id, ORDER.stream_id(order_id), None, 0, None)


def state_of(loaded: Loaded[Order]) -> Order:
    """The order, or OrderUnknown."""
    if loaded.state is None:
        raise OrderUnknown("No such order.")
    return loaded.state


def trade_dates(calendar: SettlementCalendar, mic: str, today: date) -> tuple[date, date]:
    """Trade and settlement date of a trade made today: on a day without a session the trade
    belongs to the next one. Raises CalendarUnknown.
    """
    trading = calendar.is_trading_day(mic, today)
    trade_date = today if trading else calendar.next_trading_day(mic, today)
    return trade_date, calendar.settlement_date(mic, trade_date)


def _terms(uow: UnitOfWork, command: PlaceOrder, intent: OrderIntent, portfolio_id: str) -> Terms:
    return Terms(
        order_id=uow.new_id(),
        participant_id=command.participant_id,
        portfolio_id=portfolio_id,
        account_id=command.account_id,
        security_id=command.security_id,
        side=command.side,
        quantity=intent.quantity,
        limit_price=intent.limit_price,
        client_order_id=command.client_order_id,
    )


def _check_ids(command: PlaceOrder) -> None:
    for each in (command.participant_id, command.account_id, command.security_id):
        checked_id(each)
    text = command.client_order_id
    if not 1 <= len(text) <= _MAX_CLIENT_ORDER_ID or not (text.isascii() and text.isprintable()):
        raise ValueInvalid(
            f"A client order id is 1 to {_MAX_CLIENT_ORDER_ID} printable ASCII characters."
        )
