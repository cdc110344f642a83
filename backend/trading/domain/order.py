"""One order in its owner's tenant, in FIX terms (OrdStatus, LeavesQty, CumQty)."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import msgspec

from backend.compliance.events import Check
from backend.kernel.errors import ErrorCode, InvariantBroken
from backend.kernel.money import Money, Price, Quantity
from backend.portfolio.events import Side
from backend.trading.errors import OrderStateInvalid, OrderUnknown
from backend.trading.events import (
    CancelRejection,
    OrderAccepted,
    OrderCancelled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderEvent,
    OrderFilled,
    OrderRejected,
    RemovalReason,
)


class OrderStatus(StrEnum):
    """FIX tag 39 (OrdStatus), the values used here."""

    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


OPEN = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands. ``leaves`` is zero once it is filled, cancelled or rejected."""

    order_id: str
    portfolio_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: Quantity
    limit_price: Price
    status: OrderStatus
    filled: Quantity
    leaves: Quantity
    cancel_requested: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is, whatever becomes of it."""

    order_id: str
    participant_id: str
    portfolio_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: Quantity
    limit_price: Price
    client_order_id: str


def place(terms: Terms, checks: Sequence[Check]) -> list[OrderAccepted | OrderRejected]:
    """Accept an order that passed every check, else reject it with the first failure's code.

    Raises InvariantBroken when no check was made at all.
    """
    if not checks:
        raise InvariantBroken("An order is never placed unchecked.", order_id=terms.order_id)
    fields = msgspec.structs.asdict(terms)
    failed = next((check for check in checks if not check.passed), None)
    if failed is None:
        return [OrderAccepted(**fields, checks=tuple(checks))]
    return [
        OrderRejected(
            **fields,
            checks=tuple(checks),
            code=failed.code or ErrorCode.COMPLIANCE_REJECTED,
            reason=f"The check {failed.name.value} did not pass.",
        )
    ]


def request_cancel(order: Order | None) -> list[OrderCancelRequested]:
    """Ask for the rest to be cancelled. Raises OrderUnknown, OrderStateInvalid (too late)."""
    if order is None:
        raise OrderUnknown("No such order.")
    if not order.is_open:
        raise OrderStateInvalid(
            f"The order is {order.status.value} already.", status=order.status.value
        )
    if order.cancel_requested:
        raise OrderStateInvalid("The order is being cancelled already.", status="cancelling")
    return [
        OrderCancelRequested(
            order_id=order.order_id, account_id=order.account_id, security_id=order.security_id
        )
    ]


def fill(
    order: Order,
    *,
    trade_id: str,
    quantity: Quantity,
    price: Price,
    gross: Money,
    trade_date: date,
    settlement_date: date,
) -> list[OrderFilled]:
    """Record one execution. Raises InvariantBroken when it is more than is left, or worse than
    the limit.
    """
    buying = order.side is Side.BUY
    worse = (
        price.amount > order.limit_price.amount
        if buying
        else (price.amount < order.limit_price.amount)
    )
    if not order.is_open or quantity > order.leaves or quantity.units <= 0 or worse:
        raise InvariantBroken("The fill does not fit the order.", order_id=order.order_id)
    return [
        OrderFilled(
            order_id=order.order_id,
            trade_id=trade_id,
            account_id=order.account_id,
            security_id=order.security_id,
            side=order.side,
            quantity=quantity,
            price=price,
            gross=gross,
            leaves_quantity=order.leaves - quantity,
            trade_date=trade_date,
            settlement_date=settlement_date,
        )
    ]


def cancel(order: Order, reason: RemovalReason) -> list[OrderCancelled]:
    """Confirm that the rest is cancelled. Raises InvariantBroken when nothing is left."""
    if not order.is_open:
        raise InvariantBroken("Only an open order is cancelled.", order_id=order.order_id)
    return [
        OrderCancelled(
            order_id=order.order_id,
            account_id=order.account_id,
            security_id=order.security_id,
            leaves_quantity=order.leaves,
            reason=reason,
        )
    ]


def reject_cancel(order: Order) -> list[OrderCancelRejected]:
    """Tell the owner that the cancel request came too late."""
    return [
        OrderCancelRejected(
            order_id=order.order_id,
            account_id=order.account_id,
            security_id=order.security_id,
            reason=CancelRejection.TOO_LATE,
        )
    ]


def evolve(state: Order | None, event: OrderEvent) -> Order:
    """The order after the event. Raises InvariantBroken on an event before the first."""
    if isinstance(event, OrderAccepted | OrderRejected):
        return _opened(event)
    if state is None:
        raise InvariantBroken("The order's stream does not begin with its placing.")
    if isinstance(event, OrderFilled):
        done = event.leaves_quantity.units == 0
        return msgspec.structs.replace(
            state,
            status=OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED,
            filled=state.filled + event.quantity,
            leaves=event.leaves_quantity,
        )
    if isinstance(event, OrderCancelled):
        return msgspec.structs.replace(
            state, status=OrderStatus.CANCELLED, leaves=Quantity.zero(state.security_id)
        )
    return msgspec.structs.replace(state, cancel_requested=isinstance(event, OrderCancelRequested))


def _opened(event: OrderAccepted | OrderRejected) -> Order:
    nothing = Quantity.zero(event.security_id)
    accepted = isinstance(event, OrderAccepted)
    return Order(
        order_id=event.order_id,
        portfolio_id=event.portfolio_id,
        account_id=event.account_id,
        security_id=event.security_id,
        side=event.side,
        quantity=event.quantity,
        limit_price=event.limit_price,
        status=OrderStatus.ACCEPTED if accepted else OrderStatus.REJECTED,
        filled=nothing,
        leaves=event.quantity if accepted else nothing,
    )
