"""The venue's book of one security as events: who the orders belong to, the queue, the trades.

The integer engine (``orderbook``) decides; this module speaks decimals and parties. A
``VenueBook`` changes in place, for speed: its holder must own it alone and throw it away when
the events it took were not kept (``service.shelf`` does).
"""

from collections.abc import Callable
from datetime import date

import msgspec

from backend.kernel.errors import InvariantBroken
from backend.kernel.money import Price, Quantity
from backend.portfolio.events import Side
from backend.trading.domain.orderbook import Cancel, Enter, Entered, OrderBook, Removed, Traded
from backend.trading.domain.units import to_decimal, to_integer
from backend.trading.errors import NotInBook
from backend.trading.events import (
    BookEvent,
    BookOrderEntered,
    BookOrderQueued,
    BookOrderRemoved,
    Party,
    RemovalReason,
    TradeExecuted,
)


class BookOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A limit order on its way into the book."""

    security_id: str
    party: Party
    side: Side
    price: Price
    quantity: Quantity


class TradeTerms(msgspec.Struct, frozen=True):
    """What a trade needs beside the match: a source of ids, and its two dates."""

    new_id: Callable[[], str]
    trade_date: date
    settlement_date: date


class VenueBook:
    """One security's book: the engine, the orders' owners, and what waits for a reset."""

    __slots__ = ("engine", "orders", "queue")

    def __init__(self) -> None:
        self.engine = OrderBook()
        self.orders: dict[str, BookOrder] = {}  # resting
        self.queue: dict[str, BookOrder] = {}  # waiting, in order of arrival

    def __contains__(self, order_id: object) -> bool:
        return order_id in self.orders or order_id in self.queue

    def queue_up(self, order: BookOrder) -> list[BookEvent]:
        """The order waits: a circuit breaker is open. Raises InvariantBroken when it is here."""
        self._refuse_known(order)
        return [BookOrderQueued(**msgspec.structs.asdict(order))]

    def enter(self, order: BookOrder, terms: TradeTerms) -> list[BookEvent]:
        """The order joins the book and trades as far as it can. The book is only read.

        Raises InvariantBroken when the order is in the book already.
        """
        if order.party.order_id in self.orders:
            self._refuse_known(order)
        facts = self.engine.decide(
            Enter(
                order.party.order_id,
                order.party.tenant_id,
                order.side is Side.BUY,
                to_integer(order.price.amount),
                to_integer(order.quantity.units),
            )
        )
        return [self._event(fact, order, terms) for fact in facts]

    def cancel(self, order_id: str) -> list[BookEvent]:
        """The order leaves the book or the queue. Raises NotInBook."""
        waiting = self.queue.get(order_id)
        if waiting is not None:
            return [_removed(waiting, waiting.quantity, RemovalReason.CANCELLED)]
        resting = self.orders.get(order_id)
        if resting is None:
            raise NotInBook("The order is not in the book.", order_id=order_id)
        (fact,) = self.engine.decide(Cancel(order_id))
        return [_removed(resting, _lots(fact.quantity, resting), RemovalReason.CANCELLED)]

    def apply(self, event: BookEvent) -> None:
        """Take one event in. Raises InvariantBroken when it does not follow from this book."""
        if isinstance(event, BookOrderQueued):
            self.queue[event.party.order_id] = _order_of(event)
        elif isinstance(event, BookOrderEntered):
            self._entered(event)
        elif isinstance(event, TradeExecuted):
            self._traded(event)
        elif self.queue.pop(event.order_id, None) is None:
            lots = to_integer(event.quantity.units)
            self.engine.apply(Removed(event.order_id, lots, event.reason))
            del self.orders[event.order_id]

    def _entered(self, event: BookOrderEntered) -> None:
        order = _order_of(event)
        order_id = order.party.order_id
        self.queue.pop(order_id, None)
        self.engine.apply(
            Entered(
                order_id,
                order.party.tenant_id,
                order.side is Side.BUY,
                to_integer(order.price.amount),
                to_integer(order.quantity.units),
            )
        )
        self.orders[order_id] = order

    def _traded(self, event: TradeExecuted) -> None:
        sides = (event.buyer.order_id, event.seller.order_id)
        taker = sides[1] if event.maker_order_id == sides[0] else sides[0]
        self.engine.apply(
            Traded(
                event.maker_order_id,
                taker,
                to_integer(event.price.amount),
                to_integer(event.quantity.units),
            )
        )
        for order_id in sides:
            if order_id not in self.engine:
                del self.orders[order_id]

    def _event(
        self, fact: Entered | Traded | Removed, taker: BookOrder, terms: TradeTerms
    ) -> BookEvent:
        if isinstance(fact, Entered):
            return BookOrderEntered(**msgspec.structs.asdict(taker))
        if isinstance(fact, Removed):
            order = self.orders.get(fact.order_id, taker)
            return _removed(order, _lots(fact.quantity, order), fact.reason)
        maker = self.orders[fact.maker_order_id]
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        quantity = _lots(fact.quantity, maker)
        return TradeExecuted(
            trade_id=terms.new_id(),
            security_id=maker.security_id,
            price=maker.price,
            quantity=quantity,
            gross=maker.price.times(quantity).booked(),
            buyer=buyer.party,
            seller=seller.party,
            maker_order_id=fact.maker_order_id,
            trade_date=terms.trade_date,
            settlement_date=terms.settlement_date,
        )

    def _refuse_known(self, order: BookOrder) -> None:
        if order.party.order_id in self:
            raise InvariantBroken("The order is here already.", order_id=order.party.order_id)


def evolve_in_place(book: VenueBook | None, event: BookEvent) -> VenueBook:
    """The same book, changed. Not for the event store's own cache, which shares its states."""
    changed = VenueBook() if book is None else book
    changed.apply(event)
    return changed


def _order_of(event: BookOrderEntered | BookOrderQueued) -> BookOrder:
    return BookOrder(**msgspec.structs.asdict(event))


def _lots(lots: int, order: BookOrder) -> Quantity:
    return Quantity(to_decimal(lots), order.security_id)


def _removed(order: BookOrder, quantity: Quantity, reason: RemovalReason) -> BookOrderRemoved:
    return BookOrderRemoved(
        security_id=order.security_id,
        order_id=order.party.order_id,
        quantity=quantity,
        reason=reason,
    )
