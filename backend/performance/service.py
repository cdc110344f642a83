"""Value over time, gain and returns of a portfolio: one calculation for every place it shows.

Accounting is by trade date. A trade enters the books when it has settled and counts from its
trade date on, so values between trade and settlement date are known only afterwards.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import groupby

import msgspec

from backend.eventstore.scope import Scope
from backend.kernel.clock import Clock, today
from backend.kernel.money import CurrencyMismatch, Money
from backend.performance.domain.money_weighted import YEAR_DAYS, RootStatus, xirr
from backend.performance.domain.nav import DayValue, Movement, daily_values
from backend.performance.domain.returns import TimeWeighted, ValuePoint, time_weighted
from backend.performance.ports import CloseSeries, Histories
from backend.portfolio.ports import LedgerLine, PortfolioHistory

CALC_VERSION = 1
_LARGEST_GROWTH = 40.0  # e**40: a few days of luck, extrapolated, say nothing


class NavSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Daily values of an interval with their time-weighted return."""

    portfolio_id: str
    currency: str
    days: tuple[DayValue, ...]
    returns: TimeWeighted


class MoneyWeightedRate(msgspec.Struct, frozen=True, kw_only=True):
    """The annual rate, and beside it the rate of the interval itself."""

    status: RootStatus
    annual: float | None
    period: float | None
    roots: tuple[float, ...]


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """start + inflow - outflow + gain = end, and gain = realised + unrealised, exactly.

    ``unrealised`` is the change of the unrealised gain, without what units in kind brought
    with them; ``unrealised_at_end`` is market value less book cost on the last day.
    """

    portfolio_id: str
    first: date
    last: date
    start: Money
    inflow: Money
    outflow: Money
    end: Money
    gain: Money
    realised: Money
    unrealised: Money
    unrealised_at_end: Money
    fees: Money
    time_weighted: Decimal | None
    gains_without_capital: tuple[date, ...]
    money_weighted: MoneyWeightedRate
    stale_days: int
    calc_version: int = CALC_VERSION


class PerformanceService:
    """Calculates from the books' history and raw closes; keeps nothing."""

    def __init__(self, histories: Histories, prices: CloseSeries, clock: Clock) -> None:
        self._histories = histories
        self._prices = prices
        self._clock = clock

    def nav(
        self, scope: Scope, portfolio_id: str, first: date | None = None, last: date | None = None
    ) -> NavSeries:
        """Daily values from ``first`` (the day of the first booking) to ``last`` (today).

        Raises PortfolioUnknown, PriceMissing, IntervalInvalid, CurrencyMismatch.
        """
        end = last or today(self._clock)
        history = self._histories.history(scope, portfolio_id, end)
        movements = movements_of(history)
        begin = first or min((each.on for each in movements), default=end)
        held = {security for each in movements for _, security in each.units}
        closes = {each: self._prices.closes(each, begin, end) for each in sorted(held)}
        days = daily_values(movements, closes, history.base_currency, begin, end)
        points = [
            ValuePoint(
                on=day.on,
                value=day.value.amount,
                inflow=day.inflow.amount,
                outflow=day.outflow.amount,
            )
            for day in days
        ]
        return NavSeries(
            portfolio_id=portfolio_id,
            currency=history.base_currency,
            days=days,
            returns=time_weighted(points),
        )

    def performance(
        self, scope: Scope, portfolio_id: str, first: date | None = None, last: date | None = None
    ) -> Performance:
        """Gain and returns of the interval after the end of ``first`` up to ``last``."""
        return summarise(self.nav(scope, portfolio_id, first, last))


def summarise(series: NavSeries) -> Performance:
    """The interval's numbers from its daily values."""
    start, end = series.days[0], series.days[-1]
    later = series.days[1:]
    inflow, outflow, realised, brought_in, fees = (
        _total(series.currency, (getattr(day, name) for day in later))
        for name in ("inflow", "outflow", "realised", "brought_in", "fees")
    )
    return Performance(
        portfolio_id=series.portfolio_id,
        first=start.on,
        last=end.on,
        start=start.value,
        inflow=inflow,
        outflow=outflow,
        end=end.value,
        gain=end.value - start.value - inflow + outflow,
        realised=realised,
        unrealised=end.unrealised - start.unrealised - brought_in,
        unrealised_at_end=end.unrealised,
        fees=fees,
        time_weighted=series.returns.total,
        gains_without_capital=series.returns.gains_without_capital,
        money_weighted=_money_weighted(series),
        stale_days=end.stale_days,
    )


def movements_of(history: PortfolioHistory) -> tuple[Movement, ...]:
    """The ledger's entries as movements. Raises CurrencyMismatch on a foreign currency."""
    ordered = sorted(history.lines, key=lambda line: (line.account_id, line.sequence, line.line))
    grouped = groupby(ordered, key=lambda line: (line.account_id, line.sequence))
    return tuple(_movement(tuple(lines), history.base_currency) for _, lines in grouped)


def _movement(lines: tuple[LedgerLine, ...], currency: str) -> Movement:
    units: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        name, _, owned = line.ledger_account.partition(":")
        if name == "position":
            units[line.account_id, owned] += line.amount
        elif line.commodity == currency:
            sums[name] += line.amount
        elif line.commodity != owned or name == "cash":
            raise CurrencyMismatch(
                "Accounts in another currency than the portfolio's are not valued yet.",
                left=currency,
                right=line.commodity,
            )
    in_kind = bool(units) and "contributions" in sums
    return Movement(
        on=lines[0].trade_date,
        cash=sums["cash"],
        units=dict(units),
        cost=sums["conversion"],
        realised=-sums["realised_gain"],
        fees=sums["fees"],
        external_cash=Decimal(0) if in_kind else -sums["contributions"],
        external_units=in_kind,
    )


def _money_weighted(series: NavSeries) -> MoneyWeightedRate:
    start, end = series.days[0], series.days[-1]
    flows = [(start.on, -start.value.amount), (end.on, end.value.amount)]
    for day in series.days[1:]:
        flows.append((day.on, day.outflow.amount - day.inflow.amount))
    found = xirr(flows)
    return MoneyWeightedRate(
        status=found.status,
        annual=found.rate,
        period=_over(found.rate, (end.on - start.on).days / YEAR_DAYS),
        roots=found.roots,
    )


def _over(annual: float | None, years: float) -> float | None:
    """The rate of ``years`` at an annual rate; None where it is beyond all numbers."""
    growth = math.inf if annual is None else math.log1p(annual) * years
    return math.expm1(growth) if growth < _LARGEST_GROWTH else None


def _total(currency: str, amounts: Iterable[Money]) -> Money:
    return sum(amounts, Money.zero(currency))
