"""A small venue around settlement: real PostgreSQL, real chain, plain books; pumped by hand."""

import dataclasses
import random
from datetime import UTC, date, datetime, timedelta

from eth_account import Account

from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.lease import Lease
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.registry import EventRegistry
from backend.eventstore.scope import Scope
from backend.eventstore.sequencer import Sequencer
from backend.eventstore.store import Caller, EventStore
from backend.eventstore.subscriptions import SubscriptionRunner
from backend.identity.ids import VENUE_TENANT
from backend.kernel.clock import FixedClock
from backend.kernel.ids import Uuid7Factory
from backend.kernel.money import Price, Quantity
from backend.settlement import process
from backend.settlement.chain.adapter import Web3SettlementChain
from backend.settlement.chain.deploy import Deployer, DeploymentSpec, SecuritySpec
from backend.settlement.chain.node import Node
from backend.settlement.chain.signer import LocalSigner
from backend.settlement.domain.terms import SettlementPolicy, Token
from backend.settlement.events import EVENTS as SETTLEMENT_EVENTS
from backend.settlement.projections import PROJECTIONS
from backend.settlement.service import SettlementService
from backend.settlement.steps import WorkerPolicy
from backend.settlement.subscriptions import BooksFollow, Instructing, Matching
from backend.settlement.wallet import sign_trade
from backend.settlement.worker import SettlementWorker
from backend.trading.events import EVENTS as TRADING_EVENTS
from backend.trading.events import Party, TradeExecuted

ORIGIN = "test.example/log"
NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
SECURITY = "01234567-0000-7000-8000-00000000aaaa"
SELLER_TENANT = "00000000-0000-7000-8000-0000000000a1"
BUYER_TENANT = "00000000-0000-7000-8000-0000000000b2"
OPERATOR = Account.from_key("0x" + "0a" * 32)
SETTLER = Account.from_key("0x" + "0b" * 32)
SELLER = Account.from_key("0x" + "0c" * 32)
BUYER = Account.from_key("0x" + "0d" * 32)
UNIT = 10**6
BOOK = Aggregate("book", lambda state, event: 1)
FAST = WorkerPolicy(poll=0.0, idle_poll=0.0, backoff=0.0)


@dataclasses.dataclass(frozen=True)
class OnChain:
    node: Node
    deployment: object
    deployer: Deployer

    @property
    def asset(self):
        return self.deployment.securities["AAPL"].address

    @property
    def cash(self):
        return self.deployment.cash["USD"].address

    def settlement_chain(self):
        settlement = self.deployment.settlement
        return Web3SettlementChain(
            self.node,
            settlement.address,
            LocalSigner(SETTLER),
            deployed_at=settlement.block,
        )

    def balance(self, token, account):
        return self.node.contract("CashToken", token).functions.balanceOf(account.address).call()

    def balances(self):
        return {
            "seller": (self.balance(self.asset, SELLER), self.balance(self.cash, SELLER)),
            "buyer": (self.balance(self.asset, BUYER), self.balance(self.cash, BUYER)),
        }


def deploy(anvil, units=1_000 * UNIT, money=100_000 * UNIT):
    for account in (OPERATOR, SETTLER):
        anvil.call("anvil_setBalance", account.address, hex(10**21))
    node = Node(anvil.url, 31_337)
    deployer = Deployer(node, OPERATOR)
    deployment = deployer.deploy(
        DeploymentSpec(
            settler=SETTLER.address,
            guardian=OPERATOR.address,
            securities=(SecuritySpec("AAPL", "Apple Inc.", "US0378331005"),),
            currencies=("USD",),
        )
    )
    chain = OnChain(node, deployment, deployer)
    deployer.allow(chain.asset, [SELLER.address, BUYER.address])
    deployer.mint(chain.asset, SELLER.address, units)
    deployer.mint(chain.cash, BUYER.address, money)
    return chain


class Directory:
    """The ports that other contexts fill: wallets, tokens, breakers, books."""

    def __init__(self, on_chain):
        self.wallets = {SELLER_TENANT: SELLER.address, BUYER_TENANT: BUYER.address}
        self.halted = set()
        self.booked = []
        self.released = []
        self.on_chain = on_chain

    def address_of(self, uow, tenant_id, account_id):
        return self.wallets.get(tenant_id)

    def asset(self, uow, security_id):
        return Token(chain_id=31_337, address=self.on_chain.asset, decimals=6, symbol="AAPL")

    def cash(self, uow, currency):
        return Token(chain_id=31_337, address=self.on_chain.cash, decimals=6, symbol=currency)

    def is_halted(self, uow, security_id):
        return security_id in self.halted

    def book(self, uow, tenant_id, settled):
        self.booked.append((tenant_id, settled.direction, settled.deal.trade_id))

    def release(self, uow, tenant_id, failed):
        self.released.append((tenant_id, failed.direction, failed.cause, failed.reason))


class Venue:
    """Everything of settlement, wired; ``pump`` runs the sequencer and the subscriptions."""

    def __init__(self, database, on_chain):
        self.clock = FixedClock(NOW)
        self.ids = Uuid7Factory()
        self.database = database
        self.on_chain = on_chain
        self.ports = Directory(on_chain)
        signer = Ed25519Signer.generate()
        self.registry = EventRegistry((*TRADING_EVENTS, *SETTLEMENT_EVENTS))
        self.projections = ProjectionSet(PROJECTIONS)
        self.store = EventStore(
            database, self.registry, self.projections, signer, self.clock, self.ids, ORIGIN
        )
        lease = Lease(database, "sequencer", "test", timedelta(minutes=5), Scope.sequencer())
        assert lease.acquire()
        self.sequencer = Sequencer(database, lease, Ed25519NoteSigner(ORIGIN, signer), ORIGIN)
        self.chain = on_chain.settlement_chain()
        instructing = Instructing(self.chain.domain, self.ports, self.ports, SettlementPolicy())
        self.runners = [
            SubscriptionRunner(self.store, each.subscription())
            for each in (instructing, Matching(), BooksFollow(self.ports))
        ]
        self.service = SettlementService()

    def worker(self, policy=FAST, chain=None):
        return SettlementWorker(
            self.store, chain or self.chain, self.ports, "w1", random.Random(1).random, policy
        )

    def pump(self):
        while self.sequencer.step() is not None or any(r.drain() for r in self.runners):
            pass

    def trade(self, quantity="100", price="448.00", settlement_date=date(2027, 1, 15)):
        """An executed trade, instructed; gives its id."""
        trade_id = self.ids.new()
        units, money = Quantity.of(quantity, SECURITY), Price.of(price, "USD")
        event = TradeExecuted(
            trade_id=trade_id,
            security_id=SECURITY,
            price=money,
            quantity=units,
            gross=money.times(units).booked(),
            buyer=_party(BUYER_TENANT, self.ids),
            seller=_party(SELLER_TENANT, self.ids),
            maker_order_id=self.ids.new(),
            trade_date=date(2027, 1, 14),
            settlement_date=settlement_date,
        )
        with self.store.transaction(Scope.venue(), Caller("test")) as uow:
            uow.append(uow.load(BOOK, SECURITY, tenant_id=VENUE_TENANT), [event])
        self.pump()
        return trade_id

    def state(self, trade_id):
        with self.store.transaction(Scope.venue(), Caller("test")) as uow:
            return process.load(uow, trade_id).state

    def sides(self, trade_id):
        state = self.state(trade_id)
        return (SELLER_TENANT, state.seller.instruction_id), (
            BUYER_TENANT,
            state.buyer.instruction_id,
        )

    def sign(self, tenant, instruction_id, account=None, document=None):
        account = account or (SELLER if tenant == SELLER_TENANT else BUYER)
        with self.store.transaction(Scope.app(tenant), Caller("test")) as uow:
            consent = self.service.consent(uow, instruction_id)
            signature = sign_trade(
                account, document or {"typed_data": consent.typed_data, "tokens": consent.tokens}
            ).signature
            return self.service.sign(uow, instruction_id, signature)

    def sign_both(self, trade_id):
        for tenant, instruction_id in self.sides(trade_id):
            self.sign(tenant, instruction_id)
        self.pump()

    def row(self, table, **where):
        with self.database.transaction(Scope.venue()) as db:
            clause = " AND ".join(f"{name} = %s" for name in where) or "true"
            return db.execute(
                f"SELECT * FROM {table} WHERE {clause}", tuple(where.values())
            ).fetchall()

    def instruction(self, tenant, instruction_id):
        (row,) = self.row("instructions", tenant_id=tenant, instruction_id=instruction_id)
        return row

    def events_of(self, trade_id):
        with self.database.transaction(Scope.venue()) as db:
            rows = db.execute(
                "SELECT type FROM events WHERE stream_id = %s ORDER BY stream_version",
                (f"settlement-{trade_id}",),
            ).fetchall()
        return [row["type"].removeprefix("settlement.") for row in rows]


def _party(tenant, ids):
    return Party(
        tenant_id=tenant,
        participant_id=ids.new(),
        portfolio_id=ids.new(),
        account_id=ids.new(),
        order_id=ids.new(),
    )
