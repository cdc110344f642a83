"""Orders, executions and book depth over HTTP."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import StringConstraints

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.eventstore.store import UnitOfWork
from backend.kernel.ids import checked_id
from backend.kernel.money import parse_decimal
from backend.portfolio.events import Side
from backend.trading import store
from backend.trading.domain.order import OrderStatus
from backend.trading.domain.units import SCALE
from backend.trading.errors import OrderUnknown
from backend.trading.service.orders import OrderService, PlacedOrder, PlaceOrder
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency, KeyHeader, Outcome
from backend.web.models import DecimalOut, EdgeModel, Identifier, Page, PositiveDecimalText
from backend.web.paging import MAX_LIMIT, Cursors
from backend.web.problems import problem, request_id

Id = Annotated[str, Path(min_length=1, max_length=80)]
OptionalId = Annotated[str | None, Query(max_length=80)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
ClientOrderId = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,64}$")]
Reader = Callable[..., Principal]
_WIDE = Context(prec=60)
_MICRO = Decimal("0.000001")


class NewOrder(EdgeModel):
    """A limit order, good till cancelled: whole units, at a price in whole minor units."""

    account_id: Identifier
    security_id: Identifier
    side: Side
    quantity: PositiveDecimalText
    limit_price: PositiveDecimalText
    client_order_id: ClientOrderId


class CheckModel(EdgeModel):
    """One compliance check: decimals in ``inputs`` are strings."""

    name: str
    passed: bool
    inputs: dict[str, str]
    code: str | None


class PlacedModel(EdgeModel):
    """An accepted order."""

    order_id: str
    status: str
    checks: list[CheckModel]


class OrderModel(EdgeModel):
    """An order; ``average_price`` is null before the first fill."""

    order_id: str
    portfolio_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: DecimalOut
    limit_price: DecimalOut
    currency: str
    client_order_id: str
    status: OrderStatus
    filled_quantity: DecimalOut
    leaves_quantity: DecimalOut
    average_price: DecimalOut | None
    cancel_requested: bool
    reject_code: str | None
    reject_reason: str | None
    cancel_reason: str | None
    checks: list[CheckModel]
    placed_at: datetime
    updated_at: datetime


class CancelModel(EdgeModel):
    """The cancel request was taken; the venue decides it."""

    order_id: str
    status: str
    cancel_requested: bool


class TradeModel(EdgeModel):
    """The caller's side of a trade."""

    trade_id: str
    order_id: str
    account_id: str
    security_id: str
    side: Side
    quantity: DecimalOut
    price: DecimalOut
    currency: str
    gross: DecimalOut
    trade_date: date
    settlement_date: date
    executed_at: datetime


class LevelModel(EdgeModel):
    """All resting orders at one price."""

    price: DecimalOut
    quantity: DecimalOut
    orders: int


class DepthModel(EdgeModel):
    """The book of a security, best prices first; whose the orders are is not shown."""

    security_id: str
    bids: list[LevelModel]
    asks: list[LevelModel]


def router(
    service: OrderService,
    database: Database,
    venue_tenant: str,
    auth: Authenticator,
    idempotency: Idempotency,
    cursors: Cursors,
) -> APIRouter:
    """The routes of trading below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["trading"])
    _add_commands(routes, service, auth.require("trader"), idempotency)
    reader = auth.require("investor", "trader")
    _add_orders(routes, database, reader, cursors)
    _add_depth(routes, database, venue_tenant, auth.require("investor", "trader", "operator"))
    return routes


def _add_commands(
    routes: APIRouter, service: OrderService, trader: Reader, idempotency: Idempotency
) -> None:
    @routes.post("/orders", status_code=201, response_model=PlacedModel)
    def place_order(
        request: Request,
        body: NewOrder,
        who: Annotated[Principal, Depends(trader)],
        key: KeyHeader = None,
    ) -> Response:
        """Place a limit order. A refusal is recorded and answered 422 with every check."""
        command = _command(body, who)
        return idempotency.run(
            request, who.scope, who.caller(request), key, body,
            lambda uow: _placed(service.place(uow, command), request),
        )  # fmt: skip

    @routes.post("/orders/{order_id}/cancel", status_code=202, response_model=CancelModel)
    def cancel_order(
        request: Request,
        order_id: Id,
        who: Annotated[Principal, Depends(trader)],
        key: KeyHeader = None,
    ) -> Response:
        """Ask for the rest of an order to be cancelled; 409 when nothing is left of it."""

        def work(uow: UnitOfWork) -> Outcome:
            order = service.cancel(uow, order_id)
            return 202, CancelModel(
                order_id=order.order_id,
                status=order.status.value,
                cancel_requested=order.cancel_requested,
            )

        return idempotency.run(request, who.scope, who.caller(request), key, None, work)


def _add_orders(routes: APIRouter, database: Database, reader: Reader, cursors: Cursors) -> None:
    @routes.get("/orders")
    def list_orders(
        who: Annotated[Principal, Depends(reader)],
        account_id: OptionalId = None,
        status: OrderStatus | None = None,
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Page[OrderModel]:
        """The caller's orders, newest first."""
        before = str(cursors.decode("orders", cursor)[0]) if cursor else None
        with database.transaction(who.scope) as db:
            rows = store.orders_before(
                db, who.tenant_id, limit + 1, account_id=account_id, status=status, before=before
            )
        return cursors.page("orders", rows, limit, lambda row: [row["order_id"]], _order_model)

    @routes.get("/orders/{order_id}")
    def get_order(order_id: Id, who: Annotated[Principal, Depends(reader)]) -> OrderModel:
        """One order of the caller."""
        with database.transaction(who.scope) as db:
            rows = store.orders_before(db, who.tenant_id, 1, only=order_id)
        if not rows:
            raise OrderUnknown("No such order.")
        return _order_model(rows[0])

    @routes.get("/trades")
    def list_trades(
        who: Annotated[Principal, Depends(reader)],
        order_id: OptionalId = None,
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Page[TradeModel]:
        """The caller's sides of trades, newest first."""
        listing = f"trades:{order_id or ''}"
        before = None
        if cursor:
            trade, order = cursors.decode(listing, cursor)
            before = (str(trade), str(order))
        with database.transaction(who.scope) as db:
            rows = store.executions_before(
                db, who.tenant_id, limit + 1, order_id=order_id, before=before
            )
        return cursors.page(
            listing,
            rows,
            limit,
            lambda row: [row["trade_id"], row["order_id"]],
            lambda row: TradeModel(**row),
        )


def _add_depth(routes: APIRouter, database: Database, venue_tenant: str, reader: Reader) -> None:
    @routes.get("/books/{security_id}", dependencies=[Depends(reader)])
    def get_depth(security_id: Id, levels: Annotated[int, Query(ge=1, le=100)] = 10) -> DepthModel:
        """What rests in a security's book, added up by price; empty for one never traded."""
        checked_id(security_id)
        # The book is the venue's: only sums leave it, never orders or their owners.
        with database.transaction(Scope.venue()) as db:
            bids = store.depth(db, venue_tenant, security_id, "buy", levels)
            asks = store.depth(db, venue_tenant, security_id, "sell", levels)
        return DepthModel(
            security_id=security_id,
            bids=[LevelModel(**row) for row in bids],
            asks=[LevelModel(**row) for row in asks],
        )


def _command(body: NewOrder, who: Principal) -> PlaceOrder:
    return PlaceOrder(
        participant_id=who.participant_id,
        account_id=body.account_id,
        security_id=body.security_id,
        side=body.side,
        quantity=parse_decimal(body.quantity, max_scale=SCALE),
        limit_price=parse_decimal(body.limit_price, max_scale=SCALE),
        client_order_id=body.client_order_id,
    )


def _placed(placed: PlacedOrder, request: Request) -> Outcome:
    checks = msgspec.to_builtins(placed.checks)
    if placed.code is None:
        accepted = [CheckModel(**each) for each in checks]
        return 201, PlacedModel(
            order_id=placed.order_id, status=placed.status.value, checks=accepted
        )
    document = problem(placed.code, placed.reason or "", instance=request_id(request))
    document["order_id"] = placed.order_id
    document["checks"] = checks
    return int(document["status"]), document


def _order_model(row: store.Row) -> OrderModel:
    shown = {key: value for key, value in row.items() if key != "filled_value"}
    return OrderModel(**shown, average_price=_average(row["filled_value"], row["filled_quantity"]))


def _average(value: Decimal, quantity: Decimal) -> Decimal | None:
    """The average price paid, to 6 decimals, for display."""
    if not quantity:
        return None
    return _WIDE.divide(value, quantity).quantize(_MICRO, ROUND_HALF_UP, context=_WIDE)
