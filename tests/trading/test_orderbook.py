"""Given resting orders, when an order enters, then these facts."""

import pytest

from backend.kernel.errors import InvariantBroken
from backend.trading.domain.orderbook import (
    Cancel,
    Enter,
    Entered,
    Fact,
    Level,
    OrderBook,
    Removed,
    SelfTradePrevention,
    Traded,
)
from backend.trading.errors import NotInBook
from backend.trading.events import RemovalReason


def buy(order_id: str, price: int, quantity: int, owner: str | None = None, **rest) -> Enter:
    return Enter(order_id, owner or f"owner-{order_id}", True, price, quantity, **rest)


def sell(order_id: str, price: int, quantity: int, owner: str | None = None, **rest) -> Enter:
    return Enter(order_id, owner or f"owner-{order_id}", False, price, quantity, **rest)


def given(*orders: Enter) -> OrderBook:
    book = OrderBook()
    for order in orders:
        book.execute(order)
    return book


def outcome(facts: list[Fact]) -> list[Fact]:
    """The facts after the first, which always is that the order entered."""
    assert isinstance(facts[0], Entered)
    return facts[1:]


def test_an_order_that_crosses_nothing_rests():
    book = given(sell("s1", 101, 5))
    assert outcome(book.execute(buy("b1", 100, 3))) == []
    assert (book.best_bid(), book.best_ask()) == (100, 101)


def test_the_best_price_trades_first_whoever_came_first():
    book = given(sell("early", 102, 5), sell("late", 101, 5))
    facts = outcome(book.execute(buy("b", 102, 5)))
    assert facts == [Traded("late", "b", 101, 5)]


def test_at_one_price_the_first_to_come_trades_first():
    book = given(sell("first", 101, 5), sell("second", 101, 5))
    facts = outcome(book.execute(buy("b", 101, 7)))
    assert facts == [Traded("first", "b", 101, 5), Traded("second", "b", 101, 2)]


def test_a_partial_fill_keeps_its_time_priority():
    book = given(sell("first", 101, 5), sell("second", 101, 5))
    book.execute(buy("b1", 101, 2))
    facts = outcome(book.execute(buy("b2", 101, 4)))
    assert facts == [Traded("first", "b2", 101, 3), Traded("second", "b2", 101, 1)]


@pytest.mark.parametrize(("taker", "price"), [(buy("t", 110, 1), 101), (sell("t", 90, 1), 100)])
def test_the_trade_happens_at_the_makers_price(taker: Enter, price: int):
    book = given(sell("s", 101, 1), buy("b", 100, 1))
    assert outcome(book.execute(taker))[0].price == price


def test_what_is_left_of_an_aggressive_order_rests_at_its_limit():
    book = given(sell("s", 101, 2))
    book.execute(buy("b", 105, 5))
    assert [(o.order_id, o.price, o.leaves) for o in book.resting(buy=True)] == [("b", 105, 3)]
    assert book.best_ask() is None


def test_a_sell_walks_down_the_bids():
    book = given(buy("low", 99, 5), buy("high", 100, 5))
    facts = outcome(book.execute(sell("s", 99, 8)))
    assert facts == [Traded("high", "s", 100, 5), Traded("low", "s", 99, 3)]


def test_a_cancel_takes_what_is_left():
    book = given(sell("s", 101, 5), buy("b", 101, 2))
    assert book.execute(Cancel("s")) == [Removed("s", 3, RemovalReason.CANCELLED)]
    assert len(book) == 0
    assert book.best_ask() is None


@pytest.mark.parametrize("order_id", ["never", "filled", "cancelled"])
def test_a_cancel_of_what_is_not_in_the_book_is_refused(order_id: str):
    book = given(sell("filled", 101, 5), buy("b", 101, 5), sell("cancelled", 103, 1))
    book.execute(Cancel("cancelled"))
    with pytest.raises(NotInBook):
        book.execute(Cancel(order_id))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (SelfTradePrevention.CANCEL_NEWEST, [("t", 4)]),
        (SelfTradePrevention.CANCEL_OLDEST, [("own", 2)]),
        (SelfTradePrevention.CANCEL_BOTH, [("own", 2), ("t", 4)]),
    ],
)
def test_one_owner_never_trades_with_itself(mode, expected):
    book = given(sell("other", 100, 1), sell("own", 101, 2, "me"), sell("behind", 101, 9))
    facts = outcome(book.execute(buy("t", 101, 5, "me", prevention=mode)))
    removed = [(f.order_id, f.quantity) for f in facts if isinstance(f, Removed)]
    traded = [(f.maker_order_id, f.quantity) for f in facts if isinstance(f, Traded)]
    assert removed == expected
    assert traded[0] == ("other", 1)
    assert ("own", 2) not in traded
    assert (("behind", 4) in traded) is (mode is SelfTradePrevention.CANCEL_OLDEST)


def test_the_default_is_to_cancel_the_newest():
    assert buy("b", 1, 1).prevention is SelfTradePrevention.CANCEL_NEWEST


def test_deciding_changes_nothing():
    book = given(sell("s", 101, 5))
    before = book.digest()
    first = book.decide(buy("b", 101, 5))
    assert book.digest() == before
    assert book.decide(buy("b", 101, 5)) == first


def test_depth_adds_up_each_level_best_first():
    book = given(buy("a", 100, 5), buy("b", 100, 7), buy("c", 98, 1), buy("d", 99, 2))
    assert book.depth(buy=True, levels=2) == [Level(100, 12, 2), Level(99, 2, 1)]
    assert book.depth(buy=False, levels=2) == []


@pytest.mark.parametrize("order", [buy("b", 0, 1), buy("b", 1, 0), sell("b", -1, 1)])
def test_ticks_and_lots_are_positive(order: Enter):
    with pytest.raises(InvariantBroken):
        OrderBook().execute(order)


def test_an_order_enters_once():
    book = given(buy("b", 1, 1))
    with pytest.raises(InvariantBroken):
        book.execute(buy("b", 1, 1))


@pytest.mark.parametrize(
    "fact",
    [
        Traded("s", "missing", 101, 1),
        Removed("s", 4, RemovalReason.CANCELLED),
        Removed("s", 6, RemovalReason.CANCELLED),
        Entered("s", "x", False, 101, 5),
    ],
)
def test_a_fact_that_does_not_follow_is_refused(fact: Fact):
    with pytest.raises(InvariantBroken):
        given(sell("s", 101, 5)).apply(fact)
