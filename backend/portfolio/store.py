"""Reads of the books through one transaction's connection; its scope decides what is visible."""

from datetime import date
from itertools import groupby
from typing import Any

import msgspec

from backend.eventstore.scope import Connection
from backend.kernel.money import Money, Quantity
from backend.portfolio.errors import AccountUnknown, PortfolioUnknown
from backend.portfolio.events import LotMethod
from backend.portfolio.ports import (
    AccountView,
    LedgerLine,
    LotView,
    PortfolioHistory,
    PortfolioView,
)

LedgerKey = tuple[date, int]


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """An open position as booked, without a value."""

    account_id: str
    units: Quantity
    reserved: Quantity
    cost: Money
    realised_gain: Money


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one event, at least one, in order."""

    lines: tuple[LedgerLine, ...]

    @property
    def key(self) -> LedgerKey:
        """Where it stands in its account's ledger."""
        return (self.lines[0].trade_date, self.lines[0].sequence)


_ACCOUNTS = """
SELECT account_id, portfolio_id, name, currency, wallet_address, lot_method, balance, reserved
FROM accounts JOIN cash_balances USING (tenant_id, account_id, currency)
"""
_LINE = """account_id, sequence, line, entry_id, kind, trade_date, settlement_date,
ledger_account, commodity, amount, lot_id"""
# An entry is never cut in two by a page: the page is of entries, by their first line.
_LEDGER_PAGE = f"""
WITH entries AS (
  SELECT tenant_id, account_id, trade_date, sequence FROM ledger_entries
  WHERE account_id = %(account)s AND line = 1
    AND (trade_date, sequence) < (%(date)s::date, %(sequence)s::bigint)
  ORDER BY trade_date DESC, sequence DESC LIMIT %(limit)s
)
SELECT {_LINE} FROM entries JOIN ledger_entries USING (tenant_id, account_id, trade_date, sequence)
ORDER BY trade_date DESC, sequence DESC, line
"""  # noqa: S608 - constants only
_HISTORY = f"""
SELECT {_LINE} FROM ledger_entries JOIN accounts USING (tenant_id, account_id)
WHERE portfolio_id = %s AND trade_date <= %s ORDER BY trade_date, account_id, sequence, line
"""  # noqa: S608 - constants only


class BookTables:
    """The projections of the books, read."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def portfolios(self, after: str, limit: int) -> tuple[PortfolioView, ...]:
        """The next ``limit`` portfolios by id, after the given one ("" for the first)."""
        rows = self._db.execute(
            "SELECT portfolio_id, name, base_currency FROM portfolios"
            " WHERE portfolio_id > %s ORDER BY portfolio_id LIMIT %s",
            (after, limit),
        )
        return tuple(PortfolioView(**row) for row in rows)

    def portfolio(self, portfolio_id: str) -> PortfolioView:
        """One portfolio. Raises PortfolioUnknown."""
        row = self._db.execute(
            "SELECT portfolio_id, name, base_currency FROM portfolios WHERE portfolio_id = %s",
            (portfolio_id,),
        ).fetchone()
        if row is None:
            raise PortfolioUnknown("No such portfolio.", portfolio_id=portfolio_id[:64])
        return PortfolioView(**row)

    def account(self, account_id: str) -> AccountView:
        """One account. Raises AccountUnknown."""
        row = self._db.execute(f"{_ACCOUNTS} WHERE account_id = %s", (account_id,)).fetchone()
        if row is None:
            raise AccountUnknown("No such account.", account_id=account_id[:64])
        return _account(row)

    def accounts(self, portfolio_id: str) -> tuple[AccountView, ...]:
        """A portfolio's accounts by id. Raises PortfolioUnknown."""
        self.portfolio(portfolio_id)
        rows = self._db.execute(
            f"{_ACCOUNTS} WHERE portfolio_id = %s ORDER BY account_id", (portfolio_id,)
        )
        return tuple(_account(row) for row in rows)

    def positions(self, portfolio_id: str) -> tuple[HeldPosition, ...]:
        """The open positions of a portfolio, by account and security."""
        self.portfolio(portfolio_id)
        rows = self._db.execute(
            "SELECT account_id, security_id, units, reserved, cost, realised_gain,"
            " positions.currency FROM positions JOIN accounts USING (tenant_id, account_id)"
            " WHERE portfolio_id = %s AND units > 0 ORDER BY account_id, security_id",
            (portfolio_id,),
        )
        return tuple(_position(row) for row in rows)

    def lots(
        self, account_id: str, security_id: str | None = None, *, closed: bool = False
    ) -> tuple[LotView, ...]:
        """The open lots of an account in FIFO order, with ``closed`` the closed ones as well."""
        self.account(account_id)
        rows = self._db.execute(
            "SELECT account_id, lot_id, security_id, sequence, acquired_on, units_opened,"
            " units_open, cost_opened, cost_open, currency, closed_on FROM lots"
            " WHERE account_id = %(account)s"
            " AND (%(security)s::text IS NULL OR security_id = %(security)s)"
            " AND (%(closed)s OR closed_on IS NULL)"
            " ORDER BY security_id, acquired_on, sequence",
            {"account": account_id, "security": security_id, "closed": closed},
        )
        return tuple(_lot(row) for row in rows)

    def ledger_page(
        self, account_id: str, before: LedgerKey | None, limit: int
    ) -> tuple[LedgerEntry, ...]:
        """The next ``limit`` entries below the key, newest trade date first."""
        self.account(account_id)
        on, sequence = before or (date.max, 0)
        values = {"account": account_id, "date": on, "sequence": sequence, "limit": limit}
        lines = (LedgerLine(**row) for row in self._db.execute(_LEDGER_PAGE, values))
        return tuple(
            LedgerEntry(lines=tuple(group))
            for _, group in groupby(lines, key=lambda line: line.sequence)
        )

    def history(self, portfolio_id: str, until: date) -> PortfolioHistory:
        """A portfolio's ledger lines up to a trade date. Raises PortfolioUnknown."""
        found = self.portfolio(portfolio_id)
        rows = self._db.execute(_HISTORY, (portfolio_id, until))
        return PortfolioHistory(
            portfolio_id=portfolio_id,
            base_currency=found.base_currency,
            lines=tuple(LedgerLine(**row) for row in rows),
        )


def _account(row: dict[str, Any]) -> AccountView:
    balance, reserved = (Money(row.pop(name), row["currency"]) for name in ("balance", "reserved"))
    row["lot_method"] = LotMethod(row["lot_method"])
    return AccountView(**row, balance=balance, reserved=reserved)


def _position(row: dict[str, Any]) -> HeldPosition:
    security, currency = row["security_id"], row["currency"]
    return HeldPosition(
        account_id=row["account_id"],
        units=Quantity(row["units"], security),
        reserved=Quantity(row["reserved"], security),
        cost=Money(row["cost"], currency),
        realised_gain=Money(row["realised_gain"], currency),
    )


def _lot(row: dict[str, Any]) -> LotView:
    security, currency = row["security_id"], row["currency"]
    return LotView(
        account_id=row["account_id"],
        lot_id=row["lot_id"],
        sequence=row["sequence"],
        acquired_on=row["acquired_on"],
        opened=Quantity(row["units_opened"], security),
        open=Quantity(row["units_open"], security),
        cost_opened=Money(row["cost_opened"], currency),
        cost_open=Money(row["cost_open"], currency),
        closed_on=row["closed_on"],
    )
