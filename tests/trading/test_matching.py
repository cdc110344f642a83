"""Given accepted orders, when the venue matches them, then both sides have their fills."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from backend.compliance.domain.limits import Limits
from backend.compliance.events import LimitBreached, PostTradeChecked
from backend.eventstore.errors import ConcurrencyConflict
from backend.eventstore.scope import Scope
from backend.identity.ids import VENUE_TENANT
from backend.kernel.money import Money, Quantity
from backend.trading.domain.order import OrderStatus
from backend.trading.events import (
    BookOrderEntered,
    BookOrderQueued,
    OrderCancelled,
    OrderCancelRejected,
    OrderFilled,
    RemovalReason,
    TradeExecuted,
)
from backend.trading.service import shelf as shelves
from backend.trading.service.shelf import BookShelf
from tests.trading.venue import OPERATOR, REGISTRY

pytestmark = pytest.mark.db


def digest(venue, shelf=None):
    """The digest of the security's book as ``shelf`` has it, up to date."""

    def read(uow):
        return (shelf or venue.shelf).open(uow, venue.security).state.engine.digest()

    return venue.operate(read)


def fresh(venue):
    """The digest of a book built from the stream alone."""
    return digest(venue, BookShelf(REGISTRY, VENUE_TENANT))


def enter_and_die(venue, accepted):
    """The order is matched, and then the transaction is rolled back."""

    def work():
        with venue.store.transaction(Scope.venue(), OPERATOR) as uow:
            venue.matching.on_order_accepted(uow, accepted)
            raise RuntimeError("the worker dies here")

    with pytest.raises(RuntimeError):
        work()


def test_two_orders_meet_and_each_side_learns_its_own_part(venue):
    alice, bob = venue.participant(), venue.participant(units="10")
    sold = bob.sell("10", "99").order_id
    bought = alice.buy("4", "101").order_id
    venue.match()

    (trade,) = venue.events(TradeExecuted)
    assert trade.tenant_id == VENUE_TENANT
    event = trade.event
    assert (event.price.amount, event.quantity.units) == (Decimal(99), Decimal(4))
    assert event.gross == Money.of("396.00", "USD")
    assert (event.buyer.order_id, event.seller.order_id) == (bought, sold)
    assert event.maker_order_id == sold
    # 2013-02-12 was a Tuesday; the market settled three days later (SEC rule 15c6-1 of 1995).
    assert (event.trade_date, event.settlement_date) == (date(2013, 2, 12), date(2013, 2, 15))

    assert alice.order(bought).status is OrderStatus.FILLED
    assert bob.order(sold).status is OrderStatus.PARTIALLY_FILLED
    assert bob.order(sold).leaves.units == 6


def test_a_sides_event_says_nothing_of_the_other(venue):
    alice, bob = venue.participant(), venue.participant(units="10")
    bob.sell("10", "100")
    alice.buy("4", "100")
    venue.match()
    for fill in venue.events(OrderFilled):
        other = bob if fill.tenant_id == alice.tenant else alice
        text = fill.entry.decode()
        for secret in (other.tenant, other.account, other.id, other.portfolio):
            assert secret not in text
    for each in (alice, bob):
        with venue.store.database.transaction(each.scope) as db:
            assert len(db.execute("SELECT * FROM executions").fetchall()) == 1
            assert db.execute("SELECT * FROM trades").fetchall() == []
            assert db.execute("SELECT * FROM book_orders").fetchall() == []


def test_price_then_time_decides_by_log_order(venue):
    buyer = venue.participant()
    sellers = [venue.participant(units="5") for _ in range(3)]
    late_but_best = sellers[2]
    first = sellers[0].sell("5", "101").order_id
    second = sellers[1].sell("5", "101").order_id
    best = late_but_best.sell("5", "100").order_id
    buyer.buy("12", "101")
    venue.match()
    trades = [each.event for each in venue.events(TradeExecuted)]
    assert [(t.maker_order_id, t.price.amount, t.quantity.units) for t in trades] == [
        (best, Decimal(100), Decimal(5)),
        (first, Decimal(101), Decimal(5)),
        (second, Decimal(101), Decimal(2)),
    ]


def test_an_owner_never_trades_with_itself_and_gets_its_cash_back(venue):
    alice = venue.participant(units="5")
    alice.sell("5", "100")
    bought = alice.buy("5", "100").order_id
    venue.match()
    assert venue.events(TradeExecuted) == []
    assert alice.order(bought).status is OrderStatus.CANCELLED
    (cancelled,) = venue.events(OrderCancelled)
    assert cancelled.event.reason is RemovalReason.SELF_TRADE
    assert alice.books().cash_reserved == Money.zero("USD")


def test_a_cancel_is_confirmed_by_the_venue_and_releases_the_rest_only(venue):
    alice, bob = venue.participant(cash="1000"), venue.participant(units="4")
    bought = alice.buy("10", "100").order_id
    bob.sell("4", "100")
    venue.match()
    alice.cancel(bought)
    assert alice.order(bought).is_open
    venue.match()
    order = alice.order(bought)
    assert (order.status, order.filled.units) == (OrderStatus.CANCELLED, Decimal(4))
    assert alice.books().cash_reserved == Money.of("400.00", "USD")  # the unsettled fill's
    assert digest(venue) == fresh(venue)


def test_a_cancel_that_comes_too_late_is_told_so(venue):
    alice, bob = venue.participant(), venue.participant(units="4")
    bob.sell("4", "100")
    bought = alice.buy("4", "100").order_id
    alice.cancel(bought)  # accepted by the app: the fill has not happened yet
    venue.match()
    (refused,) = venue.events(OrderCancelRejected)
    assert refused.event.order_id == bought
    assert alice.order(bought).status is OrderStatus.FILLED
    assert alice.books().cash_reserved == Money.of("400.00", "USD")


def test_while_a_breaker_is_open_orders_queue_and_are_matched_in_order_after_the_reset(venue):
    alice, bob, carol = (venue.participant(units="5") for _ in range(3))
    first = bob.sell("5", "100").order_id
    second = carol.sell("5", "100").order_id
    alice.buy("7", "100")
    venue.trip()
    venue.match()
    assert len(venue.events(BookOrderQueued)) == 3
    assert venue.events(TradeExecuted) == []

    venue.reset()
    venue.match()
    trades = [each.event for each in venue.events(TradeExecuted)]
    assert [(t.maker_order_id, t.quantity.units) for t in trades] == [
        (first, Decimal(5)),
        (second, Decimal(2)),
    ]
    assert digest(venue) == fresh(venue)


def test_queued_orders_keep_their_turn_before_one_read_after_the_reset(venue):
    """The reset is committed before the worker has read all of what was accepted before it."""
    alice, bob, carol = (venue.participant(units="5") for _ in range(3))
    first = bob.sell("5", "100").order_id
    venue.trip()
    venue.match()
    venue.reset()
    second = carol.sell("5", "100").order_id
    alice.buy("5", "100")
    venue.match()
    entered = [each.event.party.order_id for each in venue.events(BookOrderEntered)]
    assert entered[:2] == [first, second]
    assert venue.events(TradeExecuted)[0].event.maker_order_id == first


def test_a_security_stays_stopped_while_the_venue_is(venue):
    bob = venue.participant(units="5")
    bob.sell("5", "100")
    venue.trip()
    venue.trip(venue.security)
    venue.match()
    venue.reset(venue.security)
    venue.match()
    assert venue.events(BookOrderEntered) == []
    venue.reset()
    venue.match()
    assert len(venue.events(BookOrderEntered)) == 1


def test_a_queued_order_can_be_cancelled(venue):
    alice = venue.participant()
    bought = alice.buy("5", "100").order_id
    venue.trip()
    venue.match()
    alice.cancel(bought)
    venue.match()
    assert alice.order(bought).status is OrderStatus.CANCELLED
    assert alice.books().cash_reserved == Money.zero("USD")
    venue.reset()
    venue.match()
    assert venue.events(BookOrderEntered) == []


def test_both_sides_are_checked_after_the_trade(venue):
    alice, bob = venue.participant(), venue.participant(units="10")
    bob.sell("10", "100")
    alice.buy("10", "100")
    venue.match()
    checked = venue.events(PostTradeChecked)
    assert {each.tenant_id for each in checked} == {alice.tenant, bob.tenant}
    assert all(each.event.passed for each in checked)
    assert venue.events(LimitBreached) == []


def test_a_limit_lowered_after_the_order_is_a_breach_when_it_fills(venue):
    alice, bob = venue.participant(), venue.participant(units="10")
    bought = alice.buy("10", "100").order_id
    venue.operate(
        lambda uow: venue.compliance.set_limit(
            uow, alice.tenant, alice.account, None, Limits(max_units=Decimal(9)), "lowered"
        )
    )
    bob.sell("10", "100")
    venue.match()
    (breach,) = venue.events(LimitBreached)
    assert (breach.tenant_id, breach.event.order_id) == (alice.tenant, bought)
    assert breach.event.check.inputs == {"limit": "9", "projected": "10"}
    (row,) = venue.rows("SELECT rule, inputs FROM limit_breaches")
    assert row["rule"] == "position-limit-units"


def test_a_trade_on_a_day_without_a_session_belongs_to_the_next_one(venue):
    venue.store.clock.at = datetime(2013, 2, 16, 12, tzinfo=UTC)  # Saturday; Monday is a holiday
    alice, bob = venue.participant(), venue.participant(units="1")
    bob.sell("1", "100")
    alice.buy("1", "100")
    venue.match()
    (trade,) = venue.events(TradeExecuted)
    assert trade.event.trade_date == date(2013, 2, 19)
    assert trade.event.settlement_date == date(2013, 2, 22)


def test_an_outvoted_matcher_rebuilds_its_book(venue):
    """A transaction that is rolled back leaves a book that must not be used again."""
    bob = venue.participant(units="10")
    bob.sell("5", "100")
    venue.match()
    before = digest(venue)

    bob.sell("5", "101")
    venue.sequence()
    (accepted,) = [each for each in venue.events() if each.event.type == "order.accepted"][1:]
    enter_and_die(venue, accepted)

    assert digest(venue) == before == fresh(venue)
    venue.match()
    assert digest(venue) == fresh(venue) != before


def test_without_the_head_check_the_stale_book_would_be_used(venue, monkeypatch):
    """Negative control of the test above: trust the memory, and it is wrong."""
    monkeypatch.setattr(shelves.BookShelf, "_catch_up", lambda *_: True)
    bob = venue.participant(units="10")
    bob.sell("5", "101")
    venue.sequence()
    (accepted,) = [each for each in venue.events() if each.event.type == "order.accepted"]
    enter_and_die(venue, accepted)
    trusted = digest(venue)
    monkeypatch.undo()
    assert trusted != fresh(venue)


def test_a_matcher_takes_what_another_one_wrote(venue):
    alice, bob = venue.participant(), venue.participant(units="10")
    other = venue.new_matching(BookShelf(REGISTRY, VENUE_TENANT))
    bob.sell("5", "100")
    venue.match()
    alice.buy("2", "100")
    venue.match(other)
    alice.buy("3", "100")
    venue.match()
    assert [each.event.quantity.units for each in venue.events(TradeExecuted)] == [2, 3]
    assert digest(venue) == fresh(venue)


def test_two_at_once_never_both_write(venue):
    bob = venue.participant(units="10")
    bob.sell("5", "100")
    venue.sequence()
    (accepted,) = [each for each in venue.events() if each.event.type == "order.accepted"]
    other = venue.new_matching(BookShelf(REGISTRY, VENUE_TENANT))

    def overtaken():
        with venue.store.transaction(Scope.venue(), OPERATOR) as slow:
            venue.matching.on_order_accepted(slow, accepted)
            with venue.store.transaction(Scope.venue(), OPERATOR) as quick:
                other.on_order_accepted(quick, accepted)

    with pytest.raises(ConcurrencyConflict):
        overtaken()
    assert len(venue.events(BookOrderEntered)) == 1
    assert digest(venue) == fresh(venue)


def test_book_and_orders_and_depth_agree_after_many_orders_and_replay_gives_the_same(venue):
    people = [venue.participant(cash="10000", units="50") for _ in range(4)]
    orders = []
    for number in range(24):
        who = people[number % 4]
        act = who.buy if number % 3 else who.sell
        orders.append((who, act(str(1 + number % 5), str(98 + number % 5)).order_id))
        if number % 7 == 6:
            owner, order_id = orders[number - 2]
            if owner.order(order_id).is_open:
                owner.cancel(order_id)
        if number % 6 == 5:
            venue.match()
    venue.match()
    assert len(venue.events(TradeExecuted)) >= 5

    left = {who_order[1]: who_order[0].order(who_order[1]).leaves.units for who_order in orders}
    rows = venue.rows("SELECT order_id, leaves FROM book_orders")
    assert {row["order_id"]: row["leaves"] for row in rows} == {
        order_id: units for order_id, units in left.items() if units
    }
    assert digest(venue) == fresh(venue)
    report = venue.replay()
    assert report.differences == ()
    assert report.rows["orders"] == 24


def test_fills_of_both_sides_add_up(venue):
    people = [venue.participant(cash="10000", units="50") for _ in range(3)]
    for number in range(12):
        who = people[number % 3]
        (who.buy if number % 2 else who.sell)("3", "100")
    venue.match()
    fills = [each.event for each in venue.events(OrderFilled)]
    totals = {
        side: sum((f.quantity for f in fills if f.side == side), Quantity.zero(venue.security))
        for side in ("buy", "sell")
    }
    assert totals["buy"] == totals["sell"] != Quantity.zero(venue.security)
