"""A venue for tests: real store, real books, real compliance; prices and chain are the test's."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from backend.compliance import events as compliance_events
from backend.compliance.ports import Exposure
from backend.compliance.projections import PROJECTION as COMPLIANCE
from backend.compliance.service import ComplianceService
from backend.eventstore.lease import Lease
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.recorded import read_recorded
from backend.eventstore.registry import EventRegistry
from backend.eventstore.replay import replay_and_compare
from backend.eventstore.scope import Scope
from backend.eventstore.sequencer import Sequencer
from backend.eventstore.store import Caller, EventStore
from backend.eventstore.subscriptions import SubscriptionRunner
from backend.identity.ids import VENUE_TENANT
from backend.kernel.clock import FixedClock
from backend.kernel.ids import Uuid7Factory
from backend.kernel.money import Money, Price, Quantity
from backend.portfolio import events as portfolio_events
from backend.portfolio.errors import AccountUnknown
from backend.portfolio.events import Evidence, Side
from backend.portfolio.ports import ShownTransfer
from backend.portfolio.projections import PROJECTION as BOOKS_OF_ACCOUNT
from backend.portfolio.service import ACCOUNT, PortfolioService
from backend.securities import calendar
from backend.securities.errors import SecurityUnknown
from backend.trading import events as trading_events
from backend.trading.projections import PROJECTIONS
from backend.trading.service.matching import MatchingService
from backend.trading.service.orders import ORDER, OrderService, PlaceOrder
from backend.trading.service.shelf import BookShelf

ORIGIN = "test.example/trading"
NOON = datetime(2013, 2, 12, 12, tzinfo=UTC)  # a Tuesday with sessions on the days after
OPERATOR = Caller("participant:operator")
REGISTRY = EventRegistry(
    (*compliance_events.EVENTS, *portfolio_events.EVENTS, *trading_events.EVENTS)
)


def event_store(database) -> EventStore:
    return EventStore(
        database,
        REGISTRY,
        ProjectionSet([COMPLIANCE, BOOKS_OF_ACCOUNT, *PROJECTIONS]),
        Ed25519Signer.generate(),
        FixedClock(NOON),
        Uuid7Factory(),
        ORIGIN,
    )


class Register:
    """Two securities with a last close of 100 USD, and one in another currency."""

    def __init__(self):
        self.closes = {}
        self.currencies = {}

    def add(self, currency="USD", close="100"):
        security_id = str(uuid4())
        self.currencies[security_id] = currency
        self.closes[security_id] = None if close is None else Price.of(close, currency)
        return security_id

    def by_id(self, uow, security_id):
        if security_id not in self.currencies:
            raise SecurityUnknown("No such security.")
        return SimpleNamespace(
            security_id=security_id, currency=self.currencies[security_id], mic="XNYS"
        )

    def exists(self, uow, security_id):
        return security_id in self.currencies

    def last_close(self, uow, security_id, on):
        return self.closes[security_id]


class BookExposures:
    """The exposure as the account's own state shows it."""

    def __init__(self, register):
        self._register = register

    def exposure(self, uow, account_id, security_id, on: date, *, tenant_id=None):
        state = uow.load(ACCOUNT, account_id, tenant_id=tenant_id).state
        if state is None:
            raise AccountUnknown("No such account.", account_id=account_id)
        zero = Quantity.zero(security_id)
        incoming = (
            each.units
            for each in state.reservations.values()
            if each.cash is not None and each.units.security_id == security_id
        )
        position = state.position(security_id)
        return Exposure(
            account_id=account_id,
            portfolio_id=state.portfolio_id,
            cash_available=state.free_cash,
            units_available=position.free,
            units_held=position.units,
            units_incoming=sum(incoming, zero),
            nav=self._nav(state),
        )

    def _nav(self, state):
        total = state.cash
        for security_id, position in state.positions.items():
            total += self._register.closes[security_id].times(position.units)
        return total


class Chain:
    """Every transfer that a test says happened."""

    def __init__(self):
        self.transfers = {}

    def shown(self, evidence):
        return self.transfers[evidence.tx_hash]

    def is_bound(self, tenant_id, address):
        return True


class Venue:
    """Everything wired as bootstrap would, and words for tests to use it with."""

    def __init__(self, store):
        self.store = store
        self.register = Register()
        self.chain = Chain()
        self.books = PortfolioService(self.chain, self.chain)
        self.exposures = BookExposures(self.register)
        self.compliance = ComplianceService(self.register, VENUE_TENANT)
        self.orders = OrderService(
            self.books, self.exposures, self.register, self.register, self.compliance, calendar
        )
        self.shelf = BookShelf(REGISTRY, VENUE_TENANT)
        self.matching = self.new_matching(self.shelf)
        self._sequencer = self._new_sequencer()
        self.security = self.register.add()

    def new_matching(self, shelf):
        return MatchingService(
            shelf, self.books, self.exposures, self.register, calendar, self.compliance
        )

    def _new_sequencer(self):
        lease = Lease(
            self.store.database, "sequencer", "test", timedelta(minutes=5), Scope.sequencer()
        )
        assert lease.acquire()
        signer = Ed25519NoteSigner(ORIGIN, Ed25519Signer.generate())
        return Sequencer(self.store.database, lease, signer, ORIGIN)

    def participant(self, cash="100000", units="0", security=None):
        return Participant(self, cash, units, security or self.security)

    def sequence(self):
        while self._sequencer.step():
            pass

    def match(self, matching=None):
        """Sequence, then let the matching subscription handle all that waits."""
        self.sequence()
        runner = SubscriptionRunner(self.store, (matching or self.matching).subscription())
        handled = runner.drain()
        self.sequence()
        return handled

    def operate(self, work):
        with self.store.transaction(Scope.venue(), OPERATOR) as uow:
            return work(uow)

    def trip(self, scope="venue"):
        return self.operate(lambda uow: self.compliance.trip(uow, scope, "drill"))

    def reset(self, scope="venue"):
        return self.operate(lambda uow: self.compliance.reset(uow, scope, "drill over"))

    def events(self, kind=None):
        """Every event of trading and compliance so far, in order of insertion."""
        rows = self.rows("SELECT entry, leaf_hash FROM events ORDER BY insert_id")
        recorded = (read_recorded(REGISTRY, row["entry"], row["leaf_hash"]) for row in rows)
        return [each for each in recorded if kind is None or isinstance(each.event, kind)]

    def rows(self, statement, parameters=()):
        with self.store.database.transaction(Scope.auditor()) as connection:
            return connection.execute(statement, parameters).fetchall()

    def replay(self):
        self.sequence()
        return replay_and_compare(self.store.database, REGISTRY, self.store.projections)


class Participant:
    """One tenant with a funded account."""

    def __init__(self, venue, cash, units, security):
        self.venue = venue
        self.tenant, self.id = str(uuid4()), str(uuid4())
        self.scope = Scope.app(self.tenant)
        self.caller = Caller(f"participant:{self.id}")
        books = venue.books
        self.portfolio = self.do(
            lambda uow: books.open_portfolio(uow, name="Main", base_currency="USD")
        )
        self.account = self.do(
            lambda uow: books.open_account(
                uow,
                portfolio_id=self.portfolio,
                name="Broker",
                currency="USD",
                wallet_address="0x" + "a" * 40,
            )
        )
        if Decimal(cash):
            self.deposit(Money.of(cash, "USD"))
        if Decimal(units):
            self.deposit(Quantity.of(units, security), unit_cost=Price.of("90", "USD"))

    def do(self, work):
        with self.venue.store.transaction(self.scope, self.caller) as uow:
            return work(uow)

    def deposit(self, asset, **terms):
        evidence = Evidence(chain_id=31337, tx_hash=f"0x{uuid4().int:064x}", log_index=0)
        self.venue.chain.transfers[evidence.tx_hash] = ShownTransfer(
            asset=asset, recipient="0x" + "a" * 40, on=NOON.date()
        )
        self.do(
            lambda uow: self.venue.books.record_deposit(
                uow, self.account, evidence, self.venue.books.shown(evidence), **terms
            )
        )

    def command(self, side, quantity, price, **changes):
        fields = {
            "participant_id": self.id,
            "account_id": self.account,
            "security_id": self.venue.security,
            "side": side,
            "quantity": Decimal(quantity),
            "limit_price": Decimal(price),
            "client_order_id": str(uuid4()),
        }
        return PlaceOrder(**{**fields, **changes})

    def place(self, side, quantity, price, **changes):
        command = self.command(side, quantity, price, **changes)
        return self.do(lambda uow: self.venue.orders.place(uow, command))

    def buy(self, quantity, price, **changes):
        return self.place(Side.BUY, quantity, price, **changes)

    def sell(self, quantity, price, **changes):
        return self.place(Side.SELL, quantity, price, **changes)

    def cancel(self, order_id):
        return self.do(lambda uow: self.venue.orders.cancel(uow, order_id))

    def order(self, order_id):
        return self.do(lambda uow: uow.load(ORDER, order_id).state)

    def books(self):
        return self.do(lambda uow: uow.load(ACCOUNT, self.account).state)
