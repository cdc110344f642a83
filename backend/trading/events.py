"""What trading records: orders in their owner's tenant, the book and its trades in the venue's.

Each side of a trade learns of it by an ``order.filled`` in its own tenant, which names the trade
and nothing of the other side (D14).
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar

import msgspec

from backend.compliance.events import Check
from backend.kernel.errors import ErrorCode
from backend.kernel.events import Event
from backend.kernel.money import Money, Price, Quantity
from backend.portfolio.events import Side


class RemovalReason(StrEnum):
    """Why an order left the book unfilled, wholly or in part."""

    CANCELLED = "cancelled"
    SELF_TRADE = "self-trade-prevented"


class CancelRejection(StrEnum):
    """Why a cancel request came to nothing (FIX tag 102, CxlRejReason)."""

    TOO_LATE = "too-late"


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a trade, as the venue knows it. The tenant is the beneficial owner."""

    tenant_id: str
    participant_id: str
    portfolio_id: str
    account_id: str
    order_id: str


class OrderAccepted(Event, frozen=True):
    """A limit order, good till cancelled, passed every check; its cash or units are reserved."""

    type: ClassVar[str] = "order.accepted"

    order_id: str
    participant_id: str
    portfolio_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: Quantity
    limit_price: Price
    client_order_id: str
    checks: tuple[Check, ...]


class OrderRejected(Event, frozen=True):
    """An order failed a check; nothing is reserved. ``code`` is the first failed check's."""

    type: ClassVar[str] = "order.rejected"

    order_id: str
    participant_id: str
    portfolio_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: Quantity
    limit_price: Price
    client_order_id: str
    checks: tuple[Check, ...]
    code: ErrorCode
    reason: str


class OrderFilled(Event, frozen=True):
    """The order traded ``quantity`` at ``price``; ``leaves_quantity`` may still trade."""

    type: ClassVar[str] = "order.filled"

    order_id: str
    trade_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: Quantity
    price: Price
    gross: Money
    leaves_quantity: Quantity
    trade_date: date
    settlement_date: date


class OrderCancelRequested(Event, frozen=True):
    """The owner wants the rest of the order cancelled; the venue has the last word."""

    type: ClassVar[str] = "order.cancel_requested"

    order_id: str
    account_id: str
    security_id: str


class OrderCancelRejected(Event, frozen=True):
    """The cancel request came when nothing of the order was left."""

    type: ClassVar[str] = "order.cancel_rejected"

    order_id: str
    account_id: str
    security_id: str
    reason: CancelRejection


class OrderCancelled(Event, frozen=True):
    """The rest of the order will not trade; ``leaves_quantity`` is what was left of it."""

    type: ClassVar[str] = "order.cancelled"

    order_id: str
    account_id: str
    security_id: str
    leaves_quantity: Quantity
    reason: RemovalReason


class BookOrderEntered(Event, frozen=True):
    """An order joined the book: from here its time priority counts."""

    type: ClassVar[str] = "book.order_entered"

    security_id: str
    party: Party
    side: Side
    price: Price
    quantity: Quantity


class BookOrderQueued(Event, frozen=True):
    """An order came while a circuit breaker was open: it waits, in order of arrival."""

    type: ClassVar[str] = "book.order_queued"

    security_id: str
    party: Party
    side: Side
    price: Price
    quantity: Quantity


class BookOrderRemoved(Event, frozen=True):
    """An order left the book, or the queue before it, with ``quantity`` unfilled."""

    type: ClassVar[str] = "book.order_removed"

    security_id: str
    order_id: str
    quantity: Quantity
    reason: RemovalReason


class TradeExecuted(Event, frozen=True):
    """Two orders met, at the price of the one that rested (the maker).

    ``gross`` is the cash leg: price × quantity, whole minor units by the increments that every
    order keeps (``domain.rules``).
    """

    type: ClassVar[str] = "trade.executed"

    trade_id: str
    security_id: str
    price: Price
    quantity: Quantity
    gross: Money
    buyer: Party
    seller: Party
    maker_order_id: str
    trade_date: date
    settlement_date: date


OrderEvent = (
    OrderAccepted
    | OrderRejected
    | OrderFilled
    | OrderCancelRequested
    | OrderCancelRejected
    | OrderCancelled
)
BookEvent = BookOrderEntered | BookOrderQueued | BookOrderRemoved | TradeExecuted

EVENTS: tuple[type[Event], ...] = (
    OrderAccepted,
    OrderRejected,
    OrderFilled,
    OrderCancelRequested,
    OrderCancelRejected,
    OrderCancelled,
    BookOrderEntered,
    BookOrderQueued,
    BookOrderRemoved,
    TradeExecuted,
)
