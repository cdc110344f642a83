"""Time-weighted return, linked daily.

r_t = (V_t + outflow_t) / (V_{t-1} + inflow_t) - 1: money that comes in works from the start of
its day, money that goes out until the end of it, so a full withdrawal has a return and
yesterday's value is never divided by what came only later. The interval starts with the value
at the end of its first day. Convention and reference numbers: Portfolio Performance's TTWROR.
A day without capital has no return (None); it does not break the chain, but a gain on such a
day is reported, since no return can show it.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Context, Decimal

import msgspec

_EXACT = Context(prec=40)
_ONE = Decimal(1)


class ValuePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Value at the end of a day and the external flows of the day, both as positive numbers."""

    on: date
    value: Decimal
    inflow: Decimal = Decimal(0)
    outflow: Decimal = Decimal(0)


class DayReturn(msgspec.Struct, frozen=True, kw_only=True):
    """The return of a day (None without capital) and of the interval up to its end."""

    on: date
    value: Decimal | None
    accumulated: Decimal


class TimeWeighted(msgspec.Struct, frozen=True, kw_only=True):
    """``total`` is None when no day had capital; 0.1 is ten per cent."""

    days: tuple[DayReturn, ...]
    total: Decimal | None
    gains_without_capital: tuple[date, ...]


def time_weighted(points: Sequence[ValuePoint]) -> TimeWeighted:
    """Link the daily returns of ``points`` (one per day, ascending, the first is the start)."""
    wealth, before = _ONE, points[0].value if points else Decimal(0)
    days, unexplained, worked = [], [], False
    for index, point in enumerate(points):
        rate = None if index == 0 else _rate(before, point)
        worked = worked or rate is not None
        wealth = _EXACT.multiply(wealth, _ONE + (rate or 0))
        days.append(DayReturn(on=point.on, value=rate, accumulated=_EXACT.subtract(wealth, _ONE)))
        if index and rate is None and point.value + point.outflow != 0:
            unexplained.append(point.on)
        before = point.value
    return TimeWeighted(
        days=tuple(days),
        total=days[-1].accumulated if worked else None,
        gains_without_capital=tuple(unexplained),
    )


def _rate(before: Decimal, point: ValuePoint) -> Decimal | None:
    capital = before + point.inflow
    if capital <= 0:
        return None
    ratio = _EXACT.divide(point.value + point.outflow, capital)
    return _EXACT.subtract(ratio, _ONE)
