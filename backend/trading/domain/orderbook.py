"""The order book of one instrument: price-time priority, pure and deterministic.

Prices are integer ticks and quantities integer lots; nothing here knows decimals, clocks or
tenants. ``decide`` reads the book and says what happens, ``apply`` makes it so; replaying the
facts therefore rebuilds the same book, which ``digest`` proves. An entering order first joins the
book and then trades, so between its ``Entered`` and its last ``Traded`` the book may be crossed;
after the last fact of a decision it never is.

Rules: the best price first, at one price the order that came first (FIFO); a trade happens at the
resting order's price; two orders of one beneficial owner never trade with each other
(FIX tag 2964, SelfMatchPreventionInstruction).
"""

import hashlib
from enum import StrEnum
from typing import Final

import msgspec
from sortedcontainers import SortedDict

from backend.kernel.errors import InvariantBroken
from backend.trading.errors import NotInBook
from backend.trading.events import RemovalReason


class SelfTradePrevention(StrEnum):
    """What is cancelled when two orders of one owner would trade."""

    CANCEL_NEWEST = "cancel-newest"
    CANCEL_OLDEST = "cancel-oldest"
    CANCEL_BOTH = "cancel-both"


class Enter(msgspec.Struct, frozen=True, gc=False):
    """Command: a limit order enters. ``price`` in ticks, ``quantity`` in lots, both positive."""

    order_id: str
    owner: str
    buy: bool
    price: int
    quantity: int
    prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_NEWEST


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Command: take what is left of an order out of the book."""

    order_id: str


class Entered(msgspec.Struct, frozen=True, gc=False):
    """Fact: the order joined the queue at its price."""

    order_id: str
    owner: str
    buy: bool
    price: int
    quantity: int


class Traded(msgspec.Struct, frozen=True, gc=False):
    """Fact: the entering order took from a resting one, at the resting one's price."""

    maker_order_id: str
    taker_order_id: str
    price: int
    quantity: int


class Removed(msgspec.Struct, frozen=True, gc=False):
    """Fact: an order left the book with ``quantity`` lots unfilled."""

    order_id: str
    quantity: int
    reason: RemovalReason


Command = Enter | Cancel
Fact = Entered | Traded | Removed


class RestingOrder(msgspec.Struct):
    """An order in the book; ``leaves`` is what may still trade."""

    order_id: str
    owner: str
    buy: bool
    price: int
    leaves: int


class Level(msgspec.Struct, frozen=True):
    """All orders at one price: ticks, lots, count."""

    price: int
    quantity: int
    orders: int


_NOTHING: Final = 1 << 128  # no price reaches it: the best key of an empty side


class _Side:
    """One side, best first: bids are keyed by minus their price, so the smallest key leads."""

    __slots__ = ("best", "levels")

    def __init__(self) -> None:
        self.levels: SortedDict[int, dict[str, RestingOrder]] = SortedDict()
        self.best = _NOTHING

    def add(self, key: int, order: RestingOrder) -> None:
        level = self.levels.get(key)
        if level is not None:
            level[order.order_id] = order
            return
        self.levels[key] = {order.order_id: order}
        if key < self.best:
            self.best = key

    def remove(self, key: int, order_id: str) -> None:
        level = self.levels[key]
        del level[order_id]
        if level:
            return
        del self.levels[key]
        if key == self.best:
            self.best = self.levels.keys()[0] if self.levels else _NOTHING


class OrderBook:
    """The resting orders of one instrument. Change it only through ``apply`` or ``execute``."""

    __slots__ = ("_asks", "_bids", "_orders")

    def __init__(self) -> None:
        self._bids = _Side()
        self._asks = _Side()
        self._orders: dict[str, RestingOrder] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._orders

    def decide(self, command: Command) -> list[Fact]:
        """What the command leads to; the book is only read.

        Raises NotInBook for a cancel of an order that is not here, InvariantBroken for an order
        that is here already or whose price or quantity is not positive.
        """
        if isinstance(command, Enter):
            return self._enter(command)
        order = self._orders.get(command.order_id)
        if order is None:
            raise NotInBook("The order is not in the book.", order_id=command.order_id)
        return [Removed(order.order_id, order.leaves, RemovalReason.CANCELLED)]

    def apply(self, fact: Fact) -> None:
        """Make one fact so. Raises InvariantBroken when it does not follow from this book."""
        if isinstance(fact, Entered):
            self._join(fact)
        elif isinstance(fact, Traded):
            self._reduce(fact.maker_order_id, fact.quantity)
            self._reduce(fact.taker_order_id, fact.quantity)
        else:
            self._reduce(fact.order_id, fact.quantity, last=True)

    def execute(self, command: Command) -> list[Fact]:
        """``decide`` and ``apply`` in one step: the in-memory hot path."""
        facts = self.decide(command)
        for fact in facts:
            self.apply(fact)
        return facts

    def _enter(self, order: Enter) -> list[Fact]:
        if order.order_id in self._orders:
            raise InvariantBroken("The order is already in the book.", order_id=order.order_id)
        if order.price <= 0 or order.quantity <= 0:
            raise InvariantBroken("Ticks and lots are positive.", order_id=order.order_id)
        facts: list[Fact] = [
            Entered(order.order_id, order.owner, order.buy, order.price, order.quantity)
        ]
        opposite, limit = (self._asks, order.price) if order.buy else (self._bids, -order.price)
        if opposite.best <= limit:
            _match(order, opposite, limit, facts)
        return facts

    def _join(self, fact: Entered) -> None:
        if fact.order_id in self._orders:
            raise InvariantBroken("The order is already in the book.", order_id=fact.order_id)
        order = RestingOrder(fact.order_id, fact.owner, fact.buy, fact.price, fact.quantity)
        self._orders[fact.order_id] = order
        if fact.buy:
            self._bids.add(-fact.price, order)
        else:
            self._asks.add(fact.price, order)

    def _reduce(self, order_id: str, quantity: int, *, last: bool = False) -> None:
        order = self._orders.get(order_id)
        if order is None or quantity > order.leaves or (last and quantity != order.leaves):
            raise InvariantBroken("The fact does not fit the book.", order_id=order_id)
        order.leaves -= quantity
        if order.leaves:
            return
        del self._orders[order_id]
        if order.buy:
            self._bids.remove(-order.price, order_id)
        else:
            self._asks.remove(order.price, order_id)

    def best_bid(self) -> int | None:
        """The highest price a resting buyer offers, in ticks."""
        return None if self._bids.best == _NOTHING else -self._bids.best

    def best_ask(self) -> int | None:
        """The lowest price a resting seller asks, in ticks."""
        return None if self._asks.best == _NOTHING else self._asks.best

    def resting(self, buy: bool) -> list[RestingOrder]:
        """Copies of one side's orders, in the order in which they would trade."""
        levels = (self._bids if buy else self._asks).levels
        return [msgspec.structs.replace(o) for level in levels.values() for o in level.values()]

    def depth(self, buy: bool, levels: int) -> list[Level]:
        """The best ``levels`` price levels of one side, best first."""
        side = (self._bids if buy else self._asks).levels
        return [
            Level(abs(key), sum(order.leaves for order in side[key].values()), len(side[key]))
            for key in side.islice(0, levels)
        ]

    def digest(self) -> str:
        """SHA-256 over every resting order in priority order: equal books, equal digests."""
        lines = [
            [o.order_id, o.owner, o.buy, o.price, o.leaves]
            for buy in (True, False)
            for o in self.resting(buy)
        ]
        return hashlib.sha256(msgspec.json.encode(lines)).hexdigest()


def _match(order: Enter, opposite: _Side, limit: int, facts: list[Fact]) -> None:
    """Append the trades and self-trade removals of an order that crosses the other side."""
    leaves = order.quantity
    for key, level in opposite.levels.items():
        if key > limit:
            return
        for maker in level.values():
            if maker.owner == order.owner:
                if order.prevention is not SelfTradePrevention.CANCEL_NEWEST:
                    facts.append(Removed(maker.order_id, maker.leaves, RemovalReason.SELF_TRADE))
                if order.prevention is SelfTradePrevention.CANCEL_OLDEST:
                    continue
                facts.append(Removed(order.order_id, leaves, RemovalReason.SELF_TRADE))
                return
            quantity = leaves if leaves < maker.leaves else maker.leaves
            facts.append(Traded(maker.order_id, order.order_id, maker.price, quantity))
            leaves -= quantity
            if not leaves:
                return
