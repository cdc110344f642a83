"""What the books need from outside, and what other contexts may ask of them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

import msgspec

from backend.eventstore.scope import Scope
from backend.eventstore.store import UnitOfWork
from backend.kernel.money import Money, Price, Quantity
from backend.portfolio.commands import BookTrade
from backend.portfolio.events import Evidence, LotMethod, Side

__all__ = [
    "AccountView",
    "BookTrade",
    "Books",
    "ClosingPrices",
    "DepositProof",
    "Histories",
    "Holding",
    "LedgerLine",
    "LotView",
    "PortfolioHistory",
    "PortfolioView",
    "QuotedPrice",
    "ShownTransfer",
    "Side",
    "Wallets",
]


class ShownTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """What the chain shows: this asset came to this wallet on this day (of its block)."""

    asset: Money | Quantity
    recipient: str
    on: date


class DepositProof(Protocol):
    """Looks at the chain."""

    def shown(self, evidence: Evidence) -> ShownTransfer:
        """The final mint or transfer that the log entry records, in our units.

        Raises DepositUnproven when there is none, or it is not of a registered token, or its
        amount does not fit the minor unit or the scale of a quantity.
        """
        ...


class Wallets(Protocol):
    """Knows which wallets a participant has proved to be theirs."""

    def is_bound(self, tenant_id: str, address: str) -> bool:
        """Whether the tenant has bound this address (compared without regard to case)."""
        ...


class QuotedPrice(msgspec.Struct, frozen=True):
    """A raw (unadjusted) close and the day it is of."""

    price: Price
    on: date


class ClosingPrices(Protocol):
    """Raw closes: never adjusted ones, since the books hold then-current units (C-19)."""

    def close(self, security_id: str, on: date) -> QuotedPrice | None:
        """The last raw close on or before ``on``; None when there is none."""
        ...


class PortfolioView(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio as it is listed."""

    portfolio_id: str
    name: str
    base_currency: str


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account with its cash."""

    account_id: str
    portfolio_id: str
    name: str
    currency: str
    wallet_address: str
    lot_method: LotMethod
    balance: Money
    reserved: Money


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A position with its value; the last four are None where no price is known."""

    account_id: str
    units: Quantity
    reserved: Quantity
    cost: Money
    average_cost: Decimal
    realised_gain: Money
    price: Price | None
    price_on: date | None
    market_value: Money | None
    unrealised_gain: Money | None


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """A lot, open or (with ``closed_on``, a trade date) closed."""

    account_id: str
    lot_id: str
    sequence: int
    acquired_on: date
    opened: Quantity
    open: Quantity
    cost_opened: Money
    cost_open: Money
    closed_on: date | None


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ledger entry; ``entry_id`` is the id of the event that made it."""

    account_id: str
    sequence: int
    line: int
    entry_id: str
    kind: str
    trade_date: date
    settlement_date: date
    ledger_account: str
    commodity: str
    amount: Decimal
    lot_id: str | None


class PortfolioHistory(msgspec.Struct, frozen=True, kw_only=True):
    """All ledger lines of a portfolio's accounts up to a trade date, by trade date."""

    portfolio_id: str
    base_currency: str
    lines: tuple[LedgerLine, ...]


class Books(Protocol):
    """What trading and settlement do to an account, inside their own transaction.

    ``tenant_id`` names the account's tenant in a venue transaction. All are idempotent by
    the id they are given, and raise AccountUnknown.
    """

    def reserve_cash(
        self,
        uow: UnitOfWork,
        account_id: str,
        reservation_id: str,
        cash: Money,
        covering: Quantity,
        *,
        tenant_id: str | None = None,
    ) -> None:
        """Set cash aside for buying ``covering`` units. Raises InsufficientCash."""
        ...

    def reserve_units(
        self,
        uow: UnitOfWork,
        account_id: str,
        reservation_id: str,
        units: Quantity,
        *,
        tenant_id: str | None = None,
    ) -> None:
        """Set units aside for selling. Raises InsufficientUnits."""
        ...

    def release(
        self,
        uow: UnitOfWork,
        account_id: str,
        reservation_id: str,
        release_id: str,
        reason: str,
        units: Quantity | None = None,
        *,
        tenant_id: str | None = None,
    ) -> None:
        """Free the part for ``units``, or all that is left. Raises ReservationExceeded."""
        ...

    def book_trade(
        self, uow: UnitOfWork, account_id: str, trade: BookTrade, *, tenant_id: str | None = None
    ) -> None:
        """Book a settled trade. Raises InsufficientCash, InsufficientUnits and others."""
        ...


class Histories(Protocol):
    """What performance reads."""

    def history(self, scope: Scope, portfolio_id: str, until: date) -> PortfolioHistory:
        """The portfolio's ledger up to ``until``. Raises PortfolioUnknown."""
        ...

    def accounts(self, scope: Scope, portfolio_id: str) -> Sequence[AccountView]:
        """The portfolio's accounts. Raises PortfolioUnknown."""
        ...
