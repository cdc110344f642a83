"""Market data over HTTP: prices, rates, corporate actions and where they come from. Read-only.

Every number comes with its own date, so that a stale one shows.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from backend.eventstore.scope import Connection
from backend.eventstore.store import EventStore
from backend.marketdata.domain import SeriesKind
from backend.marketdata.ports import PriceAtDate, PricePoint, RateAtDate
from backend.marketdata.store import MarketDataTables
from backend.securities.ports import SecurityDirectory
from backend.web.auth import ROLES, Authenticator, Principal
from backend.web.models import DecimalOut, EdgeModel, Identifier, Page
from backend.web.paging import MAX_LIMIT, Cursors

_DATASETS = "datasets"
_MAX_POINTS = 10_000

CurrencyPath = Annotated[str, Path(pattern="^[A-Z]{3}$")]
Until = Annotated[date, Query(alias="to")]
Since = Annotated[date, Query(alias="from")]

Directory = Callable[[Connection], SecurityDirectory]


class PriceModel(EdgeModel):
    """The last close on or before the day asked for; ``age_days`` are calendar days."""

    security_id: str
    requested_on: date
    price_date: date
    age_days: int
    close: DecimalOut
    currency: str
    series: SeriesKind
    dataset_id: str
    source: str

    @classmethod
    def of(cls, price: PriceAtDate) -> "PriceModel":
        return cls(
            security_id=price.security_id,
            requested_on=price.requested_on,
            price_date=price.price_date,
            age_days=price.age_days,
            close=price.close,
            currency=price.currency,
            series=price.series,
            dataset_id=price.dataset_id,
            source=price.source,
        )


class PointModel(EdgeModel):
    """One day's close."""

    date: date
    close: DecimalOut

    @classmethod
    def of(cls, point: PricePoint) -> "PointModel":
        return cls(date=point.date, close=point.close)


class RateModel(EdgeModel):
    """Units of ``quote`` for one unit of ``base``, and the day both euro rates are of."""

    base: str
    quote: str
    requested_on: date
    rate_date: date
    age_days: int
    rate: DecimalOut
    source: str

    @classmethod
    def of(cls, rate: RateAtDate) -> "RateModel":
        return cls(
            base=rate.base,
            quote=rate.quote,
            requested_on=rate.requested_on,
            rate_date=rate.rate_date,
            age_days=rate.age_days,
            rate=rate.value,
            source=rate.source,
        )


class SplitModel(EdgeModel):
    """``old_units`` became ``new_units``."""

    ex_date: date
    new_units: int
    old_units: int


class DividendModel(EdgeModel):
    """Cash per unit, in units as of the ex date."""

    ex_date: date
    amount: DecimalOut


class ActionsModel(EdgeModel):
    """A security's corporate actions of a period."""

    splits: list[SplitModel]
    dividends: list[DividendModel]


class DatasetModel(EdgeModel):
    """An imported data set: what it is, whose it is, and the hash of its bytes."""

    dataset_id: str
    kind: str
    source: str
    licence: str
    method: str
    sha256: str
    rows: int
    first_date: date
    last_date: date
    imported_at: datetime


def router(
    store: EventStore, auth: Authenticator, cursors: Cursors, directory: Directory
) -> APIRouter:
    """The routes under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["market data"])
    _add_prices(routes, store, auth, directory)
    _add_reference(routes, store, auth, cursors)
    return routes


def _add_prices(
    routes: APIRouter, store: EventStore, auth: Authenticator, directory: Directory
) -> None:
    reader = Annotated[Principal, Depends(auth.require(*ROLES))]

    @routes.get("/securities/{security_id}/price")
    def get_price(
        request: Request,
        principal: reader,
        security_id: Annotated[Identifier, Path()],
        on: date,
        series: SeriesKind = SeriesKind.RAW,
        max_age_days: Annotated[int | None, Query(ge=0, le=36_500)] = None,
    ) -> PriceModel:
        """The last close on or before a day."""
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            found = MarketDataTables(uow.connection).price_on(
                security_id, on, series=series, max_age_days=max_age_days
            )
        return PriceModel.of(found)

    @routes.get("/securities/{security_id}/prices")
    def list_prices(
        request: Request,
        principal: reader,
        security_id: Annotated[Identifier, Path()],
        since: Since,
        until: Until,
        series: SeriesKind = SeriesKind.RAW,
    ) -> Page[PointModel]:
        """Daily closes of a period, both days included; at most 10,000, then ask on from there."""
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            directory(uow.connection).by_id(security_id)  # an unknown one has no empty series
            found = MarketDataTables(uow.connection).series(
                security_id, since, until, series=series
            )
        shown = [PointModel.of(each) for each in found[:_MAX_POINTS]]
        return Page(items=shown, has_more=len(found) > _MAX_POINTS)

    @routes.get("/securities/{security_id}/actions")
    def list_actions(
        request: Request,
        principal: reader,
        security_id: Annotated[Identifier, Path()],
        since: Since,
        until: Until,
    ) -> ActionsModel:
        """Splits and dividends with an ex date in the period."""
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            directory(uow.connection).by_id(security_id)
            table = MarketDataTables(uow.connection)
            splits = table.splits(security_id, since, until)
            dividends = table.dividends(security_id, since, until)
        return ActionsModel(
            splits=[
                SplitModel(ex_date=s.ex_date, new_units=s.new_units, old_units=s.old_units)
                for s in splits
            ],
            dividends=[DividendModel(ex_date=d.ex_date, amount=d.amount) for d in dividends],
        )


def _add_reference(
    routes: APIRouter, store: EventStore, auth: Authenticator, cursors: Cursors
) -> None:
    reader = Annotated[Principal, Depends(auth.require(*ROLES))]

    @routes.get("/rates/{base}/{quote}")
    def get_rate(
        request: Request, principal: reader, base: CurrencyPath, quote: CurrencyPath, on: date
    ) -> RateModel:
        """The exchange rate of the last day on or before a day, over the euro."""
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            return RateModel.of(MarketDataTables(uow.connection).rate_on(base, quote, on))

    @routes.get("/datasets")
    def list_datasets(
        request: Request,
        principal: reader,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    ) -> Page[DatasetModel]:
        """Imported data sets with source, licence and hash, newest first."""
        before = cursors.decode(_DATASETS, cursor)[0] if cursor else None
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            rows = MarketDataTables(uow.connection).datasets(before, limit + 1)
        return cursors.page(
            _DATASETS,
            rows,
            limit,
            lambda row: (row["imported_event"],),
            lambda row: DatasetModel(**{k: v for k, v in row.items() if k != "imported_event"}),
        )
