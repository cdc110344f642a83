"""Value over time and returns over HTTP. Amounts and rates are decimal strings."""

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from backend.performance.domain.nav import DayValue
from backend.performance.domain.returns import DayReturn
from backend.performance.service import NavSeries, Performance, PerformanceService
from backend.web.auth import Authenticator, Principal
from backend.web.models import DecimalOut, EdgeModel

_DIGITS = Decimal("1E-12")
_WIDE = Context(prec=80)
Id = Annotated[str, Path(min_length=1, max_length=80)]
From = Annotated[date | None, Query(alias="from", description="First day; its end is the start")]
To = Annotated[date | None, Query(description="Last day; today if left out")]
Rate = Annotated[DecimalOut, Field(description="0.1 is ten per cent; 12 decimal places")]


class NavDayModel(EdgeModel):
    """A day; ``day_return`` is null without capital, ``stale_days`` the age of the oldest close."""

    on: date
    value: DecimalOut
    cash: DecimalOut
    securities: DecimalOut
    cost: DecimalOut
    unrealised: DecimalOut
    inflow: DecimalOut
    outflow: DecimalOut
    day_return: Rate | None
    accumulated_return: Rate
    stale_days: int


class NavModel(EdgeModel):
    """Daily net asset values by trade date."""

    portfolio_id: str
    currency: str
    days: list[NavDayModel]


class MoneyWeightedModel(EdgeModel):
    """XIRR, ACT/365F. With several roots the one nearest to 0 is shown and all are listed."""

    status: str
    annual: Rate | None
    period: Rate | None
    roots: list[Rate]


class PerformanceModel(EdgeModel):
    """start + inflow - outflow + gain = end; gain = realised + unrealised."""

    portfolio_id: str
    currency: str
    first: date
    last: date
    start: DecimalOut
    inflow: DecimalOut
    outflow: DecimalOut
    end: DecimalOut
    gain: DecimalOut
    realised: DecimalOut
    unrealised: DecimalOut
    unrealised_at_end: DecimalOut
    fees: DecimalOut
    time_weighted: Rate | None
    money_weighted: MoneyWeightedModel
    gains_without_capital: list[date]
    stale_days: int
    flow_timing: str = "inflow at start of day, outflow at end of day"
    calc_version: int


def router(service: PerformanceService, auth: Authenticator) -> APIRouter:
    """The routes of performance below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1/portfolios/{portfolio_id}", tags=["performance"])
    reader: Callable[..., Principal] = auth.require("investor", "trader", "operator")

    @routes.get("/nav")
    def get_nav(
        portfolio_id: Id,
        who: Annotated[Principal, Depends(reader)],
        first: From = None,
        to: To = None,
    ) -> NavModel:
        """The value of each calendar day, with returns."""
        return _nav_model(service.nav(who.scope, portfolio_id, first, to))

    @routes.get("/performance")
    def get_performance(
        portfolio_id: Id,
        who: Annotated[Principal, Depends(reader)],
        first: From = None,
        to: To = None,
    ) -> PerformanceModel:
        """Gain, time-weighted and money-weighted return of an interval."""
        return _performance_model(service.performance(who.scope, portfolio_id, first, to))

    return routes


def _nav_model(series: NavSeries) -> NavModel:
    pairs = zip(series.days, series.returns.days, strict=True)
    return NavModel(
        portfolio_id=series.portfolio_id,
        currency=series.currency,
        days=[_day_model(day, returned) for day, returned in pairs],
    )


def _day_model(day: DayValue, returned: DayReturn) -> NavDayModel:
    return NavDayModel(
        on=day.on,
        value=day.value.amount,
        cash=day.cash.amount,
        securities=day.securities.amount,
        cost=day.cost.amount,
        unrealised=day.unrealised.amount,
        inflow=day.inflow.amount,
        outflow=day.outflow.amount,
        day_return=_rate(returned.value),
        accumulated_return=_digits(returned.accumulated),
        stale_days=day.stale_days,
    )


def _performance_model(found: Performance) -> PerformanceModel:
    rate = found.money_weighted
    return PerformanceModel(
        portfolio_id=found.portfolio_id,
        currency=found.start.currency,
        first=found.first,
        last=found.last,
        start=found.start.amount,
        inflow=found.inflow.amount,
        outflow=found.outflow.amount,
        end=found.end.amount,
        gain=found.gain.amount,
        realised=found.realised.amount,
        unrealised=found.unrealised.amount,
        unrealised_at_end=found.unrealised_at_end.amount,
        fees=found.fees.amount,
        time_weighted=_rate(found.time_weighted),
        money_weighted=MoneyWeightedModel(
            status=rate.status.value,
            annual=_rate(rate.annual),
            period=_rate(rate.period),
            roots=[_digits(Decimal(root)) for root in rate.roots],
        ),
        gains_without_capital=list(found.gains_without_capital),
        stale_days=found.stale_days,
        calc_version=found.calc_version,
    )


def _rate(value: Decimal | float | None) -> Decimal | None:
    return None if value is None else _digits(Decimal(value))


def _digits(value: Decimal) -> Decimal:
    return value.quantize(_DIGITS, ROUND_HALF_UP, context=_WIDE)
