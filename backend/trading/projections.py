"""Trading's tables: orders and executions are the tenant's, book_orders and trades the venue's."""

import msgspec
from psycopg.types.json import Jsonb

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.trading.domain.order import OrderStatus
from backend.trading.events import (
    BookOrderEntered,
    BookOrderQueued,
    BookOrderRemoved,
    OrderAccepted,
    OrderCancelled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderFilled,
    OrderRejected,
    TradeExecuted,
)

_INSERT_ORDER = """
INSERT INTO orders (tenant_id, order_id, participant_id, portfolio_id, account_id, security_id,
  side, quantity, limit_price, currency, client_order_id, status, filled_quantity,
  leaves_quantity, filled_value, cancel_requested, reject_code, reject_reason, checks, placed_at,
  updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, 0, false, %s, %s, %s, %s, %s)
"""
_FILL_ORDER = """
UPDATE orders SET filled_quantity = filled_quantity + %s, filled_value = filled_value + %s,
  leaves_quantity = %s, status = %s, updated_at = %s
WHERE tenant_id = %s AND order_id = %s
"""
_INSERT_EXECUTION = """
INSERT INTO executions (tenant_id, trade_id, order_id, account_id, security_id, side, quantity,
  price, currency, gross, trade_date, settlement_date, executed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_INSERT_TRADE = """
INSERT INTO trades (tenant_id, trade_id, security_id, price, quantity, currency, gross,
  buyer_tenant_id, buyer_account_id, buyer_order_id, seller_tenant_id, seller_account_id,
  seller_order_id, maker_order_id, trade_date, settlement_date, executed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_PUT_BOOK_ORDER = """
INSERT INTO book_orders (tenant_id, order_id, security_id, owner_tenant_id, account_id, side,
  price, leaves, state, priority)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, order_id) DO UPDATE SET state = excluded.state,
  priority = excluded.priority
"""


def _on_accepted(db: Connection, e: Recorded[OrderAccepted]) -> None:
    _insert_order(db, e, OrderStatus.ACCEPTED, None, None)


def _on_rejected(db: Connection, e: Recorded[OrderRejected]) -> None:
    _insert_order(db, e, OrderStatus.REJECTED, e.event.code.value, e.event.reason)


def _insert_order(
    db: Connection,
    e: Recorded[OrderAccepted] | Recorded[OrderRejected],
    status: OrderStatus,
    code: str | None,
    reason: str | None,
) -> None:
    event = e.event
    db.execute(
        _INSERT_ORDER,
        (
            e.tenant_id,
            event.order_id,
            event.participant_id,
            event.portfolio_id,
            event.account_id,
            event.security_id,
            event.side.value,
            event.quantity.units,
            event.limit_price.amount,
            event.limit_price.currency,
            event.client_order_id,
            status.value,
            event.quantity.units if status is OrderStatus.ACCEPTED else 0,
            code,
            reason,
            Jsonb(msgspec.to_builtins(event.checks)),
            e.recorded_at,
            e.recorded_at,
        ),
    )


def _on_filled(db: Connection, e: Recorded[OrderFilled]) -> None:
    event = e.event
    left = event.leaves_quantity.units
    status = OrderStatus.PARTIALLY_FILLED if left else OrderStatus.FILLED
    value = event.price.times(event.quantity).amount
    db.execute(
        _FILL_ORDER,
        (
            event.quantity.units,
            value,
            left,
            status.value,
            e.recorded_at,
            e.tenant_id,
            event.order_id,
        ),
    )
    db.execute(
        _INSERT_EXECUTION,
        (
            e.tenant_id,
            event.trade_id,
            event.order_id,
            event.account_id,
            event.security_id,
            event.side.value,
            event.quantity.units,
            event.price.amount,
            event.price.currency,
            event.gross.amount,
            event.trade_date,
            event.settlement_date,
            e.recorded_at,
        ),
    )


def _on_cancel_requested(db: Connection, e: Recorded[OrderCancelRequested]) -> None:
    _set_cancelling(db, e, True)


def _on_cancel_rejected(db: Connection, e: Recorded[OrderCancelRejected]) -> None:
    _set_cancelling(db, e, False)


def _set_cancelling(
    db: Connection,
    e: Recorded[OrderCancelRequested] | Recorded[OrderCancelRejected],
    requested: bool,
) -> None:
    db.execute(
        "UPDATE orders SET cancel_requested = %s, updated_at = %s"
        " WHERE tenant_id = %s AND order_id = %s",
        (requested, e.recorded_at, e.tenant_id, e.event.order_id),
    )


def _on_cancelled(db: Connection, e: Recorded[OrderCancelled]) -> None:
    db.execute(
        "UPDATE orders SET status = %s, cancel_reason = %s, leaves_quantity = 0,"
        " cancel_requested = false, updated_at = %s WHERE tenant_id = %s AND order_id = %s",
        (
            OrderStatus.CANCELLED.value,
            e.event.reason.value,
            e.recorded_at,
            e.tenant_id,
            e.event.order_id,
        ),
    )


def _on_queued(db: Connection, e: Recorded[BookOrderQueued]) -> None:
    _put_book_order(db, e, "queued")


def _on_entered(db: Connection, e: Recorded[BookOrderEntered]) -> None:
    _put_book_order(db, e, "resting")


def _put_book_order(
    db: Connection, e: Recorded[BookOrderEntered] | Recorded[BookOrderQueued], state: str
) -> None:
    event = e.event
    db.execute(
        _PUT_BOOK_ORDER,
        (
            e.tenant_id,
            event.party.order_id,
            event.security_id,
            event.party.tenant_id,
            event.party.account_id,
            event.side.value,
            event.price.amount,
            event.quantity.units,
            state,
            e.stream_version,
        ),
    )


def _on_removed(db: Connection, e: Recorded[BookOrderRemoved]) -> None:
    db.execute(
        "DELETE FROM book_orders WHERE tenant_id = %s AND order_id = %s",
        (e.tenant_id, e.event.order_id),
    )


def _on_trade(db: Connection, e: Recorded[TradeExecuted]) -> None:
    event = e.event
    both = [event.buyer.order_id, event.seller.order_id]
    db.execute(
        "UPDATE book_orders SET leaves = leaves - %s WHERE tenant_id = %s AND order_id = ANY(%s)",
        (event.quantity.units, e.tenant_id, both),
    )
    db.execute(
        "DELETE FROM book_orders WHERE tenant_id = %s AND order_id = ANY(%s) AND leaves = 0",
        (e.tenant_id, both),
    )
    db.execute(
        _INSERT_TRADE,
        (
            e.tenant_id,
            event.trade_id,
            event.security_id,
            event.price.amount,
            event.quantity.units,
            event.price.currency,
            event.gross.amount,
            event.buyer.tenant_id,
            event.buyer.account_id,
            event.buyer.order_id,
            event.seller.tenant_id,
            event.seller.account_id,
            event.seller.order_id,
            event.maker_order_id,
            event.trade_date,
            event.settlement_date,
            e.recorded_at,
        ),
    )


ORDERS = Projection(
    name="orders",
    tables=("orders", "executions"),
    handlers={
        OrderAccepted: _on_accepted,
        OrderRejected: _on_rejected,
        OrderFilled: _on_filled,
        OrderCancelRequested: _on_cancel_requested,
        OrderCancelRejected: _on_cancel_rejected,
        OrderCancelled: _on_cancelled,
    },
)
BOOKS = Projection(
    name="books",
    tables=("book_orders", "trades"),
    handlers={
        BookOrderQueued: _on_queued,
        BookOrderEntered: _on_entered,
        BookOrderRemoved: _on_removed,
        TradeExecuted: _on_trade,
    },
)
PROJECTIONS = (ORDERS, BOOKS)
