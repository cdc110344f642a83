"""The checks, one by one: at the bound they pass, beyond it they refuse, and say with what."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.compliance.domain.breaker import Breakers, BreakerState
from backend.compliance.domain.checks import (
    Exposure,
    OrderIntent,
    Policy,
    first_failure,
    post_trade,
    pre_trade,
)
from backend.compliance.domain.limits import Limits
from backend.compliance.events import CheckName
from backend.kernel.errors import ErrorCode
from backend.kernel.money import CurrencyMismatch, Money, Price, Quantity
from backend.portfolio.events import Side

SECURITY = "018f3f6e-0000-7000-8000-000000000001"
NO_LIMITS = Limits()


def units(text):
    return Quantity.of(text, SECURITY)


def intent(side=Side.BUY, quantity="10", price="100"):
    return OrderIntent("account", side, units(quantity), Price.of(price, "USD"))


def exposure(cash="1000", available="10", held="10", incoming="0", nav="2000"):
    return Exposure(
        account_id="account",
        portfolio_id="portfolio",
        cash_available=Money.of(cash, "USD"),
        units_available=units(available),
        units_held=units(held),
        units_incoming=units(incoming),
        nav=None if nav is None else Money.of(nav, "USD"),
    )


def check(name, **given_):
    fields = {
        "intent": intent(),
        "exposure": exposure(),
        "limits": NO_LIMITS,
        "breakers": Breakers(SECURITY),
        "reference": Price.of("100", "USD"),
        "policy": Policy(),
    }
    checks = pre_trade(**{**fields, **given_})
    (found,) = [each for each in checks if each.name is name]
    assert (found.code is None) is found.passed
    assert all(isinstance(value, str) for value in found.inputs.values())
    return found


@pytest.mark.parametrize(("cash", "passed"), [("1000", True), ("999.99", False)])
def test_cash_must_cover_the_order(cash, passed):
    found = check(CheckName.CASH_AVAILABLE, exposure=exposure(cash=cash))
    assert found.passed is passed
    assert found.inputs == {"available": cash, "currency": "USD", "needed": "1000.00"}


@pytest.mark.parametrize(
    ("quantity", "price", "needed"),
    [("3", "99.9999", "300.00"), ("0.000001", "0.01", "0.01"), ("2", "1.005", "2.01")],
)
def test_the_cash_needed_is_rounded_up(quantity, price, needed):
    assert intent(quantity=quantity, price=price).cash_needed == Money.of(needed, "USD")


@pytest.mark.parametrize(("available", "passed"), [("10", True), ("9.999999", False)])
def test_units_must_cover_a_sale(available, passed):
    found = check(
        CheckName.UNITS_AVAILABLE,
        intent=intent(Side.SELL),
        exposure=exposure(available=available),
    )
    assert found.passed is passed
    assert found.code is (None if passed else ErrorCode.INSUFFICIENT_UNITS)


@pytest.mark.parametrize(("incoming", "passed"), [("5", True), ("5.000001", False)])
def test_units_held_coming_and_ordered_stay_within_the_limit(incoming, passed):
    found = check(
        CheckName.POSITION_UNITS,
        exposure=exposure(incoming=incoming),
        limits=Limits(max_units=Decimal(25)),
    )
    assert found.passed is passed


@pytest.mark.parametrize(("limit", "passed"), [("2000", True), ("1999.99", False)])
def test_the_notional_is_valued_at_the_reference_price(limit, passed):
    found = check(
        CheckName.POSITION_NOTIONAL,
        intent=intent(price="110"),
        limits=Limits(max_notional=Decimal(limit)),
    )
    assert (found.passed, found.inputs["projected"]) == (passed, "2000")


@pytest.mark.parametrize(("weight", "passed"), [("0.5", True), ("0.499999", False)])
def test_the_weight_is_of_the_net_asset_value(weight, passed):
    found = check(
        CheckName.POSITION_WEIGHT,
        exposure=exposure(nav="4000"),
        limits=Limits(max_weight=Decimal(weight)),
    )
    assert found.passed is passed


def test_a_weight_without_a_net_asset_value_is_refused():
    found = check(
        CheckName.POSITION_WEIGHT,
        exposure=exposure(nav=None),
        limits=Limits(max_weight=Decimal(1)),
    )
    assert found.code is ErrorCode.PRICE_UNAVAILABLE


def test_a_sale_is_never_held_against_a_position_limit():
    tight = Limits(Decimal(1), Decimal(1), Decimal("0.01"))
    checks = pre_trade(
        intent(Side.SELL), exposure(), tight, Breakers(SECURITY), Price.of("100", "USD"), Policy()
    )
    assert first_failure(checks) is None


@pytest.mark.parametrize(
    ("price", "passed"), [("120", True), ("120.0001", False), ("80", True), ("79.9999", False)]
)
def test_the_collar_is_on_both_sides_of_the_last_close(price, passed):
    found = check(CheckName.PRICE_COLLAR, intent=intent(quantity="1", price=price))
    assert found.passed is passed


def test_the_collar_without_a_reference_price_is_refused():
    found = check(CheckName.PRICE_COLLAR, reference=None)
    assert found.code is ErrorCode.PRICE_UNAVAILABLE


def test_a_venue_may_switch_the_collar_off():
    checks = pre_trade(
        intent(), exposure(), NO_LIMITS, Breakers(SECURITY), None, Policy(price_collar=None)
    )
    assert CheckName.PRICE_COLLAR not in {each.name for each in checks}


@pytest.mark.parametrize(
    ("breakers", "name"),
    [
        (Breakers(SECURITY, venue=BreakerState.OPEN), CheckName.BREAKER_VENUE),
        (Breakers(SECURITY, security=BreakerState.OPEN), CheckName.BREAKER_SECURITY),
    ],
)
def test_an_open_breaker_comes_before_every_other_refusal(breakers, name):
    checks = pre_trade(
        intent(), exposure(cash="0"), NO_LIMITS, breakers, Price.of("100", "USD"), Policy()
    )
    failure = first_failure(checks)
    assert failure is not None
    assert (failure.name, failure.code) == (name, ErrorCode.CIRCUIT_BREAKER_OPEN)
    assert len([each for each in checks if not each.passed]) == 2  # and the cash was looked at


def test_mixed_currencies_are_an_error_not_a_verdict():
    with pytest.raises(CurrencyMismatch):
        check(CheckName.PRICE_COLLAR, reference=Price.of("100", "EUR"))


@given(
    held=st.integers(0, 10**9),
    incoming=st.integers(0, 10**9),
    limit=st.integers(1, 2 * 10**9),
)
def test_after_the_trade_a_limit_holds_exactly_when_the_exposure_is_within(held, incoming, limit):
    micro = Decimal("0.000001")
    shown = Exposure(
        account_id="account",
        portfolio_id="portfolio",
        cash_available=Money.zero("USD"),
        units_available=units("0"),
        units_held=Quantity(held * micro, SECURITY),
        units_incoming=Quantity(incoming * micro, SECURITY),
        nav=None,
    )
    (found,) = post_trade(shown, Limits(max_units=limit * micro), Price.of("1", "USD"))
    assert found.passed is (held + incoming <= limit)
