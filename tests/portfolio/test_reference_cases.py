"""Reference numbers from other people's test suites, through our commands."""

import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from backend.kernel.errors import AmountInvalid
from backend.portfolio import decisions
from backend.portfolio.errors import InsufficientUnits
from backend.portfolio.events import LotMethod, Side
from tests.portfolio.books import (
    ACME,
    DAY,
    account,
    book,
    evidence,
    price,
    then,
    total,
    trade,
    units,
    with_cash,
)

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
METHODS = {"FIFO": LotMethod.FIFO, "LIFO": LotMethod.LIFO, "HIFO": LotMethod.HIFO}
MICRO = Decimal("0.000001")

# Why a case is not run here; every other one is.
METHOD_TO_COME = {
    "STRICT": "sales name their lots: method 'specific' is not in this slice",
    "NONE": "mixed long and short lots: accounts are long only in this slice (C-08)",
    "AVERAGE": "method 'average' is not in this slice",
}
SKIPPED = {
    "pp-fx-realized-and-unrealized-eur": "currency conversion is not in this slice",
    "pp-fifo-cost-with-forex-per-transaction-rate": "currency conversion is not in this slice",
    "pp-trade-short-multiple-sells": "accounts are long only in this slice (C-08)",
    "pp-fifo-is-per-account-average-is-global": "transfers between accounts are not in this slice",
    "pp-transfer-keeps-purchase-value": "transfers between accounts are not in this slice",
    "pp-trade-partial-out-of-transfer": "transfers and deliveries out are not in this slice",
}


@cache
def cases(name):
    path = CASES / f"{name}.json"
    if not path.is_file():
        return ()
    return tuple(json.loads(path.read_text())["cases"])


def chosen(name, wanted, reason=lambda case: None):
    """The wanted cases, each skipped where ``reason`` gives one."""
    found = [
        pytest.param(
            case,
            id=case["id"],
            marks=[pytest.mark.skip(reason=why)] if (why := reason(case)) else [],
        )
        for case in cases(name)
        if wanted(case)
    ]
    absent = pytest.mark.skip(reason="../shared/cases is not beside this repository")
    return found or [pytest.param(None, marks=absent)]


BOOKING = chosen(
    "lots_beancount_booking", lambda c: True, lambda c: METHOD_TO_COME.get(c["method"])
)
COSTS = chosen("cost_basis_portfolio_performance", lambda c: True, lambda c: SKIPPED.get(c["id"]))
SEEDS = chosen(
    "reference_computed_here",
    lambda c: c["kind"] == "cost_basis",
    lambda c: METHOD_TO_COME.get(c["method"]),
)


def test_every_skip_names_a_case():
    """A reason for a case that is not there any more is a reason to look."""
    known = {case["id"] for case in cases("cost_basis_portfolio_performance")}
    if not known:
        pytest.skip("../shared/cases is not beside this repository")
    assert set(SKIPPED) <= known


@pytest.mark.parametrize("case", BOOKING)
def test_lots_are_consumed_as_beancount_books_them(case):
    state = account(method=METHODS[case["method"]])
    for number, held in enumerate(case["input"]["inventory_before"], start=1):
        lot = held["lot"]
        deposit = decisions.deposit_units(
            state, f"lot-{number}", units(held["qty"]), price(lot["unit_cost"]),
            date.fromisoformat(lot["date"]), date(2020, 1, 1), evidence(number),
        )  # fmt: skip
        state = then(state, deposit)
    expected = case["expected"]
    sales = [
        trade(f"sale-{i}-{j}", Side.SELL, posting["qty"].lstrip("-"), "200",
              on=date.fromisoformat(reduction["date"]))
        for i, reduction in enumerate(case["input"]["reductions"])
        for j, posting in enumerate(reduction["postings"])
    ]  # fmt: skip
    if "error" in expected:
        *covered, too_much = sales
        for sale in covered:
            state = book(state, sale)
        with pytest.raises(InsufficientUnits):
            decisions.book_trade(state, too_much)
        return
    booked = []
    for sale in sales:
        if sale.quantity.units == 0:  # they book nothing, we refuse to: the lots stay
            with pytest.raises(AmountInvalid):
                decisions.book_trade(state, sale)
            continue
        (event,) = decisions.book_trade(state, sale)
        booked += event.lots_closed
        state = then(state, (event,))
    assert [closed_row(each) for each in booked] == [
        (Decimal(row["qty"]), Decimal(row["lot"]["unit_cost"]), row["lot"]["date"])
        for row in expected["booked"]
    ]
    assert sorted(open_row(lot) for lot in state.position(ACME).lots) == sorted(
        (Decimal(row["qty"]), Decimal(row["lot"]["unit_cost"]), row["lot"]["date"])
        for row in expected["inventory_after"]
    )


def closed_row(lot):
    return (-lot.units.units, lot.cost.amount / lot.units.units, lot.acquired_on.isoformat())


def open_row(lot):
    return (lot.units.units, lot.cost.amount / lot.units.units, lot.acquired_on.isoformat())


@pytest.mark.parametrize("case", SEEDS)
def test_the_corrected_seed_examples(case):
    state, gains = with_cash(account(method=METHODS[case["method"]]), "100000"), []
    for number, row in enumerate(case["input"]["transactions"]):
        command = trade(f"t{number}", Side(row["type"].lower()), row["qty"], row["price"])
        (event,) = decisions.book_trade(state, command)
        gains += [lot.realised_gain.amount for lot in event.lots_closed]
        state = then(state, (event,))
    expected = case["expected"]
    lots = state.position(ACME).lots
    assert total(gains) == Decimal(expected["realized_gain"])
    assert [(lot.units.units, lot.cost.amount / lot.units.units) for lot in lots] == [
        (Decimal(row["qty"]), Decimal(row["unit_cost"])) for row in expected["remaining_lots"]
    ]
    if "remaining_cost" in expected:
        assert total([lot.cost.amount for lot in lots]) == Decimal(expected["remaining_cost"])


def test_the_seed_remainder_belongs_to_a_sale_of_125():
    """Requirements, E-01: selling 125 of (100 @ 10, 50 @ 12) at 15 leaves 25 @ 12, gain 575."""
    state = with_cash(account(), "100000")
    state = book(state, trade("a", Side.BUY, "100", "10"))
    state = book(state, trade("b", Side.BUY, "50", "12"))
    (event,) = decisions.book_trade(state, trade("c", Side.SELL, "125", "15"))
    (left,) = then(state, (event,)).position(ACME).lots
    assert total([lot.realised_gain.amount for lot in event.lots_closed]) == Decimal("575.00")
    assert (left.units.units, left.cost.amount) == (Decimal(25), Decimal("300.00"))


@pytest.mark.parametrize("case", COSTS)
def test_cost_basis_as_portfolio_performance_has_it(case):
    accounts, closed, expected = {}, [], case["expected"]
    for number, row in enumerate(case["input"]["transactions"]):
        name = row["account"]
        state = accounts.get(name) or with_cash(account("EUR"), "10000000")
        (event,) = decisions.book_trade(state, command_of(row, f"t{number}"))
        closed += [(lot, event.trade_date) for lot in event.lots_closed]
        accounts[name] = then(state, (event,))
    lots = [lot for state in accounts.values() for lot in state.position(ACME).lots]
    cost = total([lot.cost.amount for lot in lots])
    left = total([lot.units.units for lot in lots])
    gain = total([lot.realised_gain.amount for lot, _ in closed])
    checked = {"remaining_shares": left, "cost_fifo": cost, "realized_gain_fifo": gain}
    if left:
        checked["cost_per_share_fifo"] = (cost / left).quantize(Decimal("0.1"))
    if "price" in case["input"]:
        value = left * Decimal(case["input"]["price"]["value"])
        checked["unrealized_gain_fifo"] = value - cost
        checked["total_delta"] = value - cost + gain
    hits = [name for name in checked if name in expected]
    for name in hits:
        assert checked[name] == Decimal(expected[name]), name
    compare_trades(expected.get("trades", []), closed, cost, left, case["input"])
    assert hits or expected["trades"]


def compare_trades(trades, closed, cost, left, given):
    names = {"entry_value": "cost", "exit_value": "proceeds", "profit_loss": "realised_gain"}
    for row in trades:
        if row["closed"]:
            for name, field in names.items():
                if name in row:
                    amounts = [getattr(lot, field).amount for lot, _ in closed]
                    assert total(amounts) == Decimal(row[name]), name
            if "holding_period_days" in row:
                days = {(on - lot.acquired_on).days for lot, on in closed}
                assert days == {row["holding_period_days"]}
        else:
            value = left * Decimal(given["price"]["value"])
            assert (left, cost) == (Decimal(row["qty"]), Decimal(row["entry_value"]))
            assert (value, value - cost) == (
                Decimal(row["exit_value"]),
                Decimal(row["profit_loss"]),
            )


def command_of(row, trade_id):
    """Their amount is net cash with fees and taxes; ours is price, quantity and fees."""
    charges = Decimal(row.get("fee", "0")) + Decimal(row.get("tax", "0"))
    sign = 1 if row["type"] == "BUY" else -1
    if "price" in row:
        at = Decimal(row["price"])
    else:
        gross = Decimal(row["amount"]) - sign * charges
        at = (gross / Decimal(row["qty"])).quantize(MICRO)
    command = trade(
        trade_id, Side(row["type"].lower()), row["qty"], format(at, "f"), fees=str(charges),
        on=date.fromisoformat(row["date"]), currency="EUR",
    )  # fmt: skip
    if "amount" in row:
        assert command.gross.amount + sign * charges == Decimal(row["amount"])
    return command


def test_dates_of_lots_survive_a_random_order_of_booking():
    """FIFO goes by acquisition date, then by order of booking, whatever was booked first."""
    state, order = account(), []
    for number, day in enumerate([5, 3, 3, 4], start=1):
        deposit = decisions.deposit_units(
            state, f"lot-{number}", units("1"), price("1"), date(2023, 1, day), DAY,
            evidence(number),
        )  # fmt: skip
        state = then(state, deposit)
    for number in range(4):
        (event,) = decisions.book_trade(state, trade(f"s{number}", Side.SELL, "1", "2"))
        order.append(event.lots_closed[0].lot_id)
        state = then(state, (event,))
    assert order == ["lot-2", "lot-3", "lot-4", "lot-1"]
