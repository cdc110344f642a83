"""Trading days and settlement dates, from a dated rule table per market (C-16).

It is reference data of a market, keyed like a listing by its MIC, and needs no feed: so it
lives with the securities register, and trading, settlement and market data all read it.

Settlement happens n days after the trade date, counting only days on which the market
trades **and** banks are open. The cycle is the one in force on the trade date. Sources: SEC
Rule 15c6-1 (T+3 for trades from 1995-06-07, T+2 from 2017-09-05, T+1 from 2024-05-28) and,
for bank holidays on which the market trades, NASD Notices to Members 84-10 (Lincoln), 88-99
and 96-90 (Martin Luther King), 88-82 and 92-54 (Veterans), 95-77 and 99-83 (Columbus).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import country_holidays, financial_holidays
from holidays.constants import HALF_DAY

from backend.kernel.errors import ValueInvalid
from backend.securities.errors import CalendarUnknown

_DAY = timedelta(days=1)
_SUNDAY = 6
_SATURDAY = 5
_NEW_YORK = ZoneInfo("America/New_York")
_OPEN, _CLOSE = time(9, 30), time(16, 0)
_FIRST_DAY_OF_THESE_HOURS = date(1985, 9, 30)  # NYSE opened at 10:00 before
_CLOSES_AT = re.compile(r"close at ([0-9]{1,2}):([0-9]{2})pm")


@dataclass(frozen=True)
class Cycle:
    """Trades from ``first_trade_date`` on settle ``days`` business days later."""

    first_trade_date: date
    days: int


@dataclass(frozen=True)
class Market:
    """A market's calendar: its cycles, oldest first, and bank closures no rule gives."""

    mic: str
    cycles: tuple[Cycle, ...]
    announced_bank_holidays: Mapping[date, str]


XNYS = Market(
    mic="XNYS",
    cycles=(
        # Bank holidays before 1984 are not known to us, so earlier dates are refused.
        Cycle(date(1984, 1, 1), 5),
        Cycle(date(1995, 6, 7), 3),
        Cycle(date(2017, 9, 5), 2),
        Cycle(date(2024, 5, 28), 1),
    ),
    # A New York holiday, not a federal one: settlement stopped on it by notice.
    announced_bank_holidays={date(1984, 2, 13): "Lincoln's Birthday (NASD 84-10)"},
)

# Nasdaq keeps the New York Stock Exchange's holidays and settles through the same depository.
_MARKETS = {"XNYS": XNYS, "XNAS": XNYS}


def is_trading_day(mic: str, day: date) -> bool:
    """Whether the market holds a session on ``day``. Raises CalendarUnknown."""
    _market(mic, day)
    return _trades(day)


def is_settlement_day(mic: str, day: date) -> bool:
    """Whether securities and cash settle on ``day``: a session, and banks are open."""
    return _settles(_market(mic, day), day)


def is_early_close(mic: str, day: date) -> bool:
    """Whether the session of ``day`` ends before the usual hour."""
    _market(mic, day)
    return _trades(day) and day in _early_closes(day.year)


def session_hours(mic: str, day: date) -> tuple[datetime, datetime]:
    """When the session of ``day`` opens and closes, in UTC (daylight saving is the market's).

    Raises CalendarUnknown, or ValueInvalid when there is no session.
    """
    _market(mic, day)
    if day < _FIRST_DAY_OF_THESE_HOURS:
        raise CalendarUnknown("The market's hours that day are not known.", mic=mic, day=day)
    if not _trades(day):
        raise ValueInvalid("The market does not trade on this day.", mic=mic, day=day)
    close = _early_closes(day.year).get(day, _CLOSE)
    return (_utc(day, _OPEN), _utc(day, close))


def next_trading_day(mic: str, day: date) -> date:
    """The first session after ``day``."""
    _market(mic, day)
    following = day + _DAY
    while not _trades(following):
        following += _DAY
    return following


def settlement_cycle(mic: str, trade_date: date) -> int:
    """n of "T+n" for trades of ``trade_date``. Raises CalendarUnknown."""
    market = _market(mic, trade_date)
    return [each.days for each in market.cycles if each.first_trade_date <= trade_date][-1]


def settlement_date(mic: str, trade_date: date) -> date:
    """When a regular-way trade of ``trade_date`` settles.

    Raises CalendarUnknown for an unknown market or too early a date, and ValueInvalid when
    the market did not trade on ``trade_date``.
    """
    market = _market(mic, trade_date)
    if not _trades(trade_date):
        raise ValueInvalid("The market does not trade on this day.", mic=mic, day=trade_date)
    day = trade_date
    for _ in range(settlement_cycle(mic, trade_date)):
        day += _DAY
        while not _settles(market, day):
            day += _DAY
    return day


def _market(mic: str, day: date) -> Market:
    market = _MARKETS.get(mic)
    if market is None:
        raise CalendarUnknown("No calendar is known for this market.", mic=str(mic)[:16])
    if day < market.cycles[0].first_trade_date:
        raise CalendarUnknown("The calendar does not go back that far.", mic=mic, day=day)
    return market


def _trades(day: date) -> bool:
    return day.weekday() < _SATURDAY and day not in _closures(day.year)


def _settles(market: Market, day: date) -> bool:
    closed = day in _bank_holidays(day.year) or day in market.announced_bank_holidays
    return _trades(day) and not closed


@cache
def _closures(year: int) -> frozenset[date]:
    return frozenset(financial_holidays("XNYS", years=year))


@cache
def _early_closes(year: int) -> Mapping[date, time]:
    labels = financial_holidays("XNYS", years=year, categories={HALF_DAY})
    return {day: _closing_time(label) for day, label in labels.items()}


def _closing_time(label: str) -> time:
    found = _CLOSES_AT.search(label)
    if found is None:
        raise CalendarUnknown("The calendar names no closing time.", label=label)
    return time(int(found[1]) + 12, int(found[2]))


def _utc(day: date, local: time) -> datetime:
    return datetime.combine(day, local, _NEW_YORK).astimezone(UTC)


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    """Federal Reserve holidays: a Sunday's is kept on Monday, a Saturday's not at all."""
    # Not the package's own observance: federal offices close the Friday before, banks do not.
    return frozenset(
        day + _DAY if day.weekday() == _SUNDAY else day
        for day in country_holidays("US", years=year, observed=False)
    )
