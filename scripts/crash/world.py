"""A whole platform on a home of its own: servers, processes, participants with tokens and cash."""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from datetime import time as day_time
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import psycopg
from eth_account import Account
from pydantic import SecretStr

from backend.eventstore.store import Caller
from backend.identity.ids import VENUE_PARTICIPANT, VENUE_TENANT
from backend.identity.service import IdentityService
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.blobs import DirectoryBlobStore
from backend.marketdata.domain import SeriesKind
from backend.marketdata.service import ImportService
from backend.platform import schema
from backend.platform.anvil.process import free_port
from backend.platform.bootstrap import Core, open_core
from backend.platform.demo.chain import DEPLOYER_KEYSTORE, GUARDIAN_KEYSTORE, DevelopmentChain
from backend.platform.demo.data import ReferenceData
from backend.platform.home import Home
from backend.platform.processes.anchorer import ANCHORER_KEYSTORE
from backend.platform.processes.worker import SETTLER_KEYSTORE
from backend.platform.settings import DEVELOPMENT_CHAIN, Settings
from backend.platform.stage import DATABASE
from backend.securities.ports import Security
from backend.settlement.chain.deploy import Deployer, Deployment, SecuritySpec
from backend.settlement.wallet import save_keystore
from scripts.crash.parties import Participant, PatientApi, open_participant
from scripts.crash.processes import Company, Ended
from scripts.crash.servers import FINALITY, ChainServer, DatabaseServer

ORIGIN = "localhost/tallystick/crash"
FIRST_DAY, LAST_PRICE = date(2012, 8, 31), date(2013, 2, 28)
MORNING, AFTER_CLOSE = day_time(13, 30), day_time(20, 5)
NAMES = ("north", "south", "east", "west")
UNITS, CASH = Decimal(2_000), Decimal(3_000_000)
TICKER = "AAPL"
_CALLER = Caller("process:operator")
_KEYS = (DEPLOYER_KEYSTORE, GUARDIAN_KEYSTORE, ANCHORER_KEYSTORE, SETTLER_KEYSTORE)
T = TypeVar("T")


class World:
    """Everything one campaign acts on. ``close`` ends it all; the home stays."""

    def __init__(
        self,
        home: Path,
        ended: Callable[[Ended], None],
        arms: Callable[[str], str | None] = lambda kind: None,
        workers: int = 1,
    ) -> None:
        self.home = Home(home)
        self._stack = ExitStack()
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.day = FIRST_DAY
        try:
            self._open(ended, arms, workers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._stack.close()

    def _open(
        self, ended: Callable[[Ended], None], arms: Callable[[str], str | None], workers: int
    ) -> None:
        self.home.make()
        _write_keys(self.home)
        self.database = DatabaseServer(self.home.root)
        self._stack.callback(self.database.close)
        self.chain = ChainServer(self.home.root, _seconds(FIRST_DAY, MORNING))
        self._stack.callback(self.chain.close)
        _migrate(self.database)
        self.settings = self._settings()
        with open_core(self.settings, "operator", self.database.conninfo) as core:
            self._furnish(core)
        self.company = Company(self._environment(), self.home.process_logs, self.port, ended, arms)
        self._stack.callback(self.company.stop)
        workers_named = [f"worker-{number}" for number in range(2, workers + 1)]
        for name in ("sequencer", "api", "worker", *workers_named, "anchorer"):
            self.company.start(name)
        self.operator = PatientApi(self.base_url, self._token)
        self._stack.callback(self.operator.close)
        self.participants = self._participants()
        self.chain.call("anvil_mine", hex(FINALITY + 1), "0x1")
        self._deposit()
        self.chain.produce()
        self.watcher = CheckpointWatcher(self.home.log / "checkpoint")
        self._stack.callback(self.watcher.close)

    def advance(self, moment: datetime) -> None:
        """Make ``moment`` the present of the business and, where it is later, of the chain."""
        self._patiently(lambda: self._set_clock(moment))
        latest = self.chain.call("eth_getBlockByNumber", "latest", False)
        if int(moment.timestamp()) > int(latest["timestamp"], 16):
            self.chain.call("evm_setNextBlockTimestamp", int(moment.timestamp()))
            self.chain.call("evm_mine")
        time.sleep(0.6)  # every process reads the clock's offset twice a second

    def price(self, on: date) -> Decimal:
        """The day's raw close in whole cents, the increment in which orders are priced."""
        path = f"/securities/{self.security.security_id}/price"
        return Decimal(self.operator.get(path, on=str(on))["close"]).quantize(Decimal("0.01"))

    def _set_clock(self, moment: datetime) -> None:
        offset = moment - datetime.now(UTC)
        with psycopg.connect(self.database.admin) as connection:
            connection.execute("UPDATE business_clock SET offset_microseconds = %s * 1000000::int8",
                               (int(offset.total_seconds()),))  # fmt: skip

    @staticmethod
    def _patiently(work: Callable[[], T]) -> T:
        for _ in range(300):
            try:
                return work()
            except psycopg.OperationalError:
                time.sleep(0.1)
        return work()

    def _settings(self) -> Settings:
        return Settings(
            home=self.home.root,
            chain_rpc_url=SecretStr(self.chain.proxy.url),
            log_origin=ORIGIN,
            database_pool_size=4,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database.conninfo,
            "CHAIN_RPC_URL": self.chain.proxy.url,
            "TALLYSTICK_HOME": str(self.home.root),
            "TALLYSTICK_LOG_ORIGIN": ORIGIN,
            "TALLYSTICK_CHAIN_ID": str(DEVELOPMENT_CHAIN),
            "TALLYSTICK_DATABASE_POOL_SIZE": "4",
            "TALLYSTICK_WORKER_LEASE": "3",
            "TALLYSTICK_FINALITY_INTERVAL": "0.4",
            "TALLYSTICK_ANCHOR_MAX_AGE": "1.5",
            "TALLYSTICK_BUMP_AFTER": "2",
        }

    def _furnish(self, core: Core) -> None:
        """Contracts, reference data, prices, the operator's token."""
        chain = DevelopmentChain(self.chain.node, self.home, DEVELOPMENT_CHAIN)
        core.store.clock.advance_to(_moment(FIRST_DAY, MORNING))  # type: ignore[attr-defined]
        reference = ReferenceData(core)
        securities = reference.register()
        self.security: Security = securities[TICKER]
        specs = (SecuritySpec(TICKER, self.security.name, self.security.isin),)
        self.deployment: Deployment = chain.deploy(specs, ("USD",), ORIGIN)
        chain.adopt(core, self.deployment)
        reference.tokenise(securities, self.deployment)
        imports = ImportService(core.store, DirectoryBlobStore(core.home.blobs))
        held = {TICKER: self.security}
        imports.import_prices(_CALLER, WikiPrices(), held, SeriesKind.RAW, FIRST_DAY, LAST_PRICE)
        self._deployer: Deployer = chain.deployer()
        identity = IdentityService(core.store, ORIGIN)
        identity.register(_CALLER, VENUE_TENANT, VENUE_PARTICIPANT, "Venue", "venue")
        self._token = identity.issue_token(
            _CALLER, VENUE_TENANT, VENUE_PARTICIPANT, "crash", ("operator", "auditor")
        )

    def _participants(self) -> tuple[Participant, ...]:
        return tuple(
            open_participant(
                self.operator, self.base_url, name, str(uuid.uuid4()), DEVELOPMENT_CHAIN
            )
            for name in NAMES
        )

    def _deposit(self) -> None:
        """Mint to every wallet what it begins with; the books record what the chain shows."""
        token, cash = self.deployment.securities[TICKER], self.deployment.cash["USD"]
        self._deployer.allow(token.address, [each.address for each in self.participants])
        cost = {"unit_cost": {"amount": "650", "currency": "USD"}, "acquired_on": str(FIRST_DAY)}
        for each in self.participants:
            for amount, contract, more in ((CASH, cash, {}), (UNITS, token, cost)):
                scaled = int(amount * 10**contract.decimals)
                minted = self._deployer.mint(contract.address, each.address, scaled)
                self.chain.call("anvil_mine", hex(FINALITY), "0x1")
                evidence = {
                    "chain_id": DEVELOPMENT_CHAIN,
                    "tx_hash": minted.tx_hash,
                    "log_index": minted.log_index,
                }
                path = f"/accounts/{each.account_id}/deposits"
                each.api.post(path, {**evidence, **more}, f"deposit-{minted.tx_hash}")


class CheckpointWatcher:
    """Keeps every checkpoint that was ever seen published: all must be heads of the last log."""

    def __init__(self, path: Path, pause: float = 0.05) -> None:
        self._path = path
        self._pause = pause
        self.seen: list[bytes] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._pause):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                continue
            if not self.seen or self.seen[-1] != data:
                self.seen.append(data)


def _migrate(server: DatabaseServer) -> None:
    with psycopg.connect(server.server_admin, autocommit=True) as connection:
        schema.create_roles(connection)
        schema.create_database(connection, DATABASE)
    schema.migrate(server.admin)


def _write_keys(home: Home) -> None:
    """Keystores with few rounds: a restart must not spend its time on key derivation."""
    for name in _KEYS:
        path = home.keys / name
        if not path.exists():
            account = Account.create()
            save_keystore(path, account, home.passphrase(), kdf="pbkdf2", iterations=1_000)


def _moment(day: date, at: day_time) -> datetime:
    return datetime.combine(day, at, UTC)


def _seconds(day: date, at: day_time) -> int:
    return int(_moment(day, at).timestamp())
