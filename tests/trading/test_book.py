"""The book as events: replay rebuilds it, trades carry both parties, the queue keeps its order."""

from datetime import date
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import InvariantBroken
from backend.kernel.events import from_payload
from backend.kernel.money import Price, Quantity
from backend.portfolio.events import Side
from backend.trading.domain.book import BookOrder, TradeTerms, VenueBook, evolve_in_place
from backend.trading.errors import NotInBook
from backend.trading.events import Party, TradeExecuted

SECURITY = "s"


def order(number, side=Side.BUY, price="100", quantity="1", tenant=None):
    party = Party(
        tenant_id=tenant or f"tenant-{number}",
        participant_id=f"participant-{number}",
        portfolio_id=f"portfolio-{number}",
        account_id=f"account-{number}",
        order_id=f"order-{number}",
    )
    return BookOrder(
        security_id=SECURITY,
        party=party,
        side=side,
        price=Price.of(price, "USD"),
        quantity=Quantity.of(quantity, SECURITY),
    )


class Keeper:
    """A book, its journal, and ids that count."""

    def __init__(self):
        self.book, self.journal = VenueBook(), []
        numbers = count(1)
        self.terms = TradeTerms(
            lambda: f"trade-{next(numbers)}", date(2013, 2, 12), date(2013, 2, 15)
        )

    def take(self, events):
        for event in events:
            self.book = evolve_in_place(self.book, event)
        self.journal += events
        return events

    def enter(self, entering):
        return self.take(self.book.enter(entering, self.terms))


def state_of(book):
    return book.engine.digest(), list(book.orders), list(book.queue)


def test_a_trade_names_both_parties_and_the_maker():
    keeper = Keeper()
    keeper.enter(order(1, Side.SELL, "99.51", "5"))
    (_, trade) = keeper.enter(order(2, Side.BUY, "100", "3"))
    assert isinstance(trade, TradeExecuted)
    assert (trade.seller.order_id, trade.buyer.order_id) == ("order-1", "order-2")
    assert (trade.maker_order_id, trade.price.amount) == (
        "order-1",
        Price.of("99.51", "USD").amount,
    )
    assert format(trade.gross.amount, "f") == "298.53"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["enter", "queue", "cancel"]),
            st.sampled_from(Side),
            st.integers(9_990, 10_010),
            st.integers(1, 300),
            st.integers(0, 3),
            st.integers(0, 30),
        ),
        max_size=40,
    )
)
def test_replaying_the_stored_events_rebuilds_the_book(steps):
    keeper = Keeper()
    for number, (what, side, price, lots, tenant, target) in enumerate(steps):
        entering = order(number, side, f"{price / 100:.2f}", str(lots), f"tenant-{tenant}")
        if what == "enter":
            keeper.enter(entering)
        elif what == "queue":
            keeper.take(keeper.book.queue_up(entering))
        elif f"order-{target}" in keeper.book:
            keeper.take(keeper.book.cancel(f"order-{target}"))
    replayed = None
    for event in keeper.journal:
        replayed = evolve_in_place(replayed, from_payload(type(event), event.payload()))
    assert state_of(replayed or VenueBook()) == state_of(keeper.book)


def test_the_queue_keeps_the_order_of_arrival_and_is_left_by_entering():
    keeper = Keeper()
    for number in (3, 1, 2):
        keeper.take(keeper.book.queue_up(order(number)))
    assert list(keeper.book.queue) == ["order-3", "order-1", "order-2"]
    keeper.enter(order(3))
    assert list(keeper.book.queue) == ["order-1", "order-2"]
    assert "order-3" in keeper.book.orders


def test_an_order_comes_once():
    keeper = Keeper()
    keeper.enter(order(1))
    for repeat in (keeper.book.queue_up, lambda o: keeper.book.enter(o, keeper.terms)):
        with pytest.raises(InvariantBroken):
            repeat(order(1))


def test_what_is_not_here_cannot_be_cancelled():
    with pytest.raises(NotInBook):
        Keeper().book.cancel("order-1")
