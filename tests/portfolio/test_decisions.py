"""Deposits, reservations and trades: what they decide, refuse and repeat."""

from datetime import date
from decimal import Decimal

import pytest

from backend.kernel.errors import AmountInvalid, InvariantBroken, ValueInvalid
from backend.kernel.money import CurrencyMismatch, UnitMismatch
from backend.portfolio import decisions
from backend.portfolio.domain import check_invariants, evolve
from backend.portfolio.errors import (
    AlreadyRecorded,
    InsufficientCash,
    InsufficientUnits,
    LotMethodUnsupported,
    ReservationExceeded,
    ReservationMismatch,
    ReservationUnknown,
)
from backend.portfolio.events import Evidence, LotMethod, Side
from backend.portfolio.ledger import entry_of
from tests.portfolio.books import (
    ACME,
    DAY,
    WALLET,
    account,
    book,
    evidence,
    money,
    price,
    then,
    trade,
    units,
    with_cash,
    with_units,
)


def test_a_cash_deposit_adds_to_the_balance_once():
    state = with_cash(account(), "100.00")
    again = decisions.deposit_cash(state, "cash-1", money("100"), DAY, evidence())
    assert state.cash == money("100")
    assert again == ()


def test_a_deposit_id_with_other_content_is_refused():
    state = with_cash(account(), "100.00")
    with pytest.raises(AlreadyRecorded):
        decisions.deposit_cash(state, "cash-1", money("100.01"), DAY, evidence())
    with pytest.raises(AlreadyRecorded):
        decisions.deposit_cash(state, "cash-1", money("100.00"), DAY, evidence(2))


@pytest.mark.parametrize("amount", ["0", "-1", "0.001"])
def test_a_deposit_is_positive_and_in_whole_minor_units(amount):
    with pytest.raises(AmountInvalid):
        decisions.deposit_cash(account(), "d", money(amount), DAY, evidence())


def test_a_deposit_in_another_currency_is_refused():
    with pytest.raises(CurrencyMismatch):
        decisions.deposit_cash(account(), "d", money("1", "EUR"), DAY, evidence())


def test_units_in_kind_form_a_lot_with_its_own_acquisition_date():
    state = with_units(account(), "3", "10.333", date(2020, 5, 1), 1)
    (lot,) = state.position(ACME).lots
    assert (lot.acquired_on, lot.cost, lot.units) == (
        date(2020, 5, 1),
        money("31.00"),
        units("3"),
    )


def test_units_cannot_be_acquired_after_the_deposit():
    with pytest.raises(ValueInvalid):
        decisions.deposit_units(
            account(), "d", units("1"), price("1"), date(2024, 1, 3), DAY, evidence()
        )


def test_reserved_cash_is_not_free_for_a_second_reservation():
    state = with_cash(account(), "100")
    state = then(state, decisions.reserve_cash(state, "r1", money("60"), units("6")))
    with pytest.raises(InsufficientCash) as refused:
        decisions.reserve_cash(state, "r2", money("40.01"), units("4"))
    assert refused.value.available == money("40")
    assert refused.value.needed == money("40.01")
    assert decisions.reserve_cash(state, "r1", money("60.0"), units("6")) == ()
    with pytest.raises(AlreadyRecorded):
        decisions.reserve_cash(state, "r1", money("61"), units("6"))


def test_reserved_units_are_not_free_for_a_second_reservation():
    state = with_units(account(), "10", "1", DAY, 1)
    state = then(state, decisions.reserve_units(state, "r1", units("7")))
    with pytest.raises(InsufficientUnits) as refused:
        decisions.reserve_units(state, "r2", units("3.000001"))
    assert refused.value.available == units("3")
    with pytest.raises(InsufficientUnits):
        decisions.reserve_units(state, "r3", units("1", "other"))


def test_a_reservation_is_released_in_parts_that_lose_nothing():
    state = with_cash(account(), "10")
    state = then(state, decisions.reserve_cash(state, "r", money("10"), units("3")))
    freed = []
    for number in range(3):
        events = decisions.release(state, "r", f"part-{number}", "cancelled", units("1"))
        freed.append(events[0].cash)
        state = then(state, events)
    assert sorted(each.amount for each in freed) == [Decimal("3.33")] * 2 + [Decimal("3.34")]
    assert state.cash_reserved == money("0")
    assert state.reservations == {}


def test_a_release_happens_once_and_never_exceeds():
    state = with_units(account(), "10", "1", DAY, 1)
    state = then(state, decisions.reserve_units(state, "r", units("7")))
    state = then(state, decisions.release(state, "r", "a", "failed", units("5")))
    assert decisions.release(state, "r", "a", "failed", units("5.0")) == ()
    with pytest.raises(AlreadyRecorded):
        decisions.release(state, "r", "a", "failed", units("1"))
    with pytest.raises(ReservationExceeded):
        decisions.release(state, "r", "b", "failed", units("2.1"))
    state = then(state, decisions.release(state, "r", "c", "cancelled"))
    assert state.position(ACME).free == units("10")
    assert decisions.release(state, "r", "c", "cancelled") == ()
    assert decisions.release(state, "r", "d", "cancelled") == ()
    with pytest.raises(ReservationExceeded):
        decisions.release(state, "r", "e", "cancelled", units("1"))
    assert decisions.reserve_units(state, "r", units("7")) == ()  # not made a second time


def test_an_unknown_reservation_cannot_be_released():
    with pytest.raises(ReservationUnknown):
        decisions.release(account(), "r", "a", "cancelled")


def test_a_purchase_opens_a_lot_at_cost_with_fees_on_the_trade_date():
    state = with_cash(account(), "1000")
    settles = date(2024, 1, 4)
    (event,) = decisions.book_trade(
        state, trade("t", Side.BUY, "10", "20", fees="1.5", settles=settles)
    )
    state = then(state, (event,))
    (lot,) = state.position(ACME).lots
    assert (lot.cost, lot.acquired_on) == (money("201.50"), DAY)
    assert state.cash == money("798.50")
    assert (event.trade_date, event.settlement_date) == (DAY, settles)


def test_a_better_price_than_reserved_frees_the_difference():
    state = with_cash(account(), "1000")
    state = then(state, decisions.reserve_cash(state, "o", money("1000"), units("100")))
    state = book(state, trade("t", Side.BUY, "40", "9.50", reservation_id="o"))
    assert state.cash == money("620")
    assert state.cash_reserved == money("600")
    assert state.free_cash == money("20")


def test_a_trade_cannot_spend_what_another_order_reserved():
    state = with_cash(account(), "100")
    state = then(state, decisions.reserve_cash(state, "o", money("60"), units("6")))
    with pytest.raises(InsufficientCash):
        decisions.book_trade(state, trade("t", Side.BUY, "5", "10"))
    assert decisions.book_trade(state, trade("t", Side.BUY, "4", "10"))


def test_a_sale_cannot_take_units_another_order_reserved():
    state = with_units(account(), "10", "1", DAY, 1)
    state = then(state, decisions.reserve_units(state, "o", units("6")))
    with pytest.raises(InsufficientUnits):
        decisions.book_trade(state, trade("t", Side.SELL, "5", "10"))
    assert decisions.book_trade(state, trade("t", Side.SELL, "5", "10", reservation_id="o"))


def test_a_trade_needs_a_reservation_of_its_kind():
    state = with_units(with_cash(account(), "100", 2), "10", "1", DAY, 1)
    state = then(state, decisions.reserve_units(state, "o", units("6")))
    with pytest.raises(ReservationMismatch):
        decisions.book_trade(state, trade("t", Side.BUY, "5", "10", reservation_id="o"))
    with pytest.raises(ReservationUnknown):
        decisions.book_trade(state, trade("t", Side.SELL, "5", "10", reservation_id="p"))
    with pytest.raises(ReservationExceeded):
        decisions.book_trade(state, trade("t", Side.SELL, "7", "10", reservation_id="o"))
    other = trade("t", Side.SELL, "1", "10", security="other", reservation_id="o")
    with pytest.raises(UnitMismatch):
        decisions.book_trade(state, other)


def test_a_trade_is_booked_once():
    state = with_cash(account(), "1000")
    state = book(state, trade("t", Side.BUY, "10", "20"))
    assert decisions.book_trade(state, trade("t", Side.BUY, "10.0", "20.00")) == ()
    with pytest.raises(AlreadyRecorded):
        decisions.book_trade(state, trade("t", Side.BUY, "10", "20.01"))
    with pytest.raises(AlreadyRecorded):
        decisions.book_trade(state, trade("t", Side.SELL, "10", "20"))


def test_a_trade_with_a_reservation_is_booked_once_too():
    state = with_cash(account(), "1000")
    state = then(state, decisions.reserve_cash(state, "o", money("200"), units("10")))
    command = trade("t", Side.BUY, "10", "20", reservation_id="o")
    state = book(state, command)
    assert decisions.book_trade(state, command) == ()


def test_proceeds_of_a_sale_over_several_lots_lose_no_cent():
    state = account()
    for number, quantity in enumerate(["1", "1", "1"], start=1):
        state = with_units(state, quantity, "1", date(2020, 1, number), number)
    (event,) = decisions.book_trade(state, trade("t", Side.SELL, "3", "3.333333", fees="0.05"))
    assert event.gross == money("10.00")
    assert [lot.proceeds for lot in event.lots_closed] == [
        money("3.32"),
        money("3.32"),
        money("3.31"),
    ]
    then(state, (event,))


def test_fees_above_the_proceeds_need_cash():
    state = with_units(account(), "1", "1", DAY, 1)
    sale = trade("t", Side.SELL, "1", "1", fees="3")
    with pytest.raises(InsufficientCash):
        decisions.book_trade(state, sale)
    state = book(with_cash(state, "2", 2), sale)
    assert state.cash == money("0")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"fees": "-1"}, AmountInvalid),
        ({"fees": "0.001"}, AmountInvalid),
        ({"settles": date(2024, 1, 1)}, ValueInvalid),
        ({"currency": "EUR"}, CurrencyMismatch),
    ],
)
def test_a_malformed_trade_is_refused(changed, error):
    with pytest.raises(error):
        decisions.book_trade(with_cash(account(), "99"), trade("t", Side.BUY, "1", "1", **changed))


def test_an_account_needs_a_wallet_a_name_a_currency_and_a_known_method():
    good = {
        "account_id": "a",
        "portfolio_id": "p",
        "name": "Main",
        "currency": "USD",
        "wallet_address": WALLET,
    }
    assert decisions.open_account(**good).lot_method is LotMethod.FIFO
    for bad in ({"wallet_address": "0x12"}, {"name": " "}, {"currency": "XXX"}):
        with pytest.raises(ValueInvalid):
            decisions.open_account(**{**good, **bad})
    for method in (LotMethod.AVERAGE, LotMethod.SPECIFIC):
        with pytest.raises(LotMethodUnsupported):
            decisions.open_account(**good, lot_method=method)


@pytest.mark.parametrize(
    "bad", [{"chain_id": 0}, {"tx_hash": "0x" + "A" * 64}, {"tx_hash": "ab"}, {"log_index": -1}]
)
def test_evidence_has_a_form(bad):
    good = {"chain_id": 1, "tx_hash": "0x" + "a" * 64, "log_index": 0}
    assert Evidence(**good)
    with pytest.raises(ValueInvalid):
        Evidence(**{**good, **bad})


def test_the_invariant_check_notices_broken_books():
    state = with_units(with_cash(account(), "10", 2), "2", "1", DAY, 1)
    position = state.position(ACME)
    broken = [
        {"cash_reserved": money("11")},
        {"cash_reserved": money("1")},
        {"positions": {ACME: type(position)(units=units("3"), reserved=units("0"))}},
        {
            "positions": {
                ACME: type(position)(units=units("2"), reserved=units("1"), lots=position.lots)
            }
        },
    ]
    check_invariants(state)
    for change in broken:
        fields = {name: getattr(state, name) for name in state.__struct_fields__}
        with pytest.raises(InvariantBroken):
            check_invariants(type(state)(**{**fields, **change}))


def test_events_before_the_opening_or_a_second_opening_are_refused():
    (event,) = decisions.deposit_cash(account(), "d", money("1"), DAY, evidence())
    with pytest.raises(InvariantBroken):
        evolve(None, event)
    opened = decisions.open_account(
        account_id="a", portfolio_id="p", name="n", currency="USD", wallet_address=WALLET
    )
    with pytest.raises(InvariantBroken):
        evolve(account(), opened)


def test_a_sale_makes_a_balanced_entry_that_names_its_lots():
    state = with_units(account(), "10", "8", DAY, 1)
    (event,) = decisions.book_trade(state, trade("t", Side.SELL, "4", "10", fees="2"))
    entry = entry_of(event)
    lines = {(line.ledger_account, line.commodity): line.amount for line in entry.lines}
    assert lines == {
        ("cash:USD", "USD"): Decimal("38.00"),
        ("position:acme", "acme"): Decimal("-4"),
        ("conversion:acme", "acme"): Decimal("4"),
        ("conversion:acme", "USD"): Decimal("-32.00"),
        ("realised_gain", "USD"): Decimal("-6.00"),
        ("fees", "USD"): Decimal("2"),
        ("fees_absorbed", "USD"): Decimal("-2"),
    }
    assert {line.lot_id for line in entry.lines} == {None, "units-1"}
