"""Given an account, when an order is placed, then it is accepted and reserved, or rejected."""

import threading
from decimal import Decimal
from uuid import uuid4

import pytest

from backend.compliance import store as tables
from backend.compliance.domain.limits import Limits
from backend.compliance.events import CheckName
from backend.eventstore.scope import Scope
from backend.kernel.errors import AmountInvalid, DomainError, ErrorCode, NotFound, ValueInvalid
from backend.kernel.money import CurrencyMismatch, Money
from backend.portfolio.events import Side
from backend.trading.domain.order import OrderStatus
from backend.trading.errors import (
    ClientOrderIdUsed,
    IncrementInvalid,
    OrderStateInvalid,
    OrderUnknown,
)
from backend.trading.events import OrderAccepted, OrderRejected

pytestmark = pytest.mark.db


def failed(placed):
    return [check.name for check in placed.checks if not check.passed]


def test_a_buy_is_accepted_and_its_cash_reserved_in_one_transaction(venue):
    alice = venue.participant(cash="1000")
    placed = alice.buy("3", "99.99")
    assert placed.status is OrderStatus.ACCEPTED
    assert {check.name for check in placed.checks} >= {
        CheckName.BREAKER_VENUE,
        CheckName.BREAKER_SECURITY,
        CheckName.CASH_AVAILABLE,
        CheckName.POSITION_UNITS,
        CheckName.PRICE_COLLAR,
    }
    assert alice.books().cash_reserved == Money.of("299.97", "USD")
    (accepted,) = venue.events(OrderAccepted)
    assert accepted.tenant_id == alice.tenant
    assert accepted.actor == f"participant:{alice.id}"


def test_a_sell_reserves_its_units(venue):
    bob = venue.participant(cash="0", units="10")
    assert bob.sell("4", "101").status is OrderStatus.ACCEPTED
    assert bob.books().position(venue.security).free.units == Decimal(6)


@pytest.mark.parametrize(
    ("side", "quantity", "price", "check", "code"),
    [
        ("buy", "11", "100", CheckName.CASH_AVAILABLE, ErrorCode.INSUFFICIENT_CASH),
        ("sell", "11", "100", CheckName.UNITS_AVAILABLE, ErrorCode.INSUFFICIENT_UNITS),
        ("buy", "1", "120.01", CheckName.PRICE_COLLAR, ErrorCode.PRICE_OUTSIDE_COLLAR),
        ("sell", "1", "79.99", CheckName.PRICE_COLLAR, ErrorCode.PRICE_OUTSIDE_COLLAR),
    ],
)
def test_a_failed_check_rejects_on_record_and_reserves_nothing(
    venue, side, quantity, price, check, code
):
    alice = venue.participant(cash="1000", units="10")
    before = alice.books()
    placed = getattr(alice, side)(quantity, price)
    assert (placed.status, placed.code, failed(placed)) == (OrderStatus.REJECTED, code, [check])
    assert alice.books() == before
    (rejected,) = venue.events(OrderRejected)
    assert rejected.event.code is code
    (row,) = venue.rows("SELECT status, reject_code, leaves_quantity FROM orders")
    assert row == {"status": "rejected", "reject_code": code.value, "leaves_quantity": 0}
    assert venue.match() == 0


@pytest.mark.parametrize(
    ("side", "quantity", "price"), [("buy", "10", "100"), ("sell", "10", "80"), ("buy", "1", "120")]
)
def test_the_bound_itself_passes(venue, side, quantity, price):
    alice = venue.participant(cash="1000", units="10")
    assert getattr(alice, side)(quantity, price).status is OrderStatus.ACCEPTED


def test_open_orders_count_towards_the_position_limit(venue):
    alice = venue.participant(cash="100000")
    venue.operate(
        lambda uow: venue.compliance.set_limit(
            uow, alice.tenant, None, venue.security, Limits(max_units=Decimal(10)), "drill"
        )
    )
    assert alice.buy("6", "100").status is OrderStatus.ACCEPTED
    second = alice.buy("5", "100")
    assert second.code is ErrorCode.POSITION_LIMIT_EXCEEDED
    (check,) = [each for each in second.checks if not each.passed]
    assert check.inputs == {"limit": "10", "projected": "11"}
    assert alice.buy("4", "100").status is OrderStatus.ACCEPTED


def test_another_tenants_limit_does_not_count(venue):
    alice, bob = venue.participant(), venue.participant()
    venue.operate(
        lambda uow: venue.compliance.set_limit(
            uow, bob.tenant, None, None, Limits(max_units=Decimal(1)), "drill"
        )
    )
    assert alice.buy("5", "100").status is OrderStatus.ACCEPTED
    assert bob.buy("5", "100").code is ErrorCode.POSITION_LIMIT_EXCEEDED


def test_no_reference_price_no_order(venue):
    alice = venue.participant()
    unpriced = venue.register.add(close=None)
    assert alice.buy("1", "100", security_id=unpriced).code is ErrorCode.PRICE_UNAVAILABLE


def test_an_open_breaker_rejects(venue):
    alice = venue.participant()
    venue.trip(venue.security)
    assert alice.buy("1", "100").code is ErrorCode.CIRCUIT_BREAKER_OPEN
    other = venue.register.add()
    assert alice.buy("1", "100", security_id=other).status is OrderStatus.ACCEPTED
    venue.trip()
    assert alice.buy("1", "100", security_id=other).code is ErrorCode.CIRCUIT_BREAKER_OPEN


def test_an_unknown_security_is_refused_by_its_code(venue):
    alice = venue.participant()
    with pytest.raises(DomainError) as caught:
        alice.buy("1", "100", security_id=str(uuid4()))
    assert caught.value.code is ErrorCode.SECURITY_UNKNOWN
    assert venue.events(OrderRejected) == []


@pytest.mark.parametrize(
    ("quantity", "price"), [("0", "100"), ("-1", "100"), ("1", "0"), ("1", "-5"), ("NaN", "100")]
)
def test_what_is_not_positive_is_refused(venue, quantity, price):
    with pytest.raises(AmountInvalid):
        venue.participant().buy(quantity, price)


@pytest.mark.parametrize(
    ("quantity", "price", "increment"),
    [
        ("0.5", "100", "1"),
        ("1.000001", "100", "1"),
        ("1", "99.999", "0.01"),
        ("3", "0.001", "0.01"),
    ],
)
def test_what_is_between_two_increments_is_refused_on_no_record(venue, quantity, price, increment):
    alice = venue.participant(units="10")
    for act in (alice.buy, alice.sell):
        with pytest.raises(IncrementInvalid) as caught:
            act(quantity, price)
        assert caught.value.code is ErrorCode.AMOUNT_INVALID
        assert caught.value.context["increment"] == increment
    assert venue.rows("SELECT * FROM orders") == []


def test_the_tick_is_the_currencys(venue):
    yen = venue.register.add(currency="JPY")
    with pytest.raises(IncrementInvalid) as caught:
        venue.participant().buy("1", "100.50", security_id=yen)
    assert caught.value.context["increment"] == "1"


def test_a_fractional_holding_is_sold_in_whole_units(venue):
    bob = venue.participant(cash="0", units="4.5")
    assert bob.sell("4", "101").status is OrderStatus.ACCEPTED
    assert bob.books().position(venue.security).free.units == Decimal("0.5")


@pytest.mark.parametrize("client_order_id", ["", "x" * 65, "line\nbreak", "é"])
def test_client_order_ids_are_printable_and_short(venue, client_order_id):
    with pytest.raises(ValueInvalid):
        venue.participant().buy("1", "100", client_order_id=client_order_id)


def test_a_client_order_id_is_used_once_per_account_even_by_a_rejected_order(venue):
    alice, bob = venue.participant(), venue.participant()
    alice.buy("1", "500", client_order_id="mine")
    with pytest.raises(ClientOrderIdUsed):
        alice.buy("1", "100", client_order_id="mine")
    assert bob.buy("1", "100", client_order_id="mine").status is OrderStatus.ACCEPTED


def test_another_tenants_account_does_not_exist(venue):
    alice, mallory = venue.participant(), venue.participant()
    with pytest.raises(NotFound):
        mallory.buy("1", "100", account_id=alice.account)


def test_currencies_must_agree(venue):
    alice = venue.participant()
    with pytest.raises(CurrencyMismatch):
        alice.buy("1", "100", security_id=venue.register.add(currency="EUR"))


def test_nothing_is_kept_when_the_reservation_fails(venue, monkeypatch):
    alice = venue.participant()

    def refuse(*_, **__):
        raise ValueInvalid("The books say no.")

    monkeypatch.setattr(venue.books, "reserve_cash", refuse)
    with pytest.raises(ValueInvalid):
        alice.buy("1", "100")
    assert venue.events(OrderAccepted) == []
    assert venue.rows("SELECT * FROM orders") == []


def test_cancelling_what_is_not_there_or_over_is_refused(venue):
    alice, bob = venue.participant(), venue.participant()
    rejected = alice.buy("1", "500").order_id
    accepted = alice.buy("1", "100").order_id
    with pytest.raises(OrderUnknown):
        bob.cancel(accepted)
    with pytest.raises(OrderStateInvalid):
        alice.cancel(rejected)
    assert alice.cancel(accepted).cancel_requested
    with pytest.raises(OrderStateInvalid):
        alice.cancel(accepted)


def test_a_tenant_sees_its_own_orders_only(venue):
    alice, bob = venue.participant(), venue.participant()
    alice.buy("1", "100")
    with venue.store.database.transaction(Scope.app(bob.tenant)) as connection:
        assert connection.execute("SELECT * FROM orders").fetchall() == []
    with venue.store.database.transaction(Scope.app(alice.tenant)) as connection:
        assert len(connection.execute("SELECT * FROM orders").fetchall()) == 1


def trip_while_placing(venue, alice):
    """Trip while an order that passed the checks is not committed yet; the order of ends."""
    ended = []

    def trip():
        venue.trip()
        ended.append("trip")

    tripping = threading.Thread(target=trip)
    command = alice.command(Side.BUY, "1", "100")
    with venue.store.transaction(alice.scope, alice.caller) as uow:
        placed = venue.orders.place(uow, command)
        tripping.start()
        tripping.join(timeout=0.5)
        ended.append("order")
    tripping.join(timeout=10)
    assert placed.status is OrderStatus.ACCEPTED
    return ended


def test_a_trip_waits_for_an_order_that_found_the_breakers_closed(venue):
    alice = venue.participant()
    assert trip_while_placing(venue, alice) == ["order", "trip"]
    assert alice.buy("1", "100").code is ErrorCode.CIRCUIT_BREAKER_OPEN


def test_without_the_hold_the_trip_would_return_before_the_order(venue, monkeypatch):
    """Negative control of the test above."""
    monkeypatch.setattr(tables, "hold_breakers", lambda db: None)
    assert trip_while_placing(venue, venue.participant()) == ["trip", "order"]


@pytest.mark.parametrize("on_account", [False, True])
@pytest.mark.parametrize("on_security", [False, True])
def test_a_limit_holds_for_what_it_is_set_on_and_for_nothing_else(venue, on_account, on_security):
    alice, other = venue.participant(), venue.register.add()
    venue.operate(
        lambda uow: venue.compliance.set_limit(
            uow,
            alice.tenant,
            alice.account if on_account else None,
            venue.security if on_security else None,
            Limits(max_units=Decimal(1)),
            "drill",
        )
    )
    assert alice.buy("2", "100").code is ErrorCode.POSITION_LIMIT_EXCEEDED
    elsewhere = alice.buy("2", "100", security_id=other)
    assert (elsewhere.status is OrderStatus.ACCEPTED) is on_security
