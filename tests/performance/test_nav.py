"""Daily values from real books: a portfolio's commands, its ledger, then its value."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.eventstore.scope import Scope
from backend.kernel.clock import FixedClock
from backend.kernel.money import CurrencyMismatch, Money, Price, Quantity
from backend.performance.domain.money_weighted import RootStatus
from backend.performance.domain.nav import Close
from backend.performance.errors import IntervalInvalid, PriceMissing
from backend.performance.service import PerformanceService
from backend.portfolio import decisions
from backend.portfolio.commands import BookTrade
from backend.portfolio.domain import evolve
from backend.portfolio.errors import InsufficientCash, InsufficientUnits
from backend.portfolio.events import Evidence, Side
from backend.portfolio.ledger import entry_of
from backend.portfolio.ports import LedgerLine, PortfolioHistory

START = date(2024, 1, 1)
SCOPE = Scope.app("tenant")


def day(n):
    return START + timedelta(days=n)


class Books:
    """One account driven by the portfolio's own decisions; its ledger is the history."""

    def __init__(self, currency="USD", base="USD"):
        self.base, self.currency, self.lines, self.count = base, currency, [], 0
        self.state = evolve(
            None,
            decisions.open_account(
                account_id="a", portfolio_id="p", name="n", currency=currency,
                wallet_address="0x" + "1" * 40,
            ),
        )  # fmt: skip

    def _take(self, events):
        for event in events:
            self.state = evolve(self.state, event)
            entry = entry_of(event)
            self.lines += [
                LedgerLine(
                    account_id="a", sequence=self.count, line=number, entry_id=f"e{self.count}",
                    kind=entry.kind, trade_date=entry.trade_date,
                    settlement_date=entry.settlement_date, ledger_account=line.ledger_account,
                    commodity=line.commodity, amount=line.amount, lot_id=line.lot_id,
                )
                for number, line in enumerate(entry.lines, start=1)
            ]  # fmt: skip

    def _name(self):
        self.count += 1
        return f"id-{self.count}", Evidence(chain_id=1, tx_hash=f"0x{self.count:064x}", log_index=0)

    def cash(self, amount, on):
        name, proof = self._name()
        money = Money(Decimal(amount), self.currency)
        self._take(decisions.deposit_cash(self.state, name, money, on, proof))

    def units(self, quantity, cost, on, security="x"):
        name, proof = self._name()
        self._take(
            decisions.deposit_units(
                self.state, name, Quantity(Decimal(quantity), security),
                Price(Decimal(cost), self.currency), on, on, proof,
            )
        )  # fmt: skip

    def trade(self, side, quantity, at, on, fees="0", security="x"):
        name, _ = self._name()
        self._take(
            decisions.book_trade(
                self.state,
                BookTrade(
                    trade_id=name, order_id=None, side=side,
                    quantity=Quantity(Decimal(quantity), security),
                    price=Price(Decimal(at), self.currency),
                    fees=Money(Decimal(fees), self.currency),
                    trade_date=on, settlement_date=on + timedelta(days=2),
                ),
            )
        )  # fmt: skip

    def history(self, scope, portfolio_id, until):
        lines = tuple(line for line in self.lines if line.trade_date <= until)
        return PortfolioHistory(portfolio_id=portfolio_id, base_currency=self.base, lines=lines)

    def accounts(self, scope, portfolio_id):
        return ()


class Closes:
    def __init__(self, series, currency="USD"):
        self.series = {
            security: [
                Close(day(n), Price(Decimal(at), currency)) for n, at in sorted(rows.items())
            ]
            for security, rows in series.items()
        }

    def closes(self, security_id, first, last):
        rows = [row for row in self.series.get(security_id, []) if row.on <= last]
        before = [row for row in rows if row.on <= first][-1:]
        return [*before, *(row for row in rows if row.on > first)]


def service(books, closes, today=9):
    moment = datetime.combine(day(today), datetime.min.time(), UTC)
    return PerformanceService(books, Closes(closes), FixedClock(moment))


def usd(text):
    return Money.of(text, "USD")


def test_value_follows_the_last_raw_close_and_says_how_old_it_is():
    books = Books()
    books.cash("1000", day(0))
    books.trade(Side.BUY, "10", "50", day(1), fees="5")
    found = service(books, {"x": {1: "50", 3: "60"}}).nav(SCOPE, "p", day(0), day(4))
    assert [d.value for d in found.days] == [
        usd("1000"), usd("995"), usd("995"), usd("1095"), usd("1095")
    ]  # fmt: skip
    assert [d.stale_days for d in found.days] == [0, 0, 1, 0, 1]
    assert found.days[-1].unrealised == usd("95")  # fees are in the cost
    assert [d.value for d in found.returns.days][1] == Decimal("-0.005")


def test_a_trade_counts_from_its_trade_date():
    books = Books()
    books.cash("100", day(0))
    books.trade(Side.BUY, "1", "100", day(2))
    found = service(books, {"x": {0: "100", 3: "110"}}).nav(SCOPE, "p", day(0), day(4))
    assert [d.securities for d in found.days] == [
        usd("0"), usd("0"), usd("100"), usd("110"), usd("110")
    ]  # fmt: skip


def test_a_security_without_any_price_is_named_and_never_worth_zero():
    books = Books()
    books.units("1", "10", day(0))
    for closes in ({}, {"x": {2: "10"}}):
        with pytest.raises(PriceMissing) as refused:
            service(books, closes).nav(SCOPE, "p", day(0), day(3))
        assert refused.value.context == {"security_id": "x", "on": day(0).isoformat()}


def test_a_security_sold_before_needs_no_price_later():
    books = Books()
    books.units("1", "10", day(0))
    books.trade(Side.SELL, "1", "12", day(1))
    found = service(books, {"x": {0: "10"}}).nav(SCOPE, "p", day(0), day(3))
    assert found.days[-1].value == usd("12.00")
    assert found.days[-1].oldest_close is None


def test_units_in_kind_come_in_at_market_value_and_bring_no_return():
    books = Books()
    books.cash("100", day(0))
    books.units("10", "5", day(1))  # cost 50, worth 80
    found = service(books, {"x": {1: "8", 2: "9"}}).performance(SCOPE, "p", day(0), day(2))
    assert (found.inflow, found.gain) == (usd("80"), usd("10"))
    assert (found.realised, found.unrealised) == (usd("0"), usd("10"))
    assert found.unrealised_at_end == usd("40")
    assert float(found.time_weighted) == pytest.approx(10 / 180)


def test_an_interval_starts_with_the_end_of_its_first_day():
    """Portfolio Performance, testCapitalGains: bought for less long ago, 1000 to 1100."""
    books = Books()
    books.units("10", "0.1", date(2010, 1, 1))
    closes = Closes({})
    closes.series["x"] = [
        Close(date(2010, 1, 1), Price.of("100", "USD")),
        Close(date(2011, 6, 1), Price.of("110", "USD")),
    ]
    calculated = PerformanceService(books, closes, FixedClock(datetime(2012, 1, 1, tzinfo=UTC)))
    found = calculated.performance(SCOPE, "p", date(2010, 12, 31), date(2011, 12, 31))
    assert (found.start, found.gain, found.end) == (usd("1000"), usd("100"), usd("1100"))
    assert found.inflow == usd("0")
    assert found.money_weighted.status is RootStatus.OK
    assert found.money_weighted.annual == pytest.approx(0.1)
    assert found.money_weighted.period == pytest.approx(0.1)
    assert found.time_weighted == Decimal("0.1")


def test_defaults_are_the_first_booking_and_today():
    books = Books()
    books.cash("10", day(3))
    found = service(books, {}, today=5).nav(SCOPE, "p")
    assert [d.on for d in found.days] == [day(3), day(4), day(5)]
    assert service(Books(), {}, today=5).performance(SCOPE, "p").time_weighted is None


@pytest.mark.parametrize(("first", "last"), [(day(1), day(0)), (date(1900, 1, 1), day(0))])
def test_an_interval_has_an_order_and_a_bound(first, last):
    with pytest.raises(IntervalInvalid):
        service(Books(), {}).nav(SCOPE, "p", first, last)


def test_an_account_in_another_currency_is_not_valued_silently():
    books = Books(currency="EUR", base="USD")
    books.cash("10", day(0))
    with pytest.raises(CurrencyMismatch):
        service(books, {}).nav(SCOPE, "p", day(0), day(1))


def test_a_price_in_another_currency_is_refused():
    books = Books()
    books.units("1", "10", day(0))
    quoted = PerformanceService(
        books, Closes({"x": {0: "9"}}, "EUR"), FixedClock(datetime(2024, 1, 2, tzinfo=UTC))
    )
    with pytest.raises(CurrencyMismatch):
        quoted.nav(SCOPE, "p", day(0), day(1))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["cash", "units", "buy", "sell"]),
        st.decimals("0.01", "300", places=2),
        st.decimals("0.5", "40", places=2),
        st.integers(0, 6),
        st.decimals("0", "2", places=2),
        st.sampled_from("xy"),
    ),
    max_size=14,
)
PRICES = st.lists(st.decimals("0.5", "40", places=2), min_size=7, max_size=7)


@given(ACTIONS, PRICES, PRICES, st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=150, deadline=None)
def test_the_parts_of_a_gain_add_up_to_the_cent(actions, x_prices, y_prices, one, other):
    """Cases, pp-pnl-identity: start + flows + gains = end, over random books."""
    books = Books()
    for kind, amount, at, on, fees, security in actions:
        try:
            if kind == "cash":
                books.cash(amount, day(on))
            elif kind == "units":
                books.units(amount, at, day(on), security)
            else:
                books.trade(Side(kind), amount, at, day(on), str(fees), security)
        except (InsufficientCash, InsufficientUnits):
            continue
    first, last = sorted((one, other))
    closes = {"x": dict(enumerate(x_prices)), "y": dict(enumerate(y_prices))}
    if any(units < 0 for units in units_by_day(books).values()):
        return  # booked out of trade-date order: short for a day, not a portfolio to value
    found = service(books, closes).performance(SCOPE, "p", day(first), day(last))
    assert found.start + found.inflow - found.outflow + found.gain == found.end
    assert found.realised + found.unrealised == found.gain
    assert found.unrealised_at_end == found.end - cash_at(books, last) - cost_at(books, last)


def units_by_day(books):
    """Units per security at the end of each day, from the raw lines."""
    return {
        (security, n): sum(
            line.amount
            for line in books.lines
            if line.ledger_account == f"position:{security}" and line.trade_date <= day(n)
        )
        for security in "xy"
        for n in range(7)
    }


def cash_at(books, n):
    return _sum(books, n, lambda line: line.ledger_account == "cash:USD")


def cost_at(books, n):
    return _sum(
        books, n,
        lambda line: line.ledger_account.startswith("conversion:") and line.commodity == "USD",
    )  # fmt: skip


def _sum(books, n, wanted):
    amounts = [line.amount for line in books.lines if line.trade_date <= day(n) and wanted(line)]
    return Money(sum(amounts, Decimal(0)), "USD")
