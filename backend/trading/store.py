"""Reads of trading's tables, of a book's stream, and the lock that orders one account's orders."""

from typing import Any

from backend.eventstore.scope import Connection

Row = dict[str, Any]

_ORDERS = """
SELECT order_id, portfolio_id, account_id, security_id, side, quantity, limit_price, currency,
  client_order_id, status, filled_quantity, leaves_quantity, filled_value, cancel_requested,
  reject_code, reject_reason, cancel_reason, checks, placed_at, updated_at
FROM orders WHERE tenant_id = %(tenant)s
  AND (%(only)s::text IS NULL OR order_id = %(only)s)
  AND (%(account)s::text IS NULL OR account_id = %(account)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(before)s::text IS NULL OR order_id < %(before)s)
ORDER BY order_id DESC LIMIT %(limit)s
"""
_EXECUTIONS = """
SELECT trade_id, order_id, account_id, security_id, side, quantity, price, currency, gross,
  trade_date, settlement_date, executed_at
FROM executions WHERE tenant_id = %(tenant)s
  AND (%(of)s::text IS NULL OR order_id = %(of)s)
  AND (%(trade)s::text IS NULL OR (trade_id, order_id) < (%(trade)s, %(order)s))
ORDER BY trade_id DESC, order_id DESC LIMIT %(limit)s
"""
# Two statements rather than one with a variable direction: the best price leads on both sides.
_DEPTH = {
    "buy": """
      SELECT price, sum(leaves) AS quantity, count(*) AS orders FROM book_orders
      WHERE tenant_id = %s AND security_id = %s AND side = 'buy' AND state = 'resting'
      GROUP BY price ORDER BY price DESC LIMIT %s""",
    "sell": """
      SELECT price, sum(leaves) AS quantity, count(*) AS orders FROM book_orders
      WHERE tenant_id = %s AND security_id = %s AND side = 'sell' AND state = 'resting'
      GROUP BY price ORDER BY price LIMIT %s""",
}


def serialise_account(db: Connection, tenant_id: str, account_id: str) -> None:
    """Let one transaction at a time place orders for an account.

    So a repeated client order id is seen before it is used, and the exposure that the checks
    look at is the one that the reservation changes.
    """
    db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('place-order:' || %s || %s, 0))",
        (tenant_id, account_id),
    )


def order_by_client_id(
    db: Connection, tenant_id: str, account_id: str, client_order_id: str
) -> str | None:
    """The id of the account's order with this client order id."""
    row = db.execute(
        "SELECT order_id FROM orders"
        " WHERE tenant_id = %s AND account_id = %s AND client_order_id = %s",
        (tenant_id, account_id, client_order_id),
    ).fetchone()
    return None if row is None else str(row["order_id"])


def orders_before(
    db: Connection,
    tenant_id: str,
    limit: int,
    *,
    only: str | None = None,
    account_id: str | None = None,
    status: str | None = None,
    before: str | None = None,
) -> list[Row]:
    """The tenant's orders, newest first (order ids sort by time), older than ``before``.

    ``only`` is the id of the one order that is wanted.
    """
    return db.execute(
        _ORDERS,
        {
            "tenant": tenant_id,
            "only": only,
            "account": account_id,
            "status": status,
            "before": before,
            "limit": limit,
        },
    ).fetchall()


def executions_before(
    db: Connection,
    tenant_id: str,
    limit: int,
    *,
    order_id: str | None = None,
    before: tuple[str, str] | None = None,
) -> list[Row]:
    """The tenant's own sides of trades, newest first, older than ``before`` (trade, order)."""
    trade, order = before or (None, None)
    return db.execute(
        _EXECUTIONS,
        {"tenant": tenant_id, "of": order_id, "trade": trade, "order": order, "limit": limit},
    ).fetchall()


def depth(db: Connection, venue_tenant: str, security_id: str, side: str, levels: int) -> list[Row]:
    """The best price levels of one side, best first: price, quantity, number of orders."""
    return db.execute(_DEPTH[side], (venue_tenant, security_id, levels)).fetchall()


def queued_securities(db: Connection) -> list[str]:
    """Securities with orders that wait for a circuit breaker's reset, in a fixed order."""
    rows = db.execute(
        "SELECT DISTINCT security_id FROM book_orders WHERE state = 'queued' ORDER BY security_id"
    ).fetchall()
    return [str(row["security_id"]) for row in rows]


def stream_from(db: Connection, tenant_id: str, stream_id: str, version: int) -> list[Row]:
    """A stream's entries from ``version`` on, in order."""
    return db.execute(
        "SELECT stream_version, entry, leaf_hash FROM events"
        " WHERE tenant_id = %s AND stream_id = %s AND stream_version >= %s ORDER BY stream_version",
        (tenant_id, stream_id, version),
    ).fetchall()
