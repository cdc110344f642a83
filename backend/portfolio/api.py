"""Portfolios and accounts over HTTP: what is held, in which lots, and how it came about."""

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from backend.kernel.clock import Clock, today
from backend.kernel.money import Money, Price
from backend.portfolio.events import Evidence, LotMethod
from backend.portfolio.ports import AccountView, Holding, LotView, PortfolioView
from backend.portfolio.service import PortfolioQueries, PortfolioService
from backend.portfolio.store import LedgerEntry
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency, KeyHeader
from backend.web.models import DecimalOut, EdgeModel, MoneyModel, Page
from backend.web.paging import MAX_LIMIT, Cursors

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Id = Annotated[str, Path(min_length=1, max_length=80)]


class NewPortfolio(EdgeModel):
    """A portfolio to open."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    base_currency: Currency


class NewAccount(EdgeModel):
    """An account to open; the wallet must be bound to the caller."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    currency: Currency
    wallet_address: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
    lot_method: LotMethod = LotMethod.FIFO


class NewDeposit(EdgeModel):
    """The on-chain transfer to record; units in kind bring their unit cost."""

    chain_id: Annotated[int, Field(ge=1, strict=True)]
    tx_hash: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]
    log_index: Annotated[int, Field(ge=0, strict=True)]
    unit_cost: MoneyModel | None = None
    acquired_on: date | None = None


class Created(EdgeModel):
    """The id of what was made."""

    id: str


class PortfolioModel(EdgeModel):
    """A portfolio."""

    portfolio_id: str
    name: str
    base_currency: str


class AccountModel(EdgeModel):
    """An account with its cash."""

    account_id: str
    portfolio_id: str
    name: str
    currency: str
    wallet_address: str
    lot_method: str
    balance: DecimalOut
    reserved: DecimalOut
    available: DecimalOut


class HoldingModel(EdgeModel):
    """A position; value and gain are null where no price is known, never 0."""

    account_id: str
    security_id: str
    units: DecimalOut
    reserved: DecimalOut
    currency: str
    cost: DecimalOut
    average_cost: DecimalOut
    realised_gain: DecimalOut
    price: DecimalOut | None
    price_on: date | None
    market_value: DecimalOut | None
    unrealised_gain: DecimalOut | None


class HoldingsModel(EdgeModel):
    """All positions, valued as of a business date."""

    as_of: date
    items: list[HoldingModel]


class LotModel(EdgeModel):
    """A lot."""

    lot_id: str
    security_id: str
    acquired_on: date
    units_opened: DecimalOut
    units_open: DecimalOut
    currency: str
    cost_opened: DecimalOut
    cost_open: DecimalOut
    closed_on: date | None


class LineModel(EdgeModel):
    """One leg of an entry."""

    ledger_account: str
    commodity: str
    amount: DecimalOut
    lot_id: str | None


class EntryModel(EdgeModel):
    """A balanced entry; ``event_id`` is the event whose proof can be asked for."""

    event_id: str
    kind: str
    trade_date: date
    settlement_date: date
    lines: list[LineModel]


def router(
    service: PortfolioService,
    queries: PortfolioQueries,
    auth: Authenticator,
    idempotency: Idempotency,
    cursors: Cursors,
    clock: Clock,
) -> APIRouter:
    """The routes of the books below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["portfolio"])
    reader = auth.require("investor", "trader", "operator")
    _add_commands(routes, service, auth.require("investor", "trader"), idempotency)
    _add_portfolios(routes, queries, reader, cursors, clock)
    _add_accounts(routes, queries, reader, cursors)
    return routes


Reader = Callable[..., Principal]


def _add_commands(
    routes: APIRouter, service: PortfolioService, writer: Reader, idempotency: Idempotency
) -> None:
    @routes.post("/portfolios", status_code=201, response_model=Created)
    def open_portfolio(
        request: Request,
        body: NewPortfolio,
        who: Annotated[Principal, Depends(writer)],
        key: KeyHeader = None,
    ) -> Response:
        """Open a portfolio."""
        return idempotency.run(
            request, who.scope, who.caller(request), key, body,
            lambda uow: (
                201,
                Created(
                    id=service.open_portfolio(
                        uow, name=body.name, base_currency=body.base_currency
                    )
                ),
            ),
        )  # fmt: skip

    @routes.post("/portfolios/{portfolio_id}/accounts", status_code=201, response_model=Created)
    def open_account(
        request: Request,
        portfolio_id: Id,
        body: NewAccount,
        who: Annotated[Principal, Depends(writer)],
        key: KeyHeader = None,
    ) -> Response:
        """Open an account in a portfolio."""
        return idempotency.run(
            request, who.scope, who.caller(request), key, body,
            lambda uow: (
                201,
                Created(
                    id=service.open_account(
                        uow,
                        portfolio_id=portfolio_id,
                        name=body.name,
                        currency=body.currency,
                        wallet_address=body.wallet_address,
                        lot_method=body.lot_method,
                    )
                ),
            ),
        )  # fmt: skip

    @routes.post("/accounts/{account_id}/deposits", status_code=201, response_model=Created)
    def record_deposit(
        request: Request,
        account_id: Id,
        body: NewDeposit,
        who: Annotated[Principal, Depends(writer)],
        key: KeyHeader = None,
    ) -> Response:
        """Record an on-chain transfer to the account's wallet; the amount is the chain's."""
        evidence = Evidence(chain_id=body.chain_id, tx_hash=body.tx_hash, log_index=body.log_index)
        cost = body.unit_cost
        shown = service.shown(evidence)  # the chain is asked before a transaction holds anything
        return idempotency.run(
            request, who.scope, who.caller(request), key, body,
            lambda uow: (
                201,
                Created(
                    id=service.record_deposit(
                        uow,
                        account_id,
                        evidence,
                        shown,
                        unit_cost=None if cost is None else Price.of(cost.amount, cost.currency),
                        acquired_on=body.acquired_on,
                    )
                ),
            ),
        )  # fmt: skip


def _add_portfolios(
    routes: APIRouter, queries: PortfolioQueries, reader: Reader, cursors: Cursors, clock: Clock
) -> None:
    @routes.get("/portfolios")
    def list_portfolios(
        who: Annotated[Principal, Depends(reader)],
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Page[PortfolioModel]:
        """The caller's portfolios."""
        after = cursors.decode("portfolios", cursor)[0] if cursor else ""
        rows = queries.read(who.scope, lambda tables: tables.portfolios(after, limit + 1))
        return cursors.page(
            "portfolios", rows, limit, lambda row: [row.portfolio_id], _portfolio_model
        )

    @routes.get("/portfolios/{portfolio_id}")
    def get_portfolio(
        portfolio_id: Id, who: Annotated[Principal, Depends(reader)]
    ) -> PortfolioModel:
        """One portfolio."""
        found = queries.read(who.scope, lambda tables: tables.portfolio(portfolio_id))
        return _portfolio_model(found)

    @routes.get("/portfolios/{portfolio_id}/accounts")
    def list_accounts(
        portfolio_id: Id, who: Annotated[Principal, Depends(reader)]
    ) -> list[AccountModel]:
        """The accounts of a portfolio with their cash."""
        return [_account_model(each) for each in queries.accounts(who.scope, portfolio_id)]

    @routes.get("/portfolios/{portfolio_id}/holdings")
    def list_holdings(
        portfolio_id: Id, who: Annotated[Principal, Depends(reader)], as_of: date | None = None
    ) -> HoldingsModel:
        """The positions held now, at the last raw close up to ``as_of`` (today)."""
        on = as_of or today(clock)
        found = queries.holdings(who.scope, portfolio_id, on)
        return HoldingsModel(as_of=on, items=[_holding_model(each) for each in found])


def _add_accounts(
    routes: APIRouter, queries: PortfolioQueries, reader: Reader, cursors: Cursors
) -> None:
    @routes.get("/accounts/{account_id}")
    def get_account(account_id: Id, who: Annotated[Principal, Depends(reader)]) -> AccountModel:
        """One account with its cash."""
        return _account_model(queries.read(who.scope, lambda t: t.account(account_id)))

    @routes.get("/accounts/{account_id}/lots")
    def list_lots(
        account_id: Id,
        who: Annotated[Principal, Depends(reader)],
        security_id: Annotated[str | None, Query(max_length=80)] = None,
        closed: bool = False,
    ) -> list[LotModel]:
        """The open lots in FIFO order; with ``closed`` the closed ones as well."""
        rows = queries.read(who.scope, lambda t: t.lots(account_id, security_id, closed=closed))
        return [_lot_model(each) for each in rows]

    @routes.get("/accounts/{account_id}/ledger")
    def list_ledger(
        account_id: Id,
        who: Annotated[Principal, Depends(reader)],
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Page[EntryModel]:
        """The account's double-entry ledger, newest trade date first."""
        listing = f"ledger:{account_id}"
        before = None
        if cursor:
            on, sequence = cursors.decode(listing, cursor)
            before = (date.fromisoformat(on), int(sequence))
        rows = queries.read(who.scope, lambda t: t.ledger_page(account_id, before, limit + 1))
        return cursors.page(
            listing, rows, limit, lambda row: [row.key[0].isoformat(), row.key[1]], _entry_model
        )


def _portfolio_model(view: PortfolioView) -> PortfolioModel:
    return PortfolioModel(
        portfolio_id=view.portfolio_id, name=view.name, base_currency=view.base_currency
    )


def _account_model(view: AccountView) -> AccountModel:
    return AccountModel(
        account_id=view.account_id,
        portfolio_id=view.portfolio_id,
        name=view.name,
        currency=view.currency,
        wallet_address=view.wallet_address,
        lot_method=view.lot_method.value,
        balance=view.balance.amount,
        reserved=view.reserved.amount,
        available=(view.balance - view.reserved).amount,
    )


def _holding_model(holding: Holding) -> HoldingModel:
    def amount(money: Money | Price | None) -> DecimalOut | None:
        return None if money is None else money.amount

    return HoldingModel(
        account_id=holding.account_id,
        security_id=holding.units.security_id,
        units=holding.units.units,
        reserved=holding.reserved.units,
        currency=holding.cost.currency,
        cost=holding.cost.amount,
        average_cost=holding.average_cost,
        realised_gain=holding.realised_gain.amount,
        price=amount(holding.price),
        price_on=holding.price_on,
        market_value=amount(holding.market_value),
        unrealised_gain=amount(holding.unrealised_gain),
    )


def _lot_model(lot: LotView) -> LotModel:
    return LotModel(
        lot_id=lot.lot_id,
        security_id=lot.opened.security_id,
        acquired_on=lot.acquired_on,
        units_opened=lot.opened.units,
        units_open=lot.open.units,
        currency=lot.cost_open.currency,
        cost_opened=lot.cost_opened.amount,
        cost_open=lot.cost_open.amount,
        closed_on=lot.closed_on,
    )


def _entry_model(entry: LedgerEntry) -> EntryModel:
    first = entry.lines[0]
    return EntryModel(
        event_id=first.entry_id,
        kind=first.kind,
        trade_date=first.trade_date,
        settlement_date=first.settlement_date,
        lines=[
            LineModel(
                ledger_account=line.ledger_account,
                commodity=line.commodity,
                amount=line.amount,
                lot_id=line.lot_id,
            )
            for line in entry.lines
        ],
    )
