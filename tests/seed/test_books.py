"""Seed corrections E-01, E-03 to E-05, E-15, E-16 and E-19: lots, dates, rounding, actions.

The expected numbers are those of docs/seed-corrections.md, worked out there by hand from the
seeds' own inputs or taken from public notices; none comes from running our code.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

from backend.kernel.money import Price, Quantity
from backend.marketdata.adapters.sp500 import SP500Sample
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.domain import SeriesKind, Split
from backend.marketdata.errors import ProviderResponseInvalid
from backend.portfolio import decisions
from backend.portfolio.errors import LotMethodUnsupported
from backend.portfolio.events import LotMethod, Side
from backend.securities.calendar import is_trading_day, settlement_cycle, settlement_date
from tests.portfolio.books import ACME, account, then, total, trade, with_cash

# ------------------------------------------------------------------------------ E-01, E-04


def sold(method, quantity):
    """(realised gain, [(units, cost per unit)] left) of the seed's trades: 100 @ 10, 50 @ 12."""
    state = with_cash(account(method=method), "100000")
    gains = []
    for number, (side, units, at) in enumerate(
        [(Side.BUY, "100", "10.00"), (Side.BUY, "50", "12.00"), (Side.SELL, quantity, "15.00")]
    ):
        (event,) = decisions.book_trade(state, trade(f"t{number}", side, units, at))
        gains += [lot.realised_gain.amount for lot in event.lots_closed]
        state = then(state, (event,))
    lots = state.position(ACME).lots
    left = [(lot.units.units, lot.cost.amount / lot.units.units) for lot in lots]
    return total(gains), left


@pytest.mark.parametrize(
    ("method", "quantity", "gain", "left"),
    [
        (LotMethod.FIFO, "75", "375.00", [(25, 10), (50, 12)]),
        (LotMethod.FIFO, "125", "575.00", [(25, 12)]),
        (LotMethod.LIFO, "75", "275.00", [(75, 10)]),
    ],
)
def test_e01_lots_left_after_the_seeds_sale(method, quantity, gain, left):
    assert sold(method, quantity) == (Decimal(gain), left)


def test_e01_the_seeds_remainder_is_that_of_another_sale():
    claimed = [(25, 12)]
    assert sold(LotMethod.FIFO, "75")[1] != claimed
    assert sold(LotMethod.FIFO, "125")[1] == claimed


def test_e01_the_cost_left_is_850():
    assert total([units * cost for units, cost in sold(LotMethod.FIFO, "75")[1]]) == 850


def test_e01_average_cost_by_arithmetic_and_refused_as_a_method():
    average = Fraction(100 * 10 + 50 * 12, 150)
    assert round(float(average), 4) == 10.6667
    assert 75 * (15 - average) == 325
    assert 75 * average == 800
    with pytest.raises(LotMethodUnsupported):
        account(method=LotMethod.AVERAGE)


def test_e04_lots_are_consumed_by_trade_date_whatever_settles_first():
    state = with_cash(account(), "100000")
    early = trade("early", Side.BUY, "10", "20", on=date(2024, 1, 2), settles=date(2024, 1, 9))
    late = trade("late", Side.BUY, "10", "30", on=date(2024, 1, 3), settles=date(2024, 1, 4))
    for command in (late, early):  # booked in the order of settlement
        state = then(state, decisions.book_trade(state, command))
    sale = trade("sale", Side.SELL, "10", "50", on=date(2024, 2, 1))
    (event,) = decisions.book_trade(state, sale)
    (closed,) = event.lots_closed
    assert closed.acquired_on == date(2024, 1, 2)
    assert closed.realised_gain.amount == 10 * (50 - 20)


# ------------------------------------------------------------------------------------ E-03


@pytest.mark.parametrize(
    ("traded", "settles"),
    [
        ("2017-09-01", "2017-09-07"),  # T+3, the last day of it; Labor Day between
        ("2017-09-05", "2017-09-07"),  # T+2, the first day of it
        ("2024-05-24", "2024-05-29"),  # T+2, the last day of it; Memorial Day between
        ("2024-05-28", "2024-05-29"),  # T+1, the first day of it
        ("2024-10-11", "2024-10-15"),  # Columbus Day: a session, but banks are closed
        ("2024-11-08", "2024-11-12"),  # Veterans Day
    ],
)
def test_e03_settlement_dates_by_the_dated_rule(traded, settles):
    assert settlement_date("XNYS", date.fromisoformat(traded)) == date.fromisoformat(settles)


def test_e03_two_days_were_right_until_2024_and_are_wrong_since():
    assert settlement_cycle("XNYS", date(2024, 5, 24)) == 2
    assert settlement_cycle("XNYS", date(2024, 5, 28)) == 1


def test_e03_counting_sessions_alone_settles_on_a_bank_holiday():
    columbus = date(2024, 10, 14)
    assert is_trading_day("XNYS", columbus)
    assert settlement_date("XNYS", date(2024, 10, 11)) != columbus


# ------------------------------------------------------------------------------------ E-05


def test_e05_prices_keep_their_digits_and_amounts_are_rounded_at_booking():
    price = Price.of("123.456789", "USD")
    assert str(price.amount) == "123.456789"
    amount = price.times(Quantity.of("3", ACME)).booked()
    assert amount.amount == Decimal("370.37")


def test_e05_rounding_the_price_first_gives_another_amount():
    rounded = Decimal("123.456789").quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert rounded == Decimal("123.46")  # the seed's value is right, its rule is not
    assert 3 * rounded == Decimal("370.38")


# ------------------------------------------------------------------------- E-15, E-16, E-19


def test_e15_a_split_is_two_integers():
    ratio = Split(date(2024, 1, 2), 1, 3)
    assert 357 * Fraction(ratio.new_units, ratio.old_units) == 119
    assert 357 * Decimal("0.3333") != 119  # portfolio-performance issue 5317
    assert (357 * Decimal("0.3333")).quantize(Decimal("0.0001")) == Decimal("118.9881")


def test_e15_no_split_by_nothing():
    for units in ((0, 1), (1, 0), (1, 1)):
        with pytest.raises(ProviderResponseInvalid):
            Split(date(2024, 1, 2), *units)


def test_e15_price_over_new_by_old_on_real_closes():
    """Apple's 2 for 1 of 2005-02-28, as the company published it, out of the packaged prices."""
    first, last = date(2005, 2, 25), date(2005, 2, 28)
    (split,) = WikiPrices().corporate_actions("AAPL", first, last).splits
    assert (split.ex_date, split.new_units, split.old_units) == (last, 2, 1)
    raw = WikiPrices().daily_prices("AAPL", SeriesKind.RAW, first, last).points
    adjusted = WikiPrices().daily_prices("AAPL", SeriesKind.ADJUSTED, first, last).points
    before, after = (a.close / r.close for r, a in zip(raw, adjusted, strict=True))
    assert abs(before * split.new_units / split.old_units / after - 1) < Decimal("1e-9")


def test_e16_the_factor_is_one_minus_dividend_by_the_close_before():
    """Microsoft, 2004-11-15: 3.00 special and 0.08 regular, by two packages that never met.

    The raw closes are those of one; the adjusted closes, to three decimals, of the other.
    """
    first, last = date(2004, 11, 12), date(2004, 11, 15)
    raw = WikiPrices().daily_prices("MSFT", SeriesKind.RAW, first, last).points
    adjusted = SP500Sample().daily_prices("MSFT", SeriesKind.ADJUSTED, first, last).points
    (pair,) = pairwise([a.close / r.close for r, a in zip(raw, adjusted, strict=True)])
    factor, dividend = pair[0] / pair[1], Decimal("3.08")
    tolerance = Decimal("0.0001")  # half a thousandth of a dollar in 18.878
    assert abs(factor - (1 - dividend / raw[0].close)) < tolerance
    assert abs(factor - (1 - dividend / raw[1].close)) > 10 * tolerance


def test_e19_buys_less_sells_is_wrong_after_a_split(reference_case):
    case = reference_case("splits", "gf-split-then-sell")
    bought, sale = case["input"]["activities"]
    (split,) = case["input"]["splits"]
    seed_rule = Decimal(bought["qty"]) - Decimal(sale["qty"])
    by_ratio = Fraction(bought["qty"]) * Fraction(split["new"], split["old"])
    assert by_ratio - Fraction(sale["qty"]) == Fraction(case["expected"]["qty"]) == 15
    assert seed_rule == 5
