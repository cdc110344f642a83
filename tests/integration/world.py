"""A whole platform in one process: real PostgreSQL, real chain, processes stepped by hand."""

import random
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from fastapi.testclient import TestClient
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from anchoring.chain_signer import LocalChainSigner
from anchoring.rpc import HttpRpc, Rpc
from anchoring.tile_store import DirectoryStore
from backend.audit.anchorer import Anchorer
from backend.audit.chain import NodeAnchorChain
from backend.audit.indexer import Indexer, indexer_lease
from backend.eventstore.lease import Lease
from backend.eventstore.replay import ReplayReport, replay_and_compare
from backend.eventstore.scope import Scope
from backend.platform.anvil import Anvil, ChainOptions
from backend.platform.anvil.process import free_port
from backend.platform.bootstrap import Core, Venue, event_registry, open_core, projection_set
from backend.platform.demo.chain import DevelopmentChain
from backend.platform.home import Home
from backend.platform.lifeline import Lifeline
from backend.platform.processes.anchorer import ANCHORER_KEYSTORE
from backend.platform.processes.api import application
from backend.platform.processes.sequencer import SequencerProcess
from backend.platform.processes.worker import settler
from backend.platform.schema import LOGIN
from backend.settlement.chain.adapter import Web3SettlementChain
from backend.settlement.chain.node import Node
from backend.settlement.steps import WorkerPolicy
from backend.settlement.wallet import load_keystore
from backend.settlement.worker import SettlementWorker
from tests.integration.blueprint import (
    CHAIN_ID,
    GENESIS,
    ORIGIN,
    Blueprint,
    copy_home,
    create_database,
    settings_for,
)
from tests.integration.parties import Client, Trader, ok, wallet_of

FAST = WorkerPolicy(poll=0.0, idle_poll=0.0, backoff=0.0, lease=60.0)
CLOSE = "674.97"  # AAPL's raw close on 2012-09-04, as WIKI gives it
# Rows that a refused request may leave behind must be named by the test that allows them.
_UNCOUNTED = ("leases", "alembic_version")


class Chain:
    """A persistent Anvil on a fixed port: it can be stopped, and started again as it was."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._node: Anvil | None = None
        self._lifeline: Lifeline | None = None

    def start(self) -> "Chain":
        options = ChainOptions(CHAIN_ID, timestamp=GENESIS)  # a restart goes on from the last block
        self._node = Anvil(self._home, options, port=self.port).start()
        self._lifeline = Lifeline(self._node.pid, signal.SIGTERM)
        return self

    def stop(self) -> None:
        if self._node is None or self._lifeline is None:
            return
        self._lifeline.cut()
        self._node.close()
        self._node = self._lifeline = None

    @property
    def node(self) -> Anvil:
        assert self._node is not None
        return self._node


class World:
    """One platform. Nothing moves unless a test steps it."""

    def __init__(self, plan: Blueprint, home: Path, conninfo: str, chain: Chain) -> None:
        self.plan = plan
        self.home = Home(home)
        self.conninfo = conninfo
        self.chain = chain
        self.settings = settings_for(home, chain.url)
        self.security = plan.securities["AAPL"]
        self._stack = ExitStack()

    def open(self) -> "World":
        """Open every process's core; a failure leaves nothing open."""
        with ExitStack() as stack:
            stack.callback(lambda: self.chain.stop())  # whichever chain it has by then
            self.core = stack.enter_context(open_core(self.settings, "api", self.conninfo))
            self.worker_core = self._core(stack, "worker")
            self.anchorer_core = self._core(stack, "anchorer")
            self.app = application(self.core)
            self.http = stack.enter_context(TestClient(self.app, raise_server_exceptions=False))
            self.sequencer = SequencerProcess(self.core.database, self.home, ORIGIN)
            self.venue = Venue(self.worker_core)
            self.worker = self.settlement_worker()
            self._stack = stack.pop_all()
        self.operator, self.auditor = (
            self.client(self.plan.operator),
            self.client(self.plan.auditor),
        )
        self.nobody = self.client(None)
        self.alder, self.birch, self.cedar = (self._trader(each) for each in self.plan.traders)
        self.pump()
        return self

    def close(self) -> None:
        self._stack.close()

    def client(self, token: str | None) -> Client:
        return Client(self.http, token)

    # ------------------------------------------------------------------------------ processes

    def settlement_worker(self, policy: WorkerPolicy = FAST, owner: str = "w1") -> SettlementWorker:
        """A worker with its own random numbers; any number may run."""
        domain = self.venue.domain
        node = Node(self.chain.url, domain.chain_id)
        chain = Web3SettlementChain(node, domain.contract, settler(self.home))
        jitter = random.Random(1).random
        breakers = self.venue.breakers
        return SettlementWorker(self.worker_core.store, chain, breakers, owner, jitter, policy)

    def anchorer(self, url: str | None = None, rpc: Rpc | None = None, **changes: Any) -> Anchorer:
        """An anchorer on this world's registry, through another node or network where given."""
        core = self.anchorer_core
        adopted = core.adopted()
        account = load_keystore(self.home.keys / ANCHORER_KEYSTORE, self.home.passphrase())
        chain = NodeAnchorChain(
            rpc or HttpRpc(url or self.chain.url),
            adopted.chain_id,
            adopted.registry,
            LocalChainSigner(account),
        )
        options: dict[str, Any] = {"max_age": timedelta(hours=1), **changes}
        max_age = options.pop("max_age")
        log = DirectoryStore(self.home.log)
        return Anchorer(core.store, chain, log, self.home.anchors, max_age, **options)

    def lease(self, name: str, holder: str, seconds: float = 15.0) -> Lease:
        ttl = timedelta(seconds=seconds)
        return Lease(self.anchorer_core.database, name, holder, ttl, Scope.venue())

    def indexer(self, holder: str | None = None, seconds: float = 15.0) -> Indexer:
        """An indexer that looks at every step; any number may run."""
        core = self.worker_core
        if holder is None:
            return Indexer(core.store, indexer_lease(core.database, 0.0), 0.0)
        lease = Lease(core.database, "indexer", holder, timedelta(seconds=seconds), Scope.venue())
        return Indexer(core.store, lease, 0.0)

    def index(self) -> int:
        """Commit to the index of what is sequenced, and sequence that; returns its size."""
        self.sequence()
        acting = self.indexer()
        acting.step()
        acting.release()
        self.sequence()
        (row,) = self.rows("SELECT max(size) AS size FROM index_commitments")
        return int(row["size"])

    def sequence(self) -> None:
        """Give every committed event its position, and publish."""
        while self.sequencer.step():
            continue

    def pump(self) -> None:
        """Sequence and react until nothing waits."""
        self.sequence()
        while any(runner.drain() for runner in self.venue.runners):
            self.sequence()

    def advance(self, moment: datetime) -> None:
        """Make ``moment`` the present of every process and of the chain."""
        for each in (self.core, self.worker_core, self.anchorer_core):
            each.store.clock.advance_to(moment)  # type: ignore[attr-defined]
        DevelopmentChain(self.chain.node, self.home, CHAIN_ID).follow(moment)

    # ------------------------------------------------------------------------------ the business

    def order(self, trader: Trader, side: str, **changes: Any) -> dict[str, Any]:
        """The body of a limit order at the day's close."""
        return {
            "account_id": trader.account_id,
            "security_id": self.security.security_id,
            "side": side,
            "quantity": "10",
            "limit_price": CLOSE,
            "client_order_id": uuid.uuid4().hex,
            **changes,
        }

    def trade(self, quantity: str = "10", price: str = CLOSE) -> str:
        """Two orders that match, instructed; returns the trade's id."""
        terms = {"quantity": quantity, "limit_price": price}
        sold = ok(self.birch.client.post("/orders", self.order(self.birch, "sell", **terms)))
        ok(self.alder.client.post("/orders", self.order(self.alder, "buy", **terms)))
        self.pump()
        (mine,) = ok(self.birch.client.get("/trades", order_id=sold["order_id"]))["items"]
        return str(mine["trade_id"])

    def instruction(self, trader: Trader, trade_id: str) -> dict[str, Any]:
        """The trader's instruction for the trade."""
        rows = trader.client.pages("/instructions")
        return next(each for each in rows if each["trade_id"] == trade_id)

    def consent(self, trader: Trader, trade_id: str) -> tuple[str, dict[str, Any]]:
        """(path of the instruction, what it asks the trader to sign)."""
        path = f"/instructions/{self.instruction(trader, trade_id)['instruction_id']}"
        return path, ok(trader.client.get(path))["consent"]

    def sign(self, trader: Trader, trade_id: str) -> None:
        path, consent = self.consent(trader, trade_id)
        ok(trader.client.post(f"{path}/signature", {"signature": trader.sign(consent)}))

    def sign_both(self, trade_id: str) -> None:
        self.sign(self.birch, trade_id)
        self.sign(self.alder, trade_id)
        self.pump()

    def settle(self, trade_id: str) -> dict[str, Any]:
        """Drive a signed trade to finality and the books behind it; returns the settlement."""
        for _ in range(12):
            self.worker.run_once()
            self.chain.node.mine()
            self.pump()
            row = self.settlement(trade_id)
            if row["state"] in ("FINAL", "FAILED"):
                return row
        raise AssertionError(f"the settlement did not end: {row}")

    def settlement(self, trade_id: str) -> dict[str, Any]:
        rows = self.operator.pages("/settlements")
        return next(each for each in rows if each["trade_id"] == trade_id)

    def open_settlement_date(self) -> None:
        """Bring clock and chain to the morning of the settlement date of ``TRADE_DAY`` (T+3)."""
        self.advance(datetime.fromisoformat("2012-09-07T13:30:00+00:00"))

    def anchor(self, anchorer: Anchorer | None = None) -> dict[str, Any]:
        """Anchor the exact present size to finality; returns the anchor."""
        self.sequence()
        size = ok(self.auditor.post("/anchors", {}))["size"]
        acting = anchorer or self.anchorer()
        for _ in range(20):
            done = acting.step()
            self.chain.node.mine()
            self.sequence()
            if done == f"final {size}":
                return next(
                    e for e in ok(self.nobody.get("/anchors"))["items"] if e["size"] == size
                )
        raise AssertionError(f"not final: {done}")

    # ------------------------------------------------------------------------------ observation

    def balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        """(units, cash) of each trader's wallet on chain."""
        deployment = self.plan.deployment
        contracts = (deployment.securities["AAPL"], deployment.cash["USD"])
        found = {}
        for each in (self.alder, self.birch, self.cedar):
            amounts = [
                Decimal(self._balance(c.address, str(each.wallet.address))) / 10**c.decimals
                for c in contracts
            ]
            found[each.name] = (amounts[0], amounts[1])
        return found

    def books(self) -> dict[str, tuple[Decimal, Decimal]]:
        """(units, cash) of each trader in the books."""
        found = {}
        for each in (self.alder, self.birch, self.cedar):
            held = ok(each.client.get(f"/portfolios/{each.portfolio_id}/holdings"))["items"]
            units = sum((Decimal(row["units"]) for row in held), Decimal(0))
            account = ok(each.client.get(f"/accounts/{each.account_id}"))
            found[each.name] = (units, Decimal(account["balance"]))
        return found

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the auditor's role sees."""
        with self.core.database.transaction(Scope.auditor()) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def counts(self) -> dict[str, int]:
        """Rows by table, of every table there is: what "nothing is half done" is held to."""
        with psycopg.connect(self.admin()) as connection:
            names = [
                row[0]
                for row in connection.execute(
                    "SELECT table_name FROM information_schema.tables"
                    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
                )
                if row[0] not in _UNCOUNTED
            ]
            return {
                name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # type: ignore
                for name in names
            }

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        """Fail unless every table has as many rows afterwards as before."""
        before = self.counts()
        yield
        after = self.counts()
        assert after == before, {k: (before[k], after[k]) for k in before if before[k] != after[k]}

    def replay(self) -> ReplayReport:
        """Rebuild every read model from the log and compare."""
        self.sequence()
        return replay_and_compare(self.core.database, event_registry(), projection_set(self.home))

    def admin(self) -> str:
        return make_conninfo(**{**conninfo_to_dict(self.conninfo), "user": "postgres"})

    def _balance(self, token: str, wallet: str) -> int:
        data = "0x70a08231" + "00" * 12 + wallet[2:].lower()  # balanceOf(address)
        return int(self.chain.node.call("eth_call", {"to": token, "data": data}, "latest"), 16)

    def _core(self, stack: ExitStack, process: str) -> Core:
        return stack.enter_context(open_core(self.settings, process, self.conninfo))

    def _trader(self, known: Any) -> Trader:
        return Trader(
            known.name, known.participant_id, known.portfolio_id, known.account_id,
            wallet_of(known.name), known.token, self.client(known.token),
        )  # fmt: skip


@contextmanager
def open_world(plan: Blueprint, folder: Path) -> Iterator[World]:
    """A fresh copy of the blueprint, running; everything is stopped at the end."""
    name = create_database(plan.server, f"world_{uuid.uuid4().hex[:8]}", plan.database)
    home = copy_home(plan.home, folder / "home")
    chain = Chain(home).start()
    world = World(plan, home, plan.server.address(LOGIN, name).conninfo(), chain).open()
    try:
        yield world
    finally:
        world.close()
