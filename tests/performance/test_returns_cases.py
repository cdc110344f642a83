"""Time-weighted and money-weighted returns against other people's numbers."""

import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from backend.performance.domain.money_weighted import (
    MoneyWeighted,
    RootStatus,
    internal_rate,
    net_present_value,
    xirr,
)
from backend.performance.domain.returns import ValuePoint, time_weighted

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
SIGNS = {"DEPOSIT": 1, "INTEREST": 1, "WITHDRAWAL": -1, "FEE": -1}

# Why a case of the two files is not run here; every other one is.
NOT_TWR = {
    "period_pnl_decomposition": "needs interest, fees without trades, transfers or FX in the books",
    "identity": "a property, tested on random books in test_nav.py",
    "security_performance": "the return of one security with taxes is not in this slice",
}
DAY_COUNT = {"xirr_day_count": "the platform's rate is ACT/365F only"}


@cache
def cases(name):
    path = CASES / f"{name}.json"
    return tuple(json.loads(path.read_text())["cases"]) if path.is_file() else ()


def chosen(name, kinds, reasons):
    absent = pytest.mark.skip(reason="../shared/cases is not beside this repository")
    params = [pytest.param(None, marks=absent)] if not cases(name) else []
    for case in cases(name):
        why = reasons.get(case["kind"])
        if case["kind"] in kinds or why:
            marks = [pytest.mark.skip(reason=why)] if why else []
            params.append(pytest.param(case, id=case["id"], marks=marks))
    return params


def points_of(entries, interval):
    """Daily points of a cash account: all movement is cash, some of it external."""
    first, last = (date.fromisoformat(day) for day in interval)
    changes, flows = defaultdict(Decimal), defaultdict(Decimal)
    for entry in entries:
        on = max(date.fromisoformat(entry["date"]), first)
        amount = SIGNS[entry["type"]] * Decimal(entry["amount"])
        changes[on] += amount
        if entry["type"] in ("DEPOSIT", "WITHDRAWAL"):
            flows[on, amount > 0] += abs(amount)
    value, points = Decimal(0), []
    for offset in range((last - first).days + 1):
        on = first + timedelta(days=offset)
        value += changes[on]
        points.append(
            ValuePoint(on=on, value=value, inflow=flows[on, True], outflow=flows[on, False])
        )
    return points


PP_KINDS = ("twr_daily", "twr_metamorphic")


@pytest.mark.parametrize("case", chosen("performance_portfolio_performance", PP_KINDS, NOT_TWR))
def test_time_weighted_returns(case):
    given, expected = case["input"], case["expected"]
    near = case.get("tolerance", 1e-9)
    entries = [given[k] for k in given if k in ("cash_account",) or k.startswith("variant")]
    for account in entries:
        points = points_of(account, given["interval"])
        found = time_weighted(points)
        accumulated = [float(day.accumulated) for day in found.days]
        if "end_of_day_values" in given:
            assert [float(p.value) for p in points] == pytest.approx(given["end_of_day_values"])
        if "daily_return" in expected:
            daily = [float(day.value or 0) for day in found.days]
            assert daily == pytest.approx(expected["daily_return"], abs=near)
        for name in ("accumulated", "accumulated_both"):
            if name in expected:
                assert accumulated == pytest.approx(expected[name], abs=near)
        for name, index in (("accumulated_last", -1), ("accumulated_second_last", -2)):
            if name in expected:
                assert accumulated[index] == pytest.approx(expected[name], abs=near)
        if "accumulated_all" in expected:
            assert set(accumulated) == {expected["accumulated_all"]}
        assert len(found.gains_without_capital) == expected.get("warnings", 0)


@pytest.mark.parametrize("case", chosen("reference_computed_here", ("twr_daily",), {}))
def test_a_full_withdrawal_keeps_its_return(case):
    (start, before, _, last), ((flow_day, flow),) = case["input"]["values"], case["input"]["flows"]
    day = date.fromisoformat
    points = [
        ValuePoint(on=day(start[0]), value=Decimal(start[1])),
        ValuePoint(on=day(flow_day), value=Decimal(before[1] + flow), outflow=Decimal(-flow)),
        ValuePoint(on=day(last[0]), value=Decimal(last[1])),
    ]
    found = time_weighted(points)
    assert float(found.total) == pytest.approx(case["expected"]["twr"])
    assert found.days[-1].value is None  # no capital: no return, not 0 and not -100 %


def test_a_return_without_any_capital_is_none():
    days = [ValuePoint(on=date(2024, 1, n), value=Decimal(0)) for n in (1, 2)]
    assert time_weighted(days).total is None
    assert time_weighted([]).total is None


def check(found: MoneyWeighted, expected, tolerance, roots=None):
    """One root must be theirs; of several, any may be shown, but all must be told."""
    if roots is not None:
        assert list(found.roots) == pytest.approx(roots, abs=1e-9, rel=1e-9)
    if expected is None:
        assert found.rate is None
        assert found.status in (RootStatus.NO_ROOT, RootStatus.ONE_SIGN)
    elif len(found.roots) > 1:
        assert found.status is RootStatus.MULTIPLE_ROOTS
        assert any(root == pytest.approx(expected, **tolerance) for root in found.roots)
        assert found.rate in found.roots
    else:
        assert found.status is RootStatus.OK
        assert found.rate == pytest.approx(expected, **tolerance)


IRR_KINDS = ("xirr", "irr_periodic", "xnpv")


@pytest.mark.parametrize("case", chosen("irr_xirr", IRR_KINDS, DAY_COUNT))
def test_money_weighted_returns(case):
    given, expected = case["input"], case["expected"]
    tolerance = case.get("tolerance", 1e-9)
    near = {"rel": 0.01} if isinstance(tolerance, dict) else {"abs": tolerance, "rel": 1e-9}
    roots = case.get("all_roots_by_scan")
    if case["kind"] == "irr_periodic":
        check(
            internal_rate(given["flows"], range(len(given["flows"]))), expected["irr"], near, roots
        )
        return
    flows = [(date.fromisoformat(on), amount) for on, amount in given["flows"]]
    if case["kind"] == "xnpv":
        assert net_present_value(given["rate"], flows) == pytest.approx(expected["xnpv"], **near)
        return
    wanted = expected.get("xirr", expected.get("xirr_or_flagged_not_available"))
    check(xirr(flows), wanted, near, roots)


def test_flows_of_one_sign_or_none_have_no_rate():
    assert xirr([]).status is RootStatus.ONE_SIGN
    assert xirr([(date(2024, 1, 1), -1.0), (date(2025, 1, 1), 0.0)]).status is RootStatus.ONE_SIGN
