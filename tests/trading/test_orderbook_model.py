"""The order book against the naive model: Hypothesis, and a long seeded run."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend.trading.domain import orderbook
from backend.trading.domain.orderbook import (
    Cancel,
    Command,
    Enter,
    OrderBook,
    SelfTradePrevention,
    Traded,
)
from backend.trading.errors import NotInBook
from tests.trading.naive_book import NaiveBook


class Divergence(AssertionError):
    """Book and model do not agree."""


def run_beside(book: OrderBook, model: NaiveBook, command: Command) -> list:
    try:
        facts = book.execute(command)
    except NotInBook:
        facts = None
    expected = model.execute(command)
    if facts != expected:
        raise Divergence(f"{command}: {facts} instead of {expected}")
    return facts or []


def compare(book: OrderBook, model: NaiveBook) -> None:
    for buy in (True, False):
        mine = [(o.order_id, o.price, o.leaves) for o in book.resting(buy)]
        if mine != model.resting(buy):
            raise Divergence(f"{mine} instead of {model.resting(buy)}")


def commands(seed: int, count: int, owners: int = 8) -> list[Command]:
    """Orders around a wandering price and cancels of any order ever sent."""
    chance = random.Random(seed)
    middle, made = 1_000, []
    for number in range(count):
        middle = max(100, middle + chance.choice((-1, 0, 0, 1)))
        if made and chance.random() < 0.4:
            recent = made[-60:] if chance.random() < 0.9 else made
            made.append(Cancel(chance.choice(recent).order_id))
            continue
        buy = chance.random() < 0.5
        away = chance.randint(-4, 9)
        made.append(
            Enter(
                f"o{number}",
                f"p{chance.randrange(owners)}",
                buy,
                middle - away if buy else middle + away,
                chance.randint(1, 50),
                chance.choice(list(SelfTradePrevention)),
            )
        )
    return made


def run(count: int, seed: int = 20_251_120) -> tuple[OrderBook, NaiveBook, list]:
    book, model, journal = OrderBook(), NaiveBook(), []
    for number, command in enumerate(commands(seed, count)):
        journal += run_beside(book, model, command)
        if number % 500 == 0:
            compare(book, model)
    compare(book, model)
    return book, model, journal


def test_fifty_thousand_random_operations_agree_and_replay_gives_the_same_book():
    book, model, journal = run(50_000)
    trades = [fact for fact in journal if isinstance(fact, Traded)]
    assert len(trades) > 5_000
    assert len(model.orders) > 10

    replayed = OrderBook()
    for fact in journal:
        replayed.apply(fact)
    assert replayed.digest() == book.digest()


def test_the_digest_sees_the_order_of_two_orders_at_one_price():
    """Negative control of the digest: same orders, other priority, other digest."""
    left, right = OrderBook(), OrderBook()
    for book, ids in ((left, "ab"), (right, "ba")):
        for order_id in ids:
            book.execute(Enter(order_id, order_id, True, 100, 1))
    assert left.digest() != right.digest()


class _LastInFirstOut(dict):
    """A price level that serves the newest order first."""

    def values(self):
        return reversed(list(super().values()))


def _lifo_add(self, key, order):
    level = self.levels.setdefault(key, _LastInFirstOut())
    level[order.order_id] = order
    self.best = min(self.best, key)


def _forgets_the_best(self, key, order_id):
    """After its best level is gone, the side believes that its worst one leads."""
    del self.levels[key][order_id]
    if not self.levels[key]:
        del self.levels[key]
    if key == self.best and key not in self.levels:
        self.best = self.levels.keys()[-1] if self.levels else 1 << 128


@pytest.mark.parametrize(("method", "broken"), [("add", _lifo_add), ("remove", _forgets_the_best)])
def test_the_model_catches_broken_priority(monkeypatch, method, broken):
    """Negative control: break the engine on purpose, the comparison must notice."""
    monkeypatch.setattr(orderbook._Side, method, broken)
    with pytest.raises(Divergence):
        run(3_000)


def test_the_model_catches_a_self_trade(monkeypatch):
    """Negative control: an engine that ignores owners is noticed."""
    original = orderbook._match

    def ignoring_owners(order, *rest):
        anonymous = Enter(order.order_id, "", order.buy, order.price, order.quantity)
        original(anonymous, *rest)

    monkeypatch.setattr(orderbook, "_match", ignoring_owners)
    with pytest.raises(Divergence):
        run(3_000)


class BookMachine(RuleBasedStateMachine):
    """Any sequence of orders and cancels: same facts as the model, and the book's invariants."""

    def __init__(self) -> None:
        super().__init__()
        self.book, self.model, self.replayed = OrderBook(), NaiveBook(), OrderBook()
        self.sent: dict[str, int] = {}
        self.traded: dict[str, int] = {}
        self.owners: dict[str, str] = {}

    @rule(
        buy=st.booleans(),
        price=st.integers(1, 12),
        quantity=st.integers(1, 9),
        owner=st.sampled_from("abc"),
        prevention=st.sampled_from(SelfTradePrevention),
    )
    def enter(self, buy, price, quantity, owner, prevention):
        order_id = f"o{len(self.sent)}"
        self.sent[order_id] = quantity
        self._run(Enter(order_id, owner, buy, price, quantity, prevention))

    @rule(number=st.integers(0, 40))
    def cancel(self, number):
        self._run(Cancel(f"o{number}"))

    def _run(self, command: Command) -> None:
        if isinstance(command, Enter):
            self.owners[command.order_id] = command.owner
        for fact in run_beside(self.book, self.model, command):
            self.replayed.apply(fact)
            if isinstance(fact, Traded):
                sides = (fact.maker_order_id, fact.taker_order_id)
                for side in sides:
                    self.traded[side] = self.traded.get(side, 0) + fact.quantity
                assert self.owners[sides[0]] != self.owners[sides[1]]

    @invariant()
    def agrees_with_the_model(self):
        compare(self.book, self.model)

    @invariant()
    def is_never_crossed_at_rest(self):
        bid, ask = self.book.best_bid(), self.book.best_ask()
        assert bid is None or ask is None or bid < ask
        for buy, best in ((True, bid), (False, ask)):
            resting = self.book.resting(buy)
            assert best == (resting[0].price if resting else None)

    @invariant()
    def no_order_trades_more_than_it_has(self):
        for order_id, quantity in self.traded.items():
            assert quantity <= self.sent[order_id]

    @invariant()
    def replay_gives_the_same_book(self):
        assert self.replayed.digest() == self.book.digest()


BookMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestBook = BookMachine.TestCase
