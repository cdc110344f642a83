"""What every world begins as, built once a session: contracts, prices, parties, funds.

A world is a copy of it: the database from a template, the home with keys, tiles and the chain's
state file as folders. So each test module has a platform of its own in well under a second.
"""

import json
import shutil
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import psycopg
from eth_account.signers.local import LocalAccount
from fastapi.testclient import TestClient
from psycopg import sql
from pydantic import SecretStr

from backend.eventstore.store import Caller
from backend.identity.ids import VENUE_PARTICIPANT, VENUE_TENANT
from backend.identity.service import IdentityService
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.blobs import DirectoryBlobStore
from backend.marketdata.domain import SeriesKind
from backend.marketdata.service import ImportService
from backend.platform.anvil import Anvil, ChainOptions
from backend.platform.bootstrap import Core, open_core
from backend.platform.demo.chain import DEPLOYER_KEYSTORE, GUARDIAN_KEYSTORE, DevelopmentChain
from backend.platform.demo.data import ReferenceData
from backend.platform.home import Home
from backend.platform.postgres import EmbeddedPostgres
from backend.platform.processes.anchorer import ANCHORER_KEYSTORE
from backend.platform.processes.api import application
from backend.platform.processes.sequencer import SequencerProcess
from backend.platform.processes.worker import SETTLER_KEYSTORE
from backend.platform.schema import LOGIN
from backend.platform.settings import Settings
from backend.securities.ports import Security
from backend.settlement.chain.deploy import Deployer, Deployment, SecuritySpec
from backend.settlement.wallet import save_keystore
from tests.integration.parties import Client, bind_wallet, ok, wallet_of
from tests.schema_template import TEMPLATE, make_template

CHAIN_ID = 31_337
ORIGIN = "test.example/world"
TRADE_DAY = date(2012, 9, 4)
GENESIS = int(datetime(2012, 8, 31, 13, 30, tzinfo=UTC).timestamp())
AFTER_CLOSE = datetime.combine(TRADE_DAY, time(20, 5), UTC)
CASH = {"alder": Decimal(1_000_000), "birch": Decimal(25_000)}
UNITS = {"birch": Decimal(1_000)}
NAMES = ("alder", "birch", "cedar")
ROLES = ["investor", "trader"]
_KEYS = (DEPLOYER_KEYSTORE, GUARDIAN_KEYSTORE, ANCHORER_KEYSTORE, SETTLER_KEYSTORE)
_SPECS = (SecuritySpec("AAPL", "Apple Inc.", "US0378331005"),)
_CALLER = Caller("process:operator")


@dataclass(frozen=True)
class Known:
    """A party as the blueprint remembers it."""

    name: str
    participant_id: str
    portfolio_id: str
    account_id: str
    token: str


@dataclass(frozen=True)
class Blueprint:
    """The template: copy ``home``, create a database from ``database``."""

    server: EmbeddedPostgres
    database: str
    home: Path
    operator: str
    auditor: str
    traders: tuple[Known, ...]
    deployment: Deployment
    securities: dict[str, Security]


_made: dict[int, Blueprint] = {}


def blueprint(server: EmbeddedPostgres, folder: Path) -> Blueprint:
    """The blueprint of this server; made in ``folder`` when first asked for."""
    if id(server) not in _made:
        _made[id(server)] = _make(server, folder)
    return _made[id(server)]


def settings_for(home: Path, node_url: str, **changes: object) -> Settings:
    """Settings of a platform on this home and node."""
    values = {
        "home": home,
        "chain_rpc_url": SecretStr(node_url),
        "database_url": None,
        "log_origin": ORIGIN,
        "chain_id": CHAIN_ID,
        "database_pool_size": 4,
        **changes,
    }
    return Settings(**values)  # type: ignore[arg-type]


def create_database(server: EmbeddedPostgres, name: str, template: str) -> str:
    """A database made from a template nobody is connected to; returns its name."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return name


def _make(server: EmbeddedPostgres, folder: Path) -> Blueprint:
    make_template(server)
    name = create_database(server, f"blueprint_{uuid.uuid4().hex[:8]}", TEMPLATE)
    home = Home(folder / "home")
    home.make()
    for each in _KEYS:
        _write_key(home, each)
    with Anvil(home.root, ChainOptions(CHAIN_ID, timestamp=GENESIS)) as node:
        settings = settings_for(home.root, node.url)
        conninfo = server.address(LOGIN, name).conninfo()
        with open_core(settings, "operator", conninfo) as core:
            return _furnish(core, node, server, name)


def _furnish(core: Core, node: Anvil, server: EmbeddedPostgres, name: str) -> Blueprint:
    chain = DevelopmentChain(node, core.home, CHAIN_ID)
    core.store.clock.advance_to(AFTER_CLOSE)  # type: ignore[attr-defined]
    chain.follow(AFTER_CLOSE)
    reference = ReferenceData(core)
    securities = reference.register()
    deployment = chain.deploy(_SPECS, ("USD",), ORIGIN)
    chain.adopt(core, deployment)
    reference.tokenise(securities, deployment)
    _import_prices(core, securities)
    identity = IdentityService(core.store, ORIGIN)
    operator = _venue_token(identity, ("operator",))
    auditor = _venue_token(identity, ("auditor",))
    with TestClient(application(core)) as http:
        traders = tuple(_open(Client(http, operator), http, each) for each in NAMES)
        _fund(http, chain.deployer(), chain, deployment, securities["AAPL"], traders)
    sequencer = SequencerProcess(core.database, core.home, ORIGIN)
    while sequencer.step():
        continue
    sequencer.release()
    (core.home.root / "blueprint.json").write_text(json.dumps([asdict(each) for each in traders]))
    return Blueprint(
        server, name, core.home.root, operator, auditor, traders, deployment, securities
    )


def _write_key(home: Home, name: str) -> LocalAccount:
    """A keystore with few rounds: what is tested here is not the key derivation."""
    account = wallet_of(name)
    save_keystore(home.keys / name, account, home.passphrase(), kdf="pbkdf2", iterations=1_000)
    return account


def _import_prices(core: Core, securities: dict[str, Security]) -> None:
    service = ImportService(core.store, DirectoryBlobStore(core.home.blobs))
    held = {ticker: securities[ticker] for ticker in ("AAPL", "MSFT")}
    first, last = date(2012, 2, 1), date(2012, 12, 31)
    service.import_prices(_CALLER, WikiPrices(), held, SeriesKind.RAW, first, last)


def _venue_token(identity: IdentityService, roles: tuple[str, ...]) -> str:
    identity.register(_CALLER, VENUE_TENANT, VENUE_PARTICIPANT, "Venue", "venue")
    return identity.issue_token(_CALLER, VENUE_TENANT, VENUE_PARTICIPANT, "test", roles)


def _open(operator: Client, http: TestClient, name: str) -> Known:
    participant = str(uuid.uuid4())
    ok(operator.put(f"/participants/{participant}", {"name": name}))
    issued = {"label": "test", "roles": ROLES}
    token = ok(operator.post(f"/participants/{participant}/tokens", issued))["token"]
    client, wallet = Client(http, token), wallet_of(name)
    bind_wallet(client, wallet, CHAIN_ID)
    portfolio = ok(client.post("/portfolios", {"name": name, "base_currency": "USD"}))["id"]
    body = {"name": "Trading", "currency": "USD", "wallet_address": str(wallet.address)}
    account = ok(client.post(f"/portfolios/{portfolio}/accounts", body))["id"]
    return Known(name, participant, portfolio, account, token)


def _fund(
    http: TestClient,
    deployer: Deployer,
    chain: DevelopmentChain,
    deployment: Deployment,
    security: Security,
    traders: tuple[Known, ...],
) -> None:
    token, cash = deployment.securities["AAPL"], deployment.cash["USD"]
    deployer.allow(token.address, [str(wallet_of(each.name).address) for each in traders])
    cost = {"unit_cost": {"amount": "545.18", "currency": "USD"}, "acquired_on": "2012-03-01"}
    for each in traders:
        for amounts, contract, more in ((CASH, cash, {}), (UNITS, token, cost)):
            if each.name not in amounts:
                continue
            scaled = int(amounts[each.name] * 10**contract.decimals)
            minted = deployer.mint(contract.address, str(wallet_of(each.name).address), scaled)
            chain.finalize()
            evidence = {
                "chain_id": CHAIN_ID, "tx_hash": minted.tx_hash, "log_index": minted.log_index,
            }  # fmt: skip
            path = f"/accounts/{each.account_id}/deposits"
            ok(Client(http, each.token).post(path, {**evidence, **more}))


def copy_home(source: Path, target: Path) -> Path:
    """The home as it is, keys with their modes; the chain's lock files stay behind."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.lock", "anvil.log"))
    return target
