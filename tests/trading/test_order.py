"""Given an order's events, when a command comes, then these events."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given as random_given
from hypothesis import strategies as st

from backend.compliance.events import Check, CheckName
from backend.kernel.errors import AmountInvalid, ErrorCode, InvariantBroken
from backend.kernel.money import Money, Price, Quantity
from backend.portfolio.events import Side
from backend.trading.domain.order import (
    OrderStatus,
    Terms,
    cancel,
    evolve,
    fill,
    place,
    reject_cancel,
    request_cancel,
)
from backend.trading.domain.units import to_decimal, to_integer
from backend.trading.errors import OrderStateInvalid, OrderUnknown
from backend.trading.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCancelRequested,
    OrderFilled,
    OrderRejected,
    RemovalReason,
)

SECURITY = "s"
PASSED = Check(name=CheckName.CASH_AVAILABLE, passed=True, inputs={})
FAILED = Check(
    name=CheckName.PRICE_COLLAR, passed=False, inputs={}, code=ErrorCode.PRICE_OUTSIDE_COLLAR
)


def terms(side=Side.BUY):
    return Terms(
        order_id="o",
        participant_id="p",
        portfolio_id="f",
        account_id="a",
        security_id=SECURITY,
        side=side,
        quantity=Quantity.of("10", SECURITY),
        limit_price=Price.of("100", "USD"),
        client_order_id="c",
    )


def given(*events, side=Side.BUY):
    state = None
    for event in (*place(terms(side), [PASSED]), *events):
        state = evolve(state, event)
    return state


def filled(order, quantity, price="100"):
    amount, units = Price.of(price, "USD"), Quantity.of(quantity, SECURITY)
    return fill(
        order,
        trade_id="t",
        quantity=units,
        price=amount,
        gross=amount.times(units).booked(),
        trade_date=date(2013, 2, 12),
        settlement_date=date(2013, 2, 15),
    )


def test_an_order_whose_checks_all_pass_is_accepted():
    (event,) = place(terms(), [PASSED, PASSED])
    assert isinstance(event, OrderAccepted)
    assert given().status is OrderStatus.ACCEPTED


def test_one_failed_check_rejects_with_its_code_and_keeps_all_checks():
    (event,) = place(terms(), [PASSED, FAILED])
    assert isinstance(event, OrderRejected)
    assert (event.code, event.checks) == (ErrorCode.PRICE_OUTSIDE_COLLAR, (PASSED, FAILED))
    assert evolve(None, event).leaves == Quantity.zero(SECURITY)


def test_an_unchecked_order_is_never_placed():
    with pytest.raises(InvariantBroken):
        place(terms(), [])


def test_fills_add_up_until_nothing_is_left():
    (first,) = filled(given(), "4")
    assert (first.leaves_quantity.units, given(first).status) == (6, OrderStatus.PARTIALLY_FILLED)
    (second,) = filled(given(first), "6", "99")
    order = given(first, second)
    assert (order.status, order.filled.units, order.leaves.units) == (OrderStatus.FILLED, 10, 0)


@pytest.mark.parametrize(
    ("side", "quantity", "price"),
    [
        (Side.BUY, "11", "100"),
        (Side.BUY, "0", "100"),
        (Side.BUY, "1", "100.01"),
        (Side.SELL, "1", "99.99"),
    ],
)
def test_a_fill_is_never_more_than_is_left_nor_worse_than_the_limit(side, quantity, price):
    with pytest.raises(InvariantBroken):
        filled(given(side=side), quantity, price)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "99"), (Side.SELL, "101")])
def test_a_fill_may_be_better_than_the_limit(side, price):
    (event,) = filled(given(side=side), "1", price)
    assert isinstance(event, OrderFilled)


def test_a_cancel_is_requested_then_confirmed():
    (requested,) = request_cancel(given())
    assert isinstance(requested, OrderCancelRequested)
    (confirmed,) = cancel(given(requested), RemovalReason.CANCELLED)
    assert isinstance(confirmed, OrderCancelled)
    order = given(requested, confirmed)
    assert (order.status, order.leaves.units) == (OrderStatus.CANCELLED, 0)
    assert confirmed.leaves_quantity.units == 10


def test_what_is_over_cannot_be_cancelled():
    done = given(*filled(given(), "10"))
    with pytest.raises(OrderStateInvalid):
        request_cancel(done)
    with pytest.raises(InvariantBroken):
        cancel(done, RemovalReason.CANCELLED)
    with pytest.raises(OrderUnknown):
        request_cancel(None)


def test_a_refused_cancel_may_be_asked_for_again():
    (requested,) = request_cancel(given())
    with pytest.raises(OrderStateInvalid):
        request_cancel(given(requested))
    assert request_cancel(given(requested, *reject_cancel(given(requested))))


def test_a_stream_begins_with_the_placing():
    (event,) = filled(given(), "1")
    with pytest.raises(InvariantBroken):
        evolve(None, event)


@random_given(st.integers(0, 10**25))
def test_integers_and_decimals_are_the_same_numbers(number):
    assert to_integer(to_decimal(number)) == number


@random_given(st.decimals(min_value=0, max_value=10**15, places=6))
def test_every_decimal_of_six_places_survives(value):
    assert to_decimal(to_integer(value)) == value


@pytest.mark.parametrize("value", ["0.0000001", "NaN", "Infinity"])
def test_what_is_finer_than_a_lot_is_refused(value):
    with pytest.raises(AmountInvalid):
        to_integer(Decimal(value))


def test_gross_is_money():
    (event,) = filled(given(), "3", "99.99")
    assert event.gross == Money.of("299.97", "USD")
