"""The venue's side: orders enter the book by their position in the log, and are matched.

One subscription reads accepted orders, cancel requests and breaker resets in log order, so time
priority is the log's order. What one of them leads to is one transaction of the venue: the
book's events, each side's ``order.filled`` in its own tenant, releases and post-trade checks.
While a circuit breaker is open orders queue; they are entered, oldest first, before any other
order once it is closed.
"""

from collections.abc import Sequence

from backend.compliance.events import BreakerReset
from backend.compliance.ids import VENUE_SCOPE
from backend.eventstore.aggregate import Loaded
from backend.eventstore.recorded import Recorded
from backend.eventstore.store import UnitOfWork
from backend.eventstore.subscriptions import Subscription
from backend.kernel.errors import InvariantBroken
from backend.trading import store
from backend.trading.domain import order as orders
from backend.trading.domain.book import BookOrder, TradeTerms, VenueBook
from backend.trading.domain.order import Order
from backend.trading.events import (
    BookEvent,
    BookOrderRemoved,
    OrderAccepted,
    OrderCancelRequested,
    Party,
    TradeExecuted,
)
from backend.trading.ports import (
    Compliance,
    Exposures,
    Reservations,
    Securities,
    SettlementCalendar,
)
from backend.trading.service.orders import ORDER, state_of, trade_dates
from backend.trading.service.shelf import BookShelf

SUBSCRIPTION = "matching"


class MatchingService:
    """Matches orders of all tenants, in the venue's scope."""

    def __init__(
        self,
        shelf: BookShelf,
        reservations: Reservations,
        exposures: Exposures,
        securities: Securities,
        calendar: SettlementCalendar,
        compliance: Compliance,
    ) -> None:
        self._shelf = shelf
        self._reservations = reservations
        self._exposures = exposures
        self._securities = securities
        self._calendar = calendar
        self._compliance = compliance

    def subscription(self) -> Subscription:
        """For the worker: what to call for which event."""
        return Subscription(
            name=SUBSCRIPTION,
            handlers={
                OrderAccepted: self.on_order_accepted,
                OrderCancelRequested: self.on_cancel_requested,
                BreakerReset: self.on_breaker_reset,
            },
        )

    def on_order_accepted(self, uow: UnitOfWork, e: Recorded[OrderAccepted]) -> None:
        """Enter the order, or queue it while a breaker is open."""
        order = _book_order(e)
        closed = self._compliance.breakers(uow, order.security_id).closed
        book = self._shelf.open(uow, order.security_id)
        if not closed:
            uow.append(book, _state(book).queue_up(order))
            return
        self._drain(uow, book, order.security_id)
        self._enter(uow, book, order)

    def on_cancel_requested(self, uow: UnitOfWork, e: Recorded[OrderCancelRequested]) -> None:
        """Confirm the cancel and release what was reserved, or tell that it came too late."""
        book = self._shelf.open(uow, e.event.security_id)
        order_id = e.event.order_id
        if order_id in _state(book):
            events = _state(book).cancel(order_id)
            uow.append(book, events)
            self._removed(uow, events, e.tenant_id)
            return
        loaded = uow.load(ORDER, order_id, tenant_id=e.tenant_id)
        uow.append(loaded, orders.reject_cancel(state_of(loaded)))

    def on_breaker_reset(self, uow: UnitOfWork, e: Recorded[BreakerReset]) -> None:
        """Enter what queued up while trading stood still, unless another breaker is open."""
        scope = e.event.scope
        waiting = [scope] if scope != VENUE_SCOPE else store.queued_securities(uow.connection)
        for security_id in waiting:
            if self._compliance.breakers(uow, security_id).closed:
                book = self._shelf.open(uow, security_id)
                self._drain(uow, book, security_id)

    def _drain(self, uow: UnitOfWork, book: Loaded[VenueBook], security_id: str) -> None:
        for order in list(_state(book).queue.values()):
            self._enter(uow, book, order)

    def _enter(self, uow: UnitOfWork, book: Loaded[VenueBook], order: BookOrder) -> None:
        security = self._securities.by_id(uow, order.security_id)
        terms = TradeTerms(uow.new_id, *trade_dates(self._calendar, security.mic, uow.now.date()))
        events = _state(book).enter(order, terms)
        uow.append(book, events)
        for event in events:
            if isinstance(event, TradeExecuted):
                for party in (event.buyer, event.seller):
                    self._filled(uow, party, event)
        self._removed(uow, events, order.party.tenant_id)

    def _filled(self, uow: UnitOfWork, party: Party, trade: TradeExecuted) -> None:
        loaded = uow.load(ORDER, party.order_id, tenant_id=party.tenant_id)
        filled = orders.fill(
            state_of(loaded),
            trade_id=trade.trade_id,
            quantity=trade.quantity,
            price=trade.price,
            gross=trade.gross,
            trade_date=trade.trade_date,
            settlement_date=trade.settlement_date,
        )
        uow.append(loaded, filled)
        exposure = self._exposures.exposure(
            uow, party.account_id, trade.security_id, trade.trade_date, tenant_id=party.tenant_id
        )
        self._compliance.post_trade(
            uow,
            tenant_id=party.tenant_id,
            order_id=party.order_id,
            trade_id=trade.trade_id,
            exposure=exposure,
            mark=trade.price,
        )

    def _removed(self, uow: UnitOfWork, events: Sequence[BookEvent], tenant_id: str) -> None:
        """Cancel orders that left the book, all of one owner, and free what they reserved."""
        for event in events:
            if isinstance(event, BookOrderRemoved):
                loaded = uow.load(ORDER, event.order_id, tenant_id=tenant_id)
                order = state_of(loaded)
                _agree(order, event)
                uow.append(loaded, orders.cancel(order, event.reason))
                self._reservations.release(
                    uow,
                    order.account_id,
                    order.order_id,
                    f"{order.order_id}:cancelled",
                    event.reason.value,
                    event.quantity,
                    tenant_id=tenant_id,
                )


def _state(book: Loaded[VenueBook]) -> VenueBook:
    if book.state is None:
        raise InvariantBroken("A book from the shelf has no state.", stream_id=book.stream_id)
    return book.state


def _agree(order: Order, removed: BookOrderRemoved) -> None:
    if order.leaves != removed.quantity:
        raise InvariantBroken(
            "The book and the order disagree on what is left.", order_id=order.order_id
        )


def _book_order(e: Recorded[OrderAccepted]) -> BookOrder:
    return BookOrder(
        security_id=e.event.security_id,
        party=Party(
            tenant_id=e.tenant_id,
            participant_id=e.event.participant_id,
            portfolio_id=e.event.portfolio_id,
            account_id=e.event.account_id,
            order_id=e.event.order_id,
        ),
        side=e.event.side,
        price=e.event.limit_price,
        quantity=e.event.quantity,
    )
