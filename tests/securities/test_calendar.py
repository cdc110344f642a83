"""Sessions and settlement dates, against public notices and other calendars."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import ValueInvalid
from backend.securities import calendar
from backend.securities.calendar import (
    is_early_close,
    is_settlement_day,
    is_trading_day,
    next_trading_day,
    session_hours,
    settlement_cycle,
    settlement_date,
)
from backend.securities.errors import CalendarUnknown
from backend.securities.ports import MarketCalendar

FOLDER = Path(__file__).parents[3] / "shared" / "cases"
needs_cases = pytest.mark.skipif(
    not FOLDER.exists(), reason="the shared reference cases are not here"
)
days = st.dates(date(1986, 1, 2), date(2035, 12, 31))


def cases(name: str, kind: str) -> list[dict[str, Any]]:
    file = FOLDER / name
    if not file.exists():
        return []
    return [c for c in json.loads(file.read_text())["cases"] if c["kind"] == kind]


def day(text: str) -> date:
    return date.fromisoformat(text)


@needs_cases
@pytest.mark.parametrize(
    "case",
    cases("settlement_finra.json", "settlement_date_bank_holiday"),
    ids=lambda c: c["id"],
)
def test_settlement_dates_of_the_notices(case):
    traded, expected = day(case["input"]["trade_date"]), case["expected"]
    assert settlement_date("XNYS", traded) == day(expected["settlement_date"])
    assert f"T+{settlement_cycle('XNYS', traded)}" == case["input"]["cycle"]


@needs_cases
def test_counting_sessions_alone_would_be_wrong_where_the_notices_say_so():
    """The guard's negative control: without bank holidays the noted wrong dates come out."""
    wrong = 0
    for case in cases("settlement_finra.json", "settlement_date_bank_holiday"):
        naive = traded = day(case["input"]["trade_date"])
        for _ in range(settlement_cycle("XNYS", traded)):
            naive = next_trading_day("XNYS", naive)
        noted = case["expected"]["wrong_if_only_exchange_sessions_counted"]
        if noted is not None:
            wrong += 1
            assert naive == day(noted) != settlement_date("XNYS", traded)
        else:
            assert naive == settlement_date("XNYS", traded)
    assert wrong > 0


@needs_cases
@pytest.mark.parametrize(
    "case", cases("calendars_nyse.json", "settlement_date"), ids=lambda c: c["id"]
)
def test_settlement_dates_where_sessions_are_a_fair_proxy(case):
    # These cases count sessions only; none of their dates touches a bank holiday, so they hold.
    expected = case["expected"]["settlement_date_by_exchange_sessions"]
    assert settlement_date("XNYS", day(case["input"]["trade_date"])) == day(expected)


@needs_cases
@pytest.mark.parametrize(
    "case", cases("calendars_nyse.json", "calendar_year"), ids=lambda c: c["id"]
)
def test_sessions_of_a_year(case):
    year, expected = case["input"]["year"], case["expected"]
    all_days = [date(year, 1, 1) + timedelta(n) for n in range(366)]
    weekdays = [d for d in all_days if d.year == year and d.weekday() < 5]
    closed = [d.isoformat() for d in weekdays if not is_trading_day("XNYS", d)]
    assert closed == expected["weekday_closures"]
    assert len(weekdays) - len(closed) == expected["sessions"]
    early = [d.isoformat() for d in weekdays if is_early_close("XNYS", d)]
    assert early == expected["early_closes_13_00"]
    closes_at_one = {session_hours("XNYS", day(d))[1].astimezone(calendar._NEW_YORK) for d in early}
    assert {moment.hour for moment in closes_at_one} <= {13}


@needs_cases
@pytest.mark.parametrize(
    "case", cases("calendars_nyse.json", "session_hours_utc"), ids=lambda c: c["id"]
)
def test_hours_move_with_daylight_saving(case):
    opens, closes = session_hours("XNYS", day(case["input"]["session"]))
    assert opens.strftime("%H:%M") == case["expected"]["open_utc"]
    assert closes.strftime("%H:%M") == case["expected"]["close_utc"]


@pytest.mark.parametrize(
    ("traded", "cycle", "settles"),
    [
        # Each side of every change of SEC Rule 15c6-1, by trade date.
        ("1995-06-06", 5, "1995-06-13"),
        ("1995-06-07", 3, "1995-06-12"),
        ("2017-09-01", 3, "2017-09-07"),
        ("2017-09-05", 2, "2017-09-07"),
        ("2024-05-24", 2, "2024-05-29"),
        ("2024-05-28", 1, "2024-05-29"),
    ],
)
def test_the_cycle_in_force_on_the_trade_date(traded, cycle, settles):
    assert settlement_cycle("XNYS", day(traded)) == cycle
    assert settlement_date("XNYS", day(traded)) == day(settles)


@pytest.mark.parametrize(
    "text",
    [
        "2024-10-14",  # Columbus Day
        "2024-11-11",  # Veterans Day
        "1989-01-16",  # Martin Luther King Day (NASD 88-99)
        "1997-01-20",  # the same (NASD 96-90), the last before NYSE closed on it
        "1984-02-13",  # Lincoln's Birthday (NASD 84-10)
    ],
)
def test_days_of_trading_without_settlement(text):
    assert is_trading_day("XNYS", day(text))
    assert not is_settlement_day("XNYS", day(text))


def test_a_bank_holiday_on_saturday_is_not_kept_on_friday():
    # Veterans Day 2017 fell on a Saturday: the Federal Reserve was open on Friday.
    assert is_settlement_day("XNYS", date(2017, 11, 10))
    # On a Sunday it moves to Monday (2018).
    assert not is_settlement_day("XNYS", date(2018, 11, 12))


def test_trades_of_a_bank_holiday_settle_with_those_of_the_day_before():
    assert settlement_date("XNYS", date(1999, 10, 11)) == day("1999-10-14")  # NASD 99-83
    assert settlement_date("XNYS", date(1999, 10, 8)) == day("1999-10-14")


@given(days)
def test_settlement_is_a_settlement_day_after_the_trade_and_in_order(traded):
    if not is_trading_day("XNYS", traded):
        with pytest.raises(ValueInvalid):
            settlement_date("XNYS", traded)
        return
    settles = settlement_date("XNYS", traded)
    assert is_settlement_day("XNYS", settles)
    assert is_trading_day("XNYS", settles)
    between = [traded + timedelta(n) for n in range(1, (settles - traded).days + 1)]
    counted = sum(is_settlement_day("XNYS", each) for each in between)
    assert counted == settlement_cycle("XNYS", traded)


@pytest.mark.parametrize("traded", ["2024-05-25", "2024-05-27", "2012-10-29", "2001-09-11"])
def test_no_trade_on_a_closed_day(traded):
    with pytest.raises(ValueInvalid):
        settlement_date("XNYS", day(traded))
    with pytest.raises(ValueInvalid):
        session_hours("XNYS", day(traded))


def test_what_is_not_known_is_refused():
    with pytest.raises(CalendarUnknown):
        settlement_date("XLON", date(2024, 5, 28))
    with pytest.raises(CalendarUnknown):
        settlement_date("XNYS", date(1983, 12, 30))
    with pytest.raises(CalendarUnknown):
        session_hours("XNYS", date(1985, 9, 27))


def test_the_module_is_a_market_calendar():
    port: MarketCalendar = calendar
    assert port.settlement_date("XNAS", date(2012, 8, 9)) == date(2012, 8, 14)
