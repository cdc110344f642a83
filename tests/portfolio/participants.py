"""Participants with real books, and the outside world as the tests say it is."""

from datetime import date, timedelta
from uuid import uuid4

from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.portfolio.errors import DepositUnproven
from backend.portfolio.events import Evidence, Side
from backend.portfolio.ports import ShownTransfer
from backend.portfolio.service import ACCOUNT
from tests.portfolio.books import DAY, money, price, trade, units

CALLER = Caller("participant:test")


class Chain:
    """What the chain shows, as the test says: the outside world of these tests."""

    def __init__(self):
        self.transfers = {}

    def shows(self, asset, recipient, on=DAY):
        evidence = Evidence(chain_id=31337, tx_hash=f"0x{uuid4().int:064x}", log_index=3)
        self.transfers[evidence.tx_hash] = ShownTransfer(asset=asset, recipient=recipient, on=on)
        return evidence

    def shown(self, evidence):
        if evidence.tx_hash not in self.transfers:
            raise DepositUnproven("No such transfer.")
        return self.transfers[evidence.tx_hash]


class BoundWallets:
    def __init__(self):
        self.bound = set()

    def is_bound(self, tenant_id, address):
        return (tenant_id, address.lower()) in self.bound


class Closes:
    def __init__(self, quotes):
        self.quotes = quotes

    def close(self, security_id, on):
        return self.quotes.get(security_id)


class Participant:
    """One tenant with a portfolio and an account."""

    def __init__(self, store, service, wallets):
        self.tenant = str(uuid4())
        self.wallet = f"0x{uuid4().hex}{'0' * 8}"
        self.store, self.service = store, service
        self.scope = Scope.app(self.tenant)
        wallets.bound.add((self.tenant, self.wallet))
        self.portfolio = self.do("open_portfolio", name="Main", base_currency="USD")
        self.account = self.do(
            "open_account", portfolio_id=self.portfolio, name="Broker", currency="USD",
            wallet_address=self.wallet,
        )  # fmt: skip

    def do(self, command, /, *args, **kwargs):
        if command == "record_deposit":  # the chain is asked before the transaction begins
            args = (*args, self.service.shown(args[-1]))
        with self.store.transaction(self.scope, CALLER) as uow:
            return getattr(self.service, command)(uow, *args, **kwargs)

    def rows(self, sql, *args):
        with self.store.database.transaction(self.scope) as db:
            return db.execute(sql, args).fetchall()

    def state(self):
        with self.store.transaction(self.scope, CALLER) as uow:
            return uow.load(ACCOUNT, self.account).state


def a_busy_account(alice, chain):
    """Cash, a lot in kind, a purchase by reservation, and a sale over both lots."""
    cash = chain.shows(money("1000"), alice.wallet)
    kind = chain.shows(units("10"), alice.wallet.upper().replace("0X", "0x"))
    alice.do("record_deposit", alice.account, cash)
    alice.do(
        "record_deposit", alice.account, kind, unit_cost=price("8"), acquired_on=date(2020, 1, 1)
    )
    alice.do("reserve_cash", alice.account, "order-1", money("100"), units("10"))
    buy = trade("trade-1", Side.BUY, "6", "9.5", fees="1", reservation_id="order-1")
    alice.do("book_trade", alice.account, buy)
    alice.do("release", alice.account, "order-1", "cancel-1", "cancelled")
    alice.do("reserve_units", alice.account, "order-2", units("14"))
    sale = trade(
        "trade-2", Side.SELL, "12", "11", fees="2", reservation_id="order-2",
        on=DAY + timedelta(days=1), settles=DAY + timedelta(days=2),
    )  # fmt: skip
    alice.do("book_trade", alice.account, sale)
