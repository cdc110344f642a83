"""Use cases of the books. Commands run inside the transaction they are given."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TypeVar

import psycopg

from backend.eventstore.aggregate import Aggregate, Loaded
from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.eventstore.store import UnitOfWork
from backend.kernel.errors import ValueInvalid
from backend.kernel.money import Money, Price, Quantity
from backend.portfolio import decisions
from backend.portfolio.commands import BookTrade
from backend.portfolio.domain import AccountState, PortfolioState, evolve, evolve_portfolio
from backend.portfolio.errors import (
    AccountUnknown,
    DepositUnproven,
    EvidenceUsed,
    PortfolioUnknown,
    WalletUnknown,
)
from backend.portfolio.events import AccountEvent, Evidence, LotMethod
from backend.portfolio.ids import deposit_id
from backend.portfolio.ports import (
    AccountView,
    ClosingPrices,
    DepositProof,
    Holding,
    PortfolioHistory,
    ShownTransfer,
    Wallets,
)
from backend.portfolio.store import BookTables, HeldPosition

PORTFOLIO: Aggregate[PortfolioState] = Aggregate("portfolio", evolve_portfolio)
ACCOUNT: Aggregate[AccountState] = Aggregate("account", evolve)
T = TypeVar("T")
_AVERAGE = Context(prec=60)
_MICRO = Decimal("0.000001")


class PortfolioService:
    """Opens portfolios and accounts, records deposits, and keeps the books (``Books``)."""

    def __init__(self, proof: DepositProof, wallets: Wallets) -> None:
        self._proof = proof
        self._wallets = wallets

    def open_portfolio(self, uow: UnitOfWork, *, name: str, base_currency: str) -> str:
        """A new portfolio of the scope's tenant; returns its id. Raises ValueInvalid."""
        portfolio_id = uow.new_id()
        opened = decisions.open_portfolio(portfolio_id, name, base_currency)
        uow.append(uow.load(PORTFOLIO, portfolio_id), [opened])
        return portfolio_id

    def open_account(
        self,
        uow: UnitOfWork,
        *,
        portfolio_id: str,
        name: str,
        currency: str,
        wallet_address: str,
        lot_method: LotMethod = LotMethod.FIFO,
    ) -> str:
        """A new account; returns its id. The wallet must be bound to the tenant.

        Raises PortfolioUnknown, WalletUnknown, LotMethodUnsupported, ValueInvalid.
        """
        account_id = uow.new_id()
        opened = decisions.open_account(
            account_id=account_id,
            portfolio_id=portfolio_id,
            name=name,
            currency=currency,
            wallet_address=wallet_address,
            lot_method=lot_method,
        )
        if uow.load(PORTFOLIO, portfolio_id).state is None:
            raise PortfolioUnknown("No such portfolio.", portfolio_id=portfolio_id[:64])
        loaded = uow.load(ACCOUNT, account_id)
        if not self._wallets.is_bound(loaded.tenant_id, wallet_address):
            raise WalletUnknown("You have not bound this wallet.", address=wallet_address)
        uow.append(loaded, [opened])
        return account_id

    def shown(self, evidence: Evidence) -> ShownTransfer:
        """What the chain shows for ``evidence``; ask before a transaction is begun.

        Raises DepositUnproven, and what the chain's adapter raises when it does not answer.
        """
        return self._proof.shown(evidence)

    def record_deposit(
        self,
        uow: UnitOfWork,
        account_id: str,
        evidence: Evidence,
        shown: ShownTransfer,
        *,
        unit_cost: Price | None = None,
        acquired_on: date | None = None,
        tenant_id: str | None = None,
    ) -> str:
        """Record what the chain shows came to the account's wallet; returns the deposit's id.

        Units need ``unit_cost``; ``acquired_on`` defaults to the day of the transfer. The
        same transfer again changes nothing. Raises AccountUnknown, DepositUnproven,
        EvidenceUsed, AlreadyRecorded, ValueInvalid, CurrencyMismatch.
        """
        loaded, state = _account(uow, account_id, tenant_id)
        if shown.recipient.lower() != state.wallet_address.lower():
            raise DepositUnproven("The transfer went to another wallet.", account_id=account_id)
        name = deposit_id(evidence)
        events: Sequence[AccountEvent]
        if isinstance(shown.asset, Money):
            if unit_cost is not None or acquired_on is not None:
                raise ValueInvalid("Cash has neither unit cost nor acquisition date.")
            events = decisions.deposit_cash(state, name, shown.asset, shown.on, evidence)
        elif unit_cost is None:
            raise ValueInvalid("Units in kind need a unit cost.", account_id=account_id)
        else:
            events = decisions.deposit_units(
                state, name, shown.asset, unit_cost, acquired_on or shown.on, shown.on, evidence
            )
        uow.append(loaded, events)
        _flush_evidence(uow, evidence)
        return name

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
        """See ``Books.reserve_cash``."""
        loaded, state = _account(uow, account_id, tenant_id)
        uow.append(loaded, decisions.reserve_cash(state, reservation_id, cash, covering))

    def reserve_units(
        self,
        uow: UnitOfWork,
        account_id: str,
        reservation_id: str,
        units: Quantity,
        *,
        tenant_id: str | None = None,
    ) -> None:
        """See ``Books.reserve_units``."""
        loaded, state = _account(uow, account_id, tenant_id)
        uow.append(loaded, decisions.reserve_units(state, reservation_id, units))

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
        """See ``Books.release``."""
        loaded, state = _account(uow, account_id, tenant_id)
        uow.append(loaded, decisions.release(state, reservation_id, release_id, reason, units))

    def book_trade(
        self, uow: UnitOfWork, account_id: str, trade: BookTrade, *, tenant_id: str | None = None
    ) -> None:
        """See ``Books.book_trade``."""
        loaded, state = _account(uow, account_id, tenant_id)
        uow.append(loaded, decisions.book_trade(state, trade))


class PortfolioQueries:
    """Reads, each in its own transaction in the caller's scope."""

    def __init__(self, database: Database, prices: ClosingPrices) -> None:
        self._database = database
        self._prices = prices

    def read(self, scope: Scope, question: Callable[[BookTables], T]) -> T:
        """The answer to a question put to the tables of this scope."""
        with self._database.transaction(scope) as connection:
            return question(BookTables(connection))

    def accounts(self, scope: Scope, portfolio_id: str) -> tuple[AccountView, ...]:
        """See ``Histories.accounts``."""
        return self.read(scope, lambda tables: tables.accounts(portfolio_id))

    def history(self, scope: Scope, portfolio_id: str, until: date) -> PortfolioHistory:
        """See ``Histories.history``."""
        return self.read(scope, lambda tables: tables.history(portfolio_id, until))

    def holdings(self, scope: Scope, portfolio_id: str, on: date) -> tuple[Holding, ...]:
        """The positions held now, valued at the last raw close on or before ``on``.

        Raises PortfolioUnknown, and CurrencyMismatch when a price is in another currency.
        """
        held = self.read(scope, lambda tables: tables.positions(portfolio_id))
        return tuple(self._valued(position, on) for position in held)

    def _valued(self, held: HeldPosition, on: date) -> Holding:
        quoted = self._prices.close(held.units.security_id, on)
        value = None if quoted is None else quoted.price.times(held.units).booked()
        average = _AVERAGE.divide(held.cost.amount, held.units.units)
        return Holding(
            account_id=held.account_id,
            units=held.units,
            reserved=held.reserved,
            cost=held.cost,
            average_cost=average.quantize(_MICRO, ROUND_HALF_UP),
            realised_gain=held.realised_gain,
            price=None if quoted is None else quoted.price,
            price_on=None if quoted is None else quoted.on,
            market_value=value,
            unrealised_gain=None if value is None else value - held.cost,
        )


def _account(
    uow: UnitOfWork, account_id: str, tenant_id: str | None
) -> tuple[Loaded[AccountState], AccountState]:
    loaded = uow.load(ACCOUNT, account_id, tenant_id=tenant_id)
    if loaded.state is None:
        raise AccountUnknown("No such account.", account_id=account_id[:64])
    return loaded, loaded.state


def _flush_evidence(uow: UnitOfWork, evidence: Evidence) -> None:
    """Write now, so that a transfer that is recorded elsewhere is told by its name."""
    try:
        uow.flush()
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name != "deposits_evidence":
            raise
        raise EvidenceUsed(
            "This on-chain transfer is already recorded as a deposit.",
            tx_hash=evidence.tx_hash,
            log_index=evidence.log_index,
        ) from error
