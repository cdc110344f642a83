"""The books as tables, written with the event, by rows of its own account only."""

from collections.abc import Iterable
from typing import Any

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.portfolio.events import (
    AccountOpened,
    CashDeposited,
    CashReserved,
    ClosedLot,
    OpenedLot,
    PortfolioOpened,
    ReservationReleased,
    Side,
    TradeBooked,
    UnitsDeposited,
    UnitsReserved,
)
from backend.portfolio.ledger import entry_of

_POSITION_GROWS = """
INSERT INTO positions AS held (tenant_id, account_id, security_id, units, reserved, cost,
                               realised_gain, currency, closed_on)
VALUES (%s, %s, %s, %s, 0, %s, 0, %s, NULL)
ON CONFLICT (tenant_id, account_id, security_id) DO UPDATE
SET units = held.units + excluded.units, cost = held.cost + excluded.cost, closed_on = NULL
"""
_POSITION_SHRINKS = """
UPDATE positions SET units = units - %(units)s, cost = cost - %(cost)s,
  realised_gain = realised_gain + %(gain)s,
  closed_on = CASE WHEN units = %(units)s THEN %(on)s::date END
WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND security_id = %(security)s
"""
_LOT_SHRINKS = """
UPDATE lots SET units_open = units_open - %(units)s, cost_open = cost_open - %(cost)s,
  closed_on = CASE WHEN units_open = %(units)s THEN %(on)s::date END
WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND lot_id = %(lot)s
"""


def on_portfolio_opened(db: Connection, recorded: Recorded[PortfolioOpened]) -> None:
    """A portfolio's row."""
    event = recorded.event
    _insert(
        db, "portfolios", recorded.tenant_id, event.portfolio_id, event.name,
        event.base_currency, recorded.recorded_at,
    )  # fmt: skip


def on_account_opened(db: Connection, recorded: Recorded[AccountOpened]) -> None:
    """An account's row and its empty balance."""
    event, tenant = recorded.event, recorded.tenant_id
    _insert(
        db, "accounts", tenant, event.account_id, event.portfolio_id, event.name, event.currency,
        event.wallet_address, event.lot_method.value, recorded.recorded_at,
    )  # fmt: skip
    _insert(db, "cash_balances", tenant, event.account_id, event.currency, 0, 0)


def on_cash_deposited(db: Connection, recorded: Recorded[CashDeposited]) -> None:
    """More cash, the deposit's row with its evidence, and the entry."""
    event, tenant = recorded.event, recorded.tenant_id
    money = event.amount
    _cash(db, tenant, event.account_id, money.amount, 0)
    _insert(
        db, "deposits", tenant, event.account_id, event.deposit_id, "cash", money.currency,
        money.amount, money.amount, money.currency, event.trade_date, event.trade_date,
        event.settlement_date, *_evidence(event),
    )  # fmt: skip
    _ledger(db, recorded)


def on_units_deposited(db: Connection, recorded: Recorded[UnitsDeposited]) -> None:
    """A lot, a larger position, the deposit's row with its evidence, and the entry."""
    event, tenant = recorded.event, recorded.tenant_id
    cost = event.lot.cost
    _insert(
        db, "deposits", tenant, event.account_id, event.deposit_id, "units",
        event.quantity.security_id, event.quantity.units, cost.amount, cost.currency,
        event.acquired_on, event.trade_date, event.settlement_date, *_evidence(event),
    )  # fmt: skip
    _open_lots(db, recorded, event.account_id, [event.lot])
    _ledger(db, recorded)


def on_cash_reserved(db: Connection, recorded: Recorded[CashReserved]) -> None:
    """More of the balance is reserved."""
    event = recorded.event
    _cash(db, recorded.tenant_id, event.account_id, 0, event.cash.amount)


def on_units_reserved(db: Connection, recorded: Recorded[UnitsReserved]) -> None:
    """More of the position is reserved."""
    event = recorded.event
    _reserve_units(db, recorded.tenant_id, event.account_id, event.units, 1)


def on_released(db: Connection, recorded: Recorded[ReservationReleased]) -> None:
    """Less is reserved, of the balance or of the position."""
    _release(db, recorded.tenant_id, recorded.event.account_id, recorded.event)


def on_trade_booked(db: Connection, recorded: Recorded[TradeBooked]) -> None:
    """Cash, position, lots and closings, the trade's row, and the entry."""
    event, tenant = recorded.event, recorded.tenant_id
    if event.released is not None:
        _release(db, tenant, event.account_id, event.released)
    paid = event.gross + event.fees if event.side is Side.BUY else event.fees - event.gross
    _cash(db, tenant, event.account_id, -paid.amount, 0)
    _insert(
        db, "booked_trades", tenant, event.account_id, event.trade_id, event.order_id,
        event.side.value, event.quantity.security_id, event.quantity.units, event.price.amount,
        event.gross.amount, event.fees.amount, event.gross.currency, event.trade_date,
        event.settlement_date,
    )  # fmt: skip
    _open_lots(db, recorded, event.account_id, event.lots_opened)
    for lot in event.lots_closed:
        _close_lot(db, tenant, event, lot)
    _ledger(db, recorded)


def _open_lots(
    db: Connection, recorded: Recorded[Any], account: str, opened: Iterable[OpenedLot]
) -> None:
    tenant = recorded.tenant_id
    for lot in opened:
        security, units, cost = lot.units.security_id, lot.units.units, lot.cost
        _insert(
            db, "lots", tenant, account, lot.lot_id, security, recorded.stream_version,
            lot.acquired_on, units, units, cost.amount, cost.amount, cost.currency, None,
        )  # fmt: skip
        db.execute(_POSITION_GROWS, (tenant, account, security, units, cost.amount, cost.currency))


def _close_lot(db: Connection, tenant: str, event: TradeBooked, lot: ClosedLot) -> None:
    values = {
        "tenant": tenant,
        "account": event.account_id,
        "security": lot.units.security_id,
        "lot": lot.lot_id,
        "units": lot.units.units,
        "cost": lot.cost.amount,
        "gain": lot.realised_gain.amount,
        "on": event.trade_date,
    }
    db.execute(_LOT_SHRINKS, values)
    db.execute(_POSITION_SHRINKS, values)
    _insert(
        db, "lot_closings", tenant, event.account_id, event.trade_id, lot.lot_id,
        lot.units.security_id, lot.acquired_on, event.trade_date, lot.units.units,
        lot.cost.amount, lot.proceeds.amount, lot.realised_gain.amount, lot.cost.currency,
    )  # fmt: skip


def _cash(db: Connection, tenant: str, account: str, balance: Any, reserved: Any) -> None:
    db.execute(
        "UPDATE cash_balances SET balance = balance + %s, reserved = reserved + %s"
        " WHERE tenant_id = %s AND account_id = %s",
        (balance, reserved, tenant, account),
    )


def _release(db: Connection, tenant: str, account: str, part: Any) -> None:
    if part.cash is not None:
        _cash(db, tenant, account, 0, -part.cash.amount)
    else:
        _reserve_units(db, tenant, account, part.units, -1)


def _reserve_units(db: Connection, tenant: str, account: str, units: Any, sign: int) -> None:
    db.execute(
        "UPDATE positions SET reserved = reserved + %s"
        " WHERE tenant_id = %s AND account_id = %s AND security_id = %s",
        (sign * units.units, tenant, account, units.security_id),
    )


def _ledger(db: Connection, recorded: Recorded[Any]) -> None:
    entry = entry_of(recorded.event)
    if entry is None:
        return
    for number, line in enumerate(entry.lines, start=1):
        _insert(
            db, "ledger_entries", recorded.tenant_id, recorded.event.account_id,
            recorded.stream_version, number, recorded.event_id, entry.kind, entry.trade_date,
            entry.settlement_date, line.ledger_account, line.commodity, line.amount, line.lot_id,
        )  # fmt: skip


def _evidence(event: CashDeposited | UnitsDeposited) -> tuple[int, str, int]:
    return (event.evidence.chain_id, event.evidence.tx_hash, event.evidence.log_index)


_COLUMNS = {
    "portfolios": "tenant_id, portfolio_id, name, base_currency, opened_at",
    "accounts": "tenant_id, account_id, portfolio_id, name, currency, wallet_address,"
    " lot_method, opened_at",
    "cash_balances": "tenant_id, account_id, currency, balance, reserved",
    "deposits": "tenant_id, account_id, deposit_id, kind, commodity, amount, cost, currency,"
    " acquired_on, trade_date, settlement_date, chain_id, tx_hash, log_index",
    "lots": "tenant_id, account_id, lot_id, security_id, sequence, acquired_on, units_opened,"
    " units_open, cost_opened, cost_open, currency, closed_on",
    "lot_closings": "tenant_id, account_id, trade_id, lot_id, security_id, acquired_on,"
    " closed_on, units, cost, proceeds, realised_gain, currency",
    "booked_trades": "tenant_id, account_id, trade_id, order_id, side, security_id, quantity,"
    " price, gross, fees, currency, trade_date, settlement_date",
    "ledger_entries": "tenant_id, account_id, sequence, line, entry_id, kind, trade_date,"
    " settlement_date, ledger_account, commodity, amount, lot_id",
}
_INSERTS = {
    table: f"INSERT INTO {table} ({columns}) VALUES"  # noqa: S608 - constants only
    f" ({', '.join(['%s'] * (columns.count(',') + 1))})"
    for table, columns in _COLUMNS.items()
}


def _insert(db: Connection, table: str, *values: Any) -> None:
    db.execute(_INSERTS[table], values)


PROJECTION = Projection(
    name="books",
    tables=(*_COLUMNS, "positions"),
    handlers={
        PortfolioOpened: on_portfolio_opened,
        AccountOpened: on_account_opened,
        CashDeposited: on_cash_deposited,
        UnitsDeposited: on_units_deposited,
        CashReserved: on_cash_reserved,
        UnitsReserved: on_units_reserved,
        ReservationReleased: on_released,
        TradeBooked: on_trade_booked,
    },
)
