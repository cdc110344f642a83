"""Amounts: what is accepted, what is refused, and that arithmetic loses nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import AmountInvalid, ValueInvalid
from backend.kernel.money import (
    CurrencyMismatch,
    Money,
    Price,
    Quantity,
    UnitMismatch,
    parse_decimal,
)

amounts = st.decimals(
    min_value=Decimal(-(10**15)), max_value=Decimal(10**15), places=6, allow_nan=False
)


@pytest.mark.parametrize(
    "text",
    ["1e5", "1E5", "NaN", "Infinity", "-Infinity", "+1", ".5", "5.", "01", "1_000", " 1", "1 ", "",
     "1,5", "٣", "0x10", "--1", "1.0000000000000000001", "1" * 21, "1\n"],
)  # fmt: skip
def test_anything_but_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(AmountInvalid):
        parse_decimal(text)


@pytest.mark.parametrize("text", ["0", "-0.5", "1", "99999999999999999999", "0.123456789012345678"])
def test_plain_decimals_are_kept_as_written(text: str) -> None:
    assert format(parse_decimal(text), "f") == text


def test_an_exponent_never_reaches_a_payload() -> None:
    assert str(Money(Decimal("1E+3"), "USD").amount) == "1000"


def test_unknown_currencies_are_refused() -> None:
    with pytest.raises(ValueInvalid):
        Money.of("1", "XXX")


def test_currencies_and_units_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money.of("1", "USD") + Money.of("1", "EUR")
    with pytest.raises(UnitMismatch):
        Quantity.of("1", "a") - Quantity.of("1", "b")


@pytest.mark.parametrize("text", ["0", "-1", "0.0000001"])
def test_a_price_is_positive_with_at_most_six_places(text: str) -> None:
    with pytest.raises(AmountInvalid):
        Price.of(text, "USD")


@pytest.mark.parametrize(
    ("exact", "currency", "booked"),
    [
        ("0.005", "USD", "0.01"),
        ("-0.005", "USD", "-0.01"),
        ("0.5", "JPY", "1"),
        ("1.004", "EUR", "1.00"),
    ],
)
def test_booking_rounds_half_up_to_the_minor_unit(exact: str, currency: str, booked: str) -> None:
    assert Money.of(exact, currency).booked() == Money.of(booked, currency)


@given(amounts, amounts)
def test_addition_is_exact_and_reversible(left: Decimal, right: Decimal) -> None:
    a, b = Money(left, "USD"), Money(right, "USD")
    assert (a + b) - b == a
    assert (a + b).amount == left + right


@given(
    st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10**12), places=2),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
)
def test_shares_with_the_remainder_in_the_last_slice_lose_nothing(
    total: Decimal, parts: list[int]
) -> None:
    money, whole, left = Money(total, "USD"), Decimal(sum(parts)), Money(total, "USD")
    for part in parts[:-1]:
        left = left - money.share(Decimal(part), whole)
    exact_last = total * parts[-1] / whole
    assert abs(left.amount - exact_last) <= Decimal("0.005") * len(parts)
