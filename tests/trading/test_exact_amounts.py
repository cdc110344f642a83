"""No fill costs more than was reserved for it: whatever the orders, every booking succeeds."""

from datetime import date
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.compliance.ports import OrderIntent
from backend.kernel.errors import AmountInvalid, ErrorCode, ValueInvalid
from backend.kernel.money import MINOR_UNITS, Money, Price, Quantity, minor_unit
from backend.portfolio import decisions
from backend.portfolio.commands import BookTrade
from backend.portfolio.domain import check_invariants, evolve
from backend.portfolio.errors import InsufficientCash
from backend.portfolio.events import Evidence, Side
from backend.trading.domain.book import BookOrder, TradeTerms, VenueBook, evolve_in_place
from backend.trading.domain.rules import TradingRules
from backend.trading.errors import IncrementInvalid
from backend.trading.events import BookOrderRemoved, Party, TradeExecuted

SECURITY = "s"
TRADED, SETTLED = date(2013, 2, 12), date(2013, 2, 15)
WALLET = "0x" + "a" * 40
EVIDENCE = Evidence(chain_id=1, tx_hash="0x" + "0" * 64, log_index=0)


class Accounts:
    """The books of a few accounts, in memory: decide, then evolve, then check."""

    def __init__(self, currency, funded, cash, units):
        self.currency, self.states = currency, {}
        for name in range(funded):
            opened = decisions.open_account(
                account_id=str(name), portfolio_id="p", name="n", currency=currency,
                wallet_address=WALLET,
            )  # fmt: skip
            self.states[str(name)] = evolve(None, opened)
            self.do(name, decisions.deposit_cash, "c", Money(cash, currency), TRADED, EVIDENCE)
            if units:
                self.do(
                    name, decisions.deposit_units, "u", Quantity(units, SECURITY),
                    Price(Decimal(1), currency), TRADED, TRADED, EVIDENCE,
                )  # fmt: skip

    def do(self, name, decide, *arguments):
        for event in decide(self.states[str(name)], *arguments):
            self.states[str(name)] = evolve(self.states[str(name)], event)
        check_invariants(self.states[str(name)])

    def total(self):
        cash = sum((each.cash.amount for each in self.states.values()), Decimal(0))
        units = (each.position(SECURITY).units.units for each in self.states.values())
        return cash, sum(units, Decimal(0))


class Market:
    """The book and the accounts together, as placing, matching and settlement join them."""

    def __init__(self, accounts):
        self.accounts, self.book = accounts, VenueBook()
        self.placed, self.spent, self.unsettled = {}, {}, []
        numbers = count(1)
        self.terms = TradeTerms(lambda: f"trade-{next(numbers)}", TRADED, SETTLED)

    def place(self, order_id, owner, side, price, quantity):
        """Reserve, then enter, as trading does; what the account cannot cover is no order."""
        intent, state = OrderIntent(owner, side, quantity, price), self.accounts.states[owner]
        if side is Side.BUY:
            cash = intent.cash_needed
            if state.free_cash < cash:
                return
            self.accounts.do(owner, decisions.reserve_cash, order_id, cash, quantity)
        elif state.position(SECURITY).free < quantity:
            return
        else:
            self.accounts.do(owner, decisions.reserve_units, order_id, quantity)
        party = Party(
            tenant_id=owner, participant_id=owner, portfolio_id="p", account_id=owner,
            order_id=order_id,
        )  # fmt: skip
        self.placed[order_id] = intent
        self.take(
            self.book.enter(
                BookOrder(
                    security_id=SECURITY, party=party, side=side, price=price, quantity=quantity
                ),
                self.terms,
            )
        )

    def take(self, events):
        for event in events:
            self.book = evolve_in_place(self.book, event)
            if isinstance(event, TradeExecuted):
                self.unsettled.append(event)
                bought = event.buyer.order_id
                self.spent[bought] = self.spent.get(bought, Decimal(0)) + event.gross.amount
            elif isinstance(event, BookOrderRemoved):
                owner, key = self.placed[event.order_id].account_id, event.order_id
                self.accounts.do(
                    owner, decisions.release, key, f"{key}:out", "over", event.quantity
                )

    def cancel(self, order_id):
        self.take(self.book.cancel(order_id))

    def settle(self, at):
        """Book both sides of a trade that is final on chain: this must never fail."""
        trade = self.unsettled.pop(at % len(self.unsettled))
        for side, party in ((Side.BUY, trade.buyer), (Side.SELL, trade.seller)):
            booking = BookTrade(
                trade_id=trade.trade_id, order_id=party.order_id, side=side,
                quantity=trade.quantity, price=trade.price,
                fees=Money.zero(trade.gross.currency), trade_date=TRADED,
                settlement_date=SETTLED, reservation_id=party.order_id,
            )  # fmt: skip
            self.accounts.do(party.account_id, decisions.book_trade, booking)

    def finish(self):
        """Cancel what rests, settle what traded."""
        for order_id in list(self.book.orders):
            self.cancel(order_id)
        while self.unsettled:
            self.settle(0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["place", "place", "place", "cancel", "settle"]),
        st.integers(0, 3),
        st.sampled_from(Side),
        st.integers(8, 11),
        st.integers(1, 9),
        st.integers(0, 60),
    ),
    min_size=20,
    max_size=60,
)
INCREMENTS = st.sampled_from([("0.01", "1"), ("0.0001", "100"), ("0.005", "2"), ("0.25", "0.04")])


def traded(rules, steps):
    """A market after the steps, all of it settled, with what there was before."""
    tick, lot = rules.tick, rules.lot
    accounts = Accounts(rules.currency, 4, 200 * tick * lot * 11, 60 * lot)
    before, market = accounts.total(), Market(accounts)
    for number, (what, owner, side, price, quantity, target) in enumerate(steps):
        if what == "place":
            market.place(
                str(number), str(owner), side, rules.price(price * tick),
                rules.quantity(quantity * lot, SECURITY),
            )  # fmt: skip
        elif what == "cancel" and str(target) in market.book:
            market.cancel(str(target))
        elif what == "settle" and market.unsettled:
            market.settle(target)
    return before, market


@given(INCREMENTS, STEPS)
def test_every_booking_succeeds_within_its_reservation_and_nothing_stays_reserved(
    increments, steps
):
    tick, lot = increments
    rules = TradingRules(currency="USD", tick=Decimal(tick), lot=Decimal(lot))
    before, market = traded(rules, steps)
    for trade in market.unsettled:
        assert trade.gross == trade.price.times(trade.quantity)
        assert trade.gross.amount > 0
    market.finish()
    for order_id, spent in market.spent.items():
        assert spent <= market.placed[order_id].cash_needed.amount
    for state in market.accounts.states.values():
        assert state.reservations == {}
        assert state.cash_reserved == Money.zero("USD")
        assert state.position(SECURITY).reserved == Quantity.zero(SECURITY)
    assert market.accounts.total() == before


@pytest.mark.parametrize("increments", [("0.005", "1"), ("0.01", "0.5"), ("0.0001", "1")])
def test_increments_that_would_need_rounding_are_no_rules(increments):
    with pytest.raises(ValueInvalid):
        TradingRules(currency="USD", tick=Decimal(increments[0]), lot=Decimal(increments[1]))


@pytest.mark.parametrize("price", ["0.005", "0.004"])
def test_without_the_rule_three_fills_cost_more_than_was_reserved_or_nothing(price):
    """Negative control: three shares at half a cent reserve two cents; three fills cost three."""
    accounts = Accounts("USD", 4, Decimal("0.02"), Decimal(1))
    market = Market(accounts)
    limit, one = Price.of(price, "USD"), Quantity.of("1", SECURITY)
    market.place("bid", "0", Side.BUY, limit, Quantity.of("3", SECURITY))
    for seller in "123":
        market.place(f"ask-{seller}", seller, Side.SELL, limit, one)
    if price == "0.004":
        assert {each.gross.amount for each in market.unsettled} == {0}
    else:
        with pytest.raises(InsufficientCash):
            market.finish()


@pytest.mark.parametrize("currency", sorted(MINOR_UNITS))
def test_the_standard_rule_is_one_minor_unit_and_one_share(currency):
    rules = TradingRules.standard(currency)
    assert (rules.tick, rules.lot) == (minor_unit(currency), 1)


def test_values_between_increments_are_refused_with_the_increment():
    rules = TradingRules.standard("USD")
    assert rules.price(Decimal("1.50000")) == Price.of("1.50", "USD")
    for check, field, increment in (
        (lambda: rules.price(Decimal("1.005")), "price", "0.01"),
        (lambda: rules.quantity(Decimal("1.5"), SECURITY), "quantity", "1"),
    ):
        with pytest.raises(IncrementInvalid) as caught:
            check()
        assert caught.value.code is ErrorCode.AMOUNT_INVALID
        assert (caught.value.context["field"], caught.value.context["increment"]) == (
            field,
            increment,
        )


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_what_is_not_positive_is_refused(value):
    rules = TradingRules.standard("USD")
    for check in (rules.price, lambda each: rules.quantity(each, SECURITY)):
        with pytest.raises(AmountInvalid):
            check(Decimal(value))
