"""The books in PostgreSQL: tables follow the events, tenants are apart, evidence counts once."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import msgspec
import psycopg
import pytest

from backend.eventstore.scope import Scope
from backend.kernel.errors import ValueInvalid
from backend.kernel.money import Money
from backend.portfolio.domain import check_invariants
from backend.portfolio.errors import (
    AccountUnknown,
    DepositUnproven,
    EvidenceUsed,
    InsufficientCash,
    PortfolioUnknown,
    WalletUnknown,
)
from backend.portfolio.events import Evidence, Side
from backend.portfolio.service import PortfolioQueries
from tests.portfolio.books import ACME, DAY, money, price, trade, units
from tests.portfolio.participants import CALLER, Closes, a_busy_account

pytestmark = pytest.mark.db


def test_the_tables_say_what_the_events_say(alice, chain, queries):
    a_busy_account(alice, chain)
    state = alice.state()
    check_invariants(state)
    account = queries.read(alice.scope, lambda t: t.account(alice.account))
    # 1000 - (6 x 9.5 + 1) + (12 x 11 - 2) by hand
    assert account.balance == state.cash == money("1072")
    assert account.reserved == state.cash_reserved == money("0")
    (holding,) = queries.holdings(alice.scope, alice.portfolio, DAY)
    assert (holding.units, holding.reserved) == (units("4"), units("2"))
    # left: 4 of the 6 bought for 58.00; cost of the 2 sold: 19.33
    assert holding.cost == money("38.67")
    assert holding.average_cost == Decimal("9.667500")
    assert (holding.market_value, holding.unrealised_gain) == (money("50.00"), money("11.33"))
    assert holding.realised_gain == money("30.67")  # 130 - 80 - 19.33
    lots = queries.read(alice.scope, lambda t: t.lots(alice.account, closed=True))
    assert [(lot.open, lot.cost_open, lot.closed_on) for lot in lots] == [
        (units("0"), money("0.00"), DAY + timedelta(days=1)),
        (units("4"), money("38.67"), None),
    ]
    open_lots = queries.read(alice.scope, lambda t: t.lots(alice.account, ACME))
    assert [lot.lot_id for lot in open_lots] == ["trade-1"]


def test_every_entry_and_every_balance_of_the_ledger_adds_up(alice, chain, queries):
    a_busy_account(alice, chain)
    entries = queries.read(alice.scope, lambda t: t.ledger_page(alice.account, None, 50))
    balances = defaultdict(Decimal)
    for entry in entries:
        sums = defaultdict(Decimal)
        for line in entry.lines:
            sums[line.commodity] += line.amount
            balances[line.ledger_account, line.commodity] += line.amount
        assert set(sums.values()) == {Decimal(0)}
    assert balances["cash:USD", "USD"] == Decimal("1072")
    assert balances["position:acme", "acme"] == Decimal(4)
    assert balances["conversion:acme", "USD"] == Decimal("38.67")
    assert balances["realised_gain", "USD"] == Decimal("-30.67")
    assert balances["fees", "USD"] == Decimal(3)
    newest = entries[0].lines[0]
    assert (newest.trade_date, newest.settlement_date) == (
        DAY + timedelta(days=1),
        DAY + timedelta(days=2),
    )


def test_ledger_pages_follow_each_other_without_cutting_an_entry(alice, chain, queries):
    a_busy_account(alice, chain)
    whole = queries.read(alice.scope, lambda t: t.ledger_page(alice.account, None, 50))
    paged, key = [], None
    for _ in range(len(whole)):
        (entry,) = queries.read(
            alice.scope, lambda t, key=key: t.ledger_page(alice.account, key, 1)
        )
        paged.append(entry)
        key = entry.key
    assert tuple(paged) == whole
    assert len(whole) == 4


def test_the_history_holds_lines_up_to_a_trade_date(alice, chain, queries):
    a_busy_account(alice, chain)
    before = queries.history(alice.scope, alice.portfolio, DAY)
    after = queries.history(alice.scope, alice.portfolio, DAY + timedelta(days=1))
    assert {line.trade_date for line in before.lines} == {DAY}
    assert len(after.lines) > len(before.lines)
    assert after.base_currency == "USD"


def test_an_on_chain_transfer_is_one_deposit_on_the_whole_platform(alice, bob, chain, books_store):
    evidence = chain.shows(money("10"), alice.wallet)
    first = alice.do("record_deposit", alice.account, evidence)
    assert alice.do("record_deposit", alice.account, evidence) == first
    assert alice.state().cash == money("10")
    chain.transfers[evidence.tx_hash] = msgspec.structs.replace(
        chain.transfers[evidence.tx_hash], recipient=bob.wallet
    )
    with pytest.raises(EvidenceUsed):
        bob.do("record_deposit", bob.account, evidence)
    assert bob.state().cash == money("0")
    assert bob.rows("SELECT * FROM deposits") == []
    other_log = msgspec.structs.replace(evidence, log_index=4)
    assert bob.do("record_deposit", bob.account, other_log) != first


def test_only_what_the_chain_shows_is_recorded(alice, bob, chain):
    unknown = Evidence(chain_id=31337, tx_hash="0x" + "0" * 64, log_index=0)
    with pytest.raises(DepositUnproven):
        alice.do("record_deposit", alice.account, unknown)
    with pytest.raises(DepositUnproven):
        alice.do("record_deposit", alice.account, chain.shows(money("10"), bob.wallet))
    with pytest.raises(ValueInvalid):
        alice.do("record_deposit", alice.account, chain.shows(units("10"), alice.wallet))
    with pytest.raises(ValueInvalid):
        alice.do(
            "record_deposit", alice.account, chain.shows(money("1"), alice.wallet),
            unit_cost=price("1"),
        )  # fmt: skip
    assert alice.state().cash == money("0")


def test_an_account_needs_an_own_portfolio_and_an_own_wallet(alice, bob):
    with pytest.raises(PortfolioUnknown):
        alice.do(
            "open_account", portfolio_id=bob.portfolio, name="x", currency="USD",
            wallet_address=alice.wallet,
        )  # fmt: skip
    with pytest.raises(WalletUnknown):
        alice.do(
            "open_account", portfolio_id=alice.portfolio, name="x", currency="USD",
            wallet_address=bob.wallet,
        )  # fmt: skip


def test_a_tenant_sees_and_moves_nothing_of_another(alice, bob, chain, queries):
    a_busy_account(alice, chain)
    for question in (
        lambda t: t.account(alice.account),
        lambda t: t.lots(alice.account),
        lambda t: t.ledger_page(alice.account, None, 1),
    ):
        with pytest.raises(AccountUnknown):
            queries.read(bob.scope, question)
    with pytest.raises(PortfolioUnknown):
        queries.holdings(bob.scope, alice.portfolio, DAY)
    with pytest.raises(AccountUnknown):
        bob.do("reserve_cash", alice.account, "r", money("1"), units("1"))
    for table in ("accounts", "positions", "lots", "lot_closings", "ledger_entries"):
        mine = alice.rows(f"SELECT count(*) AS n FROM {table}")  # not empty: the control
        theirs = bob.rows(f"SELECT count(*) AS n FROM {table} WHERE account_id <> %s", bob.account)
        assert mine[0]["n"] > 0
        assert theirs[0]["n"] == 0


def book_both(store, service, sides):
    """As settlement does: one venue transaction, each side in its own tenant."""
    with store.transaction(Scope.venue(), CALLER) as uow:
        for side, who in sides:
            command = trade("t", side, "5", "10")
            service.book_trade(uow, who.account, command, tenant_id=who.tenant)


def test_the_venue_books_both_sides_in_one_transaction(alice, bob, chain, books_store, service):
    alice.do("record_deposit", alice.account, chain.shows(money("100"), alice.wallet))
    kind = chain.shows(units("5"), bob.wallet)
    bob.do("record_deposit", bob.account, kind, unit_cost=price("1"))
    book_both(books_store, service, [(Side.BUY, alice), (Side.SELL, bob)])
    assert (alice.state().cash, bob.state().cash) == (money("50"), money("50"))


def test_a_refused_side_undoes_the_other(alice, bob, chain, books_store, service):
    kind = chain.shows(units("5"), bob.wallet)
    bob.do("record_deposit", bob.account, kind, unit_cost=price("1"))
    with pytest.raises(InsufficientCash):
        book_both(books_store, service, [(Side.SELL, bob), (Side.BUY, alice)])
    assert bob.state().position(ACME).units == units("5")
    assert bob.rows("SELECT * FROM booked_trades") == []


def test_a_holding_without_a_price_has_no_value_rather_than_zero(alice, chain, books_store):
    a_busy_account(alice, chain)
    blind = PortfolioQueries(books_store.database, Closes({}))
    (holding,) = blind.holdings(alice.scope, alice.portfolio, DAY)
    assert holding.market_value is None
    assert holding.unrealised_gain is None
    assert holding.cost == Money(Decimal("38.67"), "USD")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE cash_balances SET balance = -1",
        "UPDATE cash_balances SET reserved = balance + 1",
        "UPDATE positions SET units = 1, reserved = 2",
        "UPDATE positions SET units = 0",
        "UPDATE lots SET units_open = -1",
        "UPDATE lot_closings SET realised_gain = realised_gain + 1",
    ],
)
def test_the_schema_refuses_impossible_books(alice, chain, damage):
    a_busy_account(alice, chain)
    with pytest.raises(psycopg.errors.CheckViolation):
        alice.rows(damage)
