"""The books against a naive model under random commands: balances, lots, conservation."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backend.kernel.money import Money, Price, Quantity
from backend.portfolio import decisions
from backend.portfolio.commands import BookTrade
from backend.portfolio.domain import check_invariants, evolve
from backend.portfolio.errors import InsufficientCash, InsufficientUnits
from backend.portfolio.events import LotMethod, Side
from backend.portfolio.ledger import entry_of
from tests.portfolio.books import account, evidence

SECURITIES = st.sampled_from(["aaa", "bbb"])
AMOUNTS = st.decimals("0.01", "5000", places=2)
UNITS = st.decimals("0.001", "50", places=3)
PRICES = st.decimals("0.0001", "90", places=4)
FEES = st.decimals("0", "3", places=2)
DAYS = st.integers(0, 30).map(lambda n: date(2024, 1, 1) + timedelta(days=n))
CENT = Decimal("0.01")


def cents(amount):
    return amount.quantize(CENT, ROUND_HALF_UP)


class BooksAgainstModel(RuleBasedStateMachine):
    """The model is a cash number, a list of lots and a dict of reservations: no structure."""

    @initialize(method=st.sampled_from([LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO]))
    def open(self, method):
        self.state = account(method=method)
        self.method = method
        self.cash = Decimal(0)
        self.lots = []  # [security, acquired, order, units, cost]
        self.held = {}  # id -> [side, security, units, cash]
        self.paid_in = Decimal(0)
        self.gain = Decimal(0)
        self.ledger = defaultdict(Decimal)
        self.count = 0

    def _next(self, kind):
        self.count += 1
        return f"{kind}-{self.count}"

    def _apply(self, events):
        for event in events:
            self.state = evolve(self.state, event)
            entry = entry_of(event)
            if entry is None:
                continue
            sums = defaultdict(Decimal)
            for line in entry.lines:
                sums[line.commodity] += line.amount
                self.ledger[line.ledger_account, line.commodity] += line.amount
            assert set(sums.values()) == {Decimal(0)}

    def _free_cash(self):
        return self.cash - sum(cash for _, _, _, cash in self.held.values())

    def _units(self, security):
        return sum((lot[3] for lot in self.lots if lot[0] == security), Decimal(0))

    def _free_units(self, security):
        held = sum(
            (units for side, sec, units, _ in self.held.values() if (side, sec) == ("s", security)),
            Decimal(0),
        )
        return self._units(security) - held

    def _refused(self, error, decide):
        try:
            decide()
        except error:
            return
        raise AssertionError("the books accepted what the model refuses")

    @rule(amount=AMOUNTS, on=DAYS)
    def deposit_cash(self, amount, on):
        name = self._next("d")
        command = (name, Money(amount, "USD"), on, evidence(self.count))
        self._apply(decisions.deposit_cash(self.state, *command))
        assert decisions.deposit_cash(self.state, *command) == ()
        self.cash += amount
        self.paid_in += amount

    @rule(security=SECURITIES, units=UNITS, cost=PRICES, on=DAYS, age=st.integers(0, 5))
    def deposit_units(self, security, units, cost, on, age):
        name, acquired = self._next("d"), on - timedelta(days=age)
        events = decisions.deposit_units(
            self.state, name, Quantity(units, security), Price(cost, "USD"), acquired, on,
            evidence(self.count),
        )  # fmt: skip
        self._apply(events)
        total = cents(units * cost)
        self.lots.append([security, acquired, self.count, units, total])
        self.paid_in += total

    @rule(security=SECURITIES, units=UNITS, cash=AMOUNTS)
    def reserve_cash(self, security, units, cash):
        name = self._next("r")
        command = (name, Money(cash, "USD"), Quantity(units, security))
        if cash > self._free_cash():
            self._refused(InsufficientCash, lambda: decisions.reserve_cash(self.state, *command))
            return
        self._apply(decisions.reserve_cash(self.state, *command))
        self.held[name] = ["b", security, units, cash]

    @rule(security=SECURITIES, units=UNITS)
    def reserve_units(self, security, units):
        name, wanted = self._next("r"), Quantity(units, security)
        if units > self._free_units(security):
            self._refused(
                InsufficientUnits, lambda: decisions.reserve_units(self.state, name, wanted)
            )
            return
        self._apply(decisions.reserve_units(self.state, name, wanted))
        self.held[name] = ["s", security, units, Decimal(0)]

    @precondition(lambda self: self.held)
    @rule(data=st.data(), part=st.sampled_from(["all", "0.3", "1"]))
    def release(self, data, part):
        name = data.draw(st.sampled_from(sorted(self.held)))
        units = None
        if part != "all":
            exact = self.held[name][2] * Decimal(part)
            units = Quantity(max(exact.quantize(Decimal("0.001")), CENT / 10), self.held[name][1])
        self._apply(decisions.release(self.state, name, self._next("x"), "test", units))
        self._forget(name, self.held[name][2] if units is None else units.units)

    def _forget(self, name, units):
        """Take the share that belongs to ``units`` out of the model's reservation."""
        held = self.held[name]
        share = cents(held[3] * units / held[2])
        held[2], held[3] = held[2] - units, held[3] - share
        if held[2] == 0:
            del self.held[name]
        return share

    @rule(security=SECURITIES, units=UNITS, price=PRICES, fees=FEES, on=DAYS, data=st.data())
    def buy(self, security, units, price, fees, on, data):
        fitting = [n for n, h in self.held.items() if h[:2] == ["b", security] and h[2] >= units]
        name = data.draw(st.sampled_from([None, *fitting]))
        command = self._trade(Side.BUY, security, units, price, fees, on, name)
        cost = cents(units * price) + fees
        share = cents(self.held[name][3] * units / self.held[name][2]) if name else Decimal(0)
        if cost > self._free_cash() + share:
            self._refused(InsufficientCash, lambda: decisions.book_trade(self.state, command))
            return
        self._apply(decisions.book_trade(self.state, command))
        assert decisions.book_trade(self.state, command) == ()
        if name:
            self._forget(name, units)
        self.cash -= cost
        self.lots.append([security, on, self.count, units, cost])

    @rule(security=SECURITIES, units=UNITS, price=PRICES, fees=FEES, on=DAYS, data=st.data())
    def sell(self, security, units, price, fees, on, data):
        fitting = [n for n, h in self.held.items() if h[:2] == ["s", security] and h[2] >= units]
        name = data.draw(st.sampled_from([None, *fitting]))
        units = min(units, max(self._units(security), Decimal("0.001")))
        command = self._trade(Side.SELL, security, units, price, fees, on, name)
        net = cents(units * price) - fees
        if units > self._free_units(security) + (units if name else 0):
            self._refused(InsufficientUnits, lambda: decisions.book_trade(self.state, command))
            return
        if self._free_cash() + net < 0:
            self._refused(InsufficientCash, lambda: decisions.book_trade(self.state, command))
            return
        (event,) = decisions.book_trade(self.state, command)
        self._apply((event,))
        if name:
            self._forget(name, units)
        self.cash += net
        cost = self._take(security, units)
        self.gain += net - cost
        closed = event.lots_closed
        assert sum(lot.proceeds.amount for lot in closed) == net
        assert sum(lot.cost.amount for lot in closed) == cost
        assert sum(lot.realised_gain.amount for lot in closed) == net - cost

    def _take(self, security, units):
        """Remove units lot by lot, the slow way; returns the cost they carried."""
        orders = {
            LotMethod.FIFO: lambda lot: (lot[1], lot[2]),
            LotMethod.LIFO: lambda lot: (-lot[1].toordinal(), -lot[2]),
            LotMethod.HIFO: lambda lot: (-(lot[4] / lot[3]), lot[1], lot[2]),
        }
        cost = Decimal(0)
        while units > 0:
            mine = [lot for lot in self.lots if lot[0] == security]
            lot = min(mine, key=orders[self.method])
            taken = min(units, lot[3])
            part = lot[4] if taken == lot[3] else cents(lot[4] * taken / lot[3])
            lot[3], lot[4], units, cost = lot[3] - taken, lot[4] - part, units - taken, cost + part
            if lot[3] == 0:
                self.lots.remove(lot)
        return cost

    def _trade(self, side, security, units, price, fees, on, reservation):
        return BookTrade(
            trade_id=self._next("t"),
            order_id=reservation,
            side=side,
            quantity=Quantity(units, security),
            price=Price(price, "USD"),
            fees=Money(fees, "USD"),
            trade_date=on,
            settlement_date=on + timedelta(days=2),
            reservation_id=reservation,
        )

    @invariant()
    def books_equal_the_model(self):
        check_invariants(self.state)
        assert self.state.cash.amount == self.cash
        assert self.state.free_cash.amount == self._free_cash()
        for security in ("aaa", "bbb"):
            position = self.state.position(security)
            lots = [(lot.acquired_on, lot.units.units, lot.cost.amount) for lot in position.lots]
            mine = [(lot[1], lot[3], lot[4]) for lot in self.lots if lot[0] == security]
            assert lots == mine
            assert position.free.units == self._free_units(security)

    @invariant()
    def the_ledger_agrees_and_conserves(self):
        book_cost = sum((lot[4] for lot in self.lots), Decimal(0))
        assert self.cash + book_cost == self.paid_in + self.gain
        assert self.ledger["cash:USD", "USD"] == self.cash
        assert self.ledger["contributions", "USD"] == -self.paid_in
        assert self.ledger["realised_gain", "USD"] == -self.gain
        assert self.ledger["fees", "USD"] + self.ledger["fees_absorbed", "USD"] == 0
        for security in ("aaa", "bbb"):
            cost = sum((lot[4] for lot in self.lots if lot[0] == security), Decimal(0))
            assert self.ledger[f"position:{security}", security] == self._units(security)
            assert self.ledger[f"conversion:{security}", "USD"] == cost


TestBooksAgainstModel = BooksAgainstModel.TestCase
TestBooksAgainstModel.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
