"""Orders accepted per second over HTTP, beside a bare FastAPI + psycopg insert.

Every order is a real one: token, idempotency key, row-level security, every check, two signed
events with their outbox rows, projections and the reservation, in one commit. The accounts are
funded through the books with a proof that the benchmark gives itself; no chain, no sequencer and
no matching run beside it, on either side. The bare server parses the same body and inserts one
row of the size of one order's events. One load (``load``) goes to both, in turns.
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import msgspec
import psycopg

from backend.audit.anchorer import adopt
from backend.audit.events import RegistryAdopted
from backend.eventstore.clock import BusinessClock
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, UnitOfWork
from backend.identity.service import IdentityService
from backend.kernel.money import Money, Price, Quantity
from backend.marketdata.adapters.wiki import WikiPrices
from backend.marketdata.blobs import DirectoryBlobStore
from backend.marketdata.domain import SeriesKind
from backend.marketdata.service import ImportService
from backend.platform.bootstrap import Core, open_core
from backend.portfolio.events import Evidence
from backend.portfolio.ports import ShownTransfer
from backend.portfolio.service import PortfolioService
from backend.securities.domain import AssetClass, Listing
from backend.securities.ports import Security
from backend.securities.service import SecuritiesService
from scripts.bench.load import Load, post, run
from scripts.bench.report import Figure
from scripts.bench.serving import bench_settings, served
from scripts.bench.world import database

TENANTS, ACCOUNTS_EACH = 8, 4
ROUNDS, ORDERS, WARM = 5, 1_000, 320
NOON = datetime(2013, 2, 12, 15, tzinfo=UTC)
WALLET = "0x" + "a" * 40
APPLE = Listing(
    isin="US0378331005", ticker="AAPL", name="Apple Inc.", currency="USD",
    asset_class=AssetClass.EQUITY, mic="XNAS",
)  # fmt: skip
_CALLER = Caller("bench")


@dataclass(frozen=True)
class Trader:
    """An account that orders, and the token that may."""

    account_id: str
    token: str


class OwnProof:
    """A ``DepositProof`` and ``Wallets`` that knows what the benchmark put in."""

    def __init__(self) -> None:
        self._shown: dict[str, ShownTransfer] = {}

    def add(self, asset: Money | Quantity) -> Evidence:
        """Evidence of a transfer of ``asset`` to the benchmark's wallet."""
        evidence = Evidence(chain_id=31337, tx_hash=f"0x{uuid.uuid4().int:064x}", log_index=0)
        self._shown[evidence.tx_hash] = ShownTransfer(asset=asset, recipient=WALLET, on=NOON.date())
        return evidence

    def shown(self, evidence: Evidence) -> ShownTransfer:
        return self._shown[evidence.tx_hash]

    def is_bound(self, tenant_id: str, address: str) -> bool:
        return address == WALLET


@dataclass(frozen=True)
class Stage:
    """A platform in which orders can be placed; ``home`` and ``conninfo`` are for its server."""

    home: Path
    conninfo: str
    admin: str
    security: Security
    close: Decimal
    traders: Sequence[Trader]

    def orders(self, port: int, path: str, count: int) -> list[bytes]:
        """``count`` different orders, spread over all accounts, buys and sells in turns."""
        traders, prefix = islice(cycle(self.traders), count), uuid.uuid4().hex
        return [self._order(port, path, each, f"{prefix}-{n}") for n, each in enumerate(traders)]

    def _order(self, port: int, path: str, trader: Trader, key: str) -> bytes:
        number = int(key.rpartition("-")[2])
        order = {
            "account_id": trader.account_id,
            "security_id": self.security.security_id,
            "side": ("buy", "sell")[number // len(self.traders) % 2],
            "quantity": str(1 + number % 3),
            "limit_price": str(self.close),
            "client_order_id": key,
        }
        headers = [("Authorization", f"Bearer {trader.token}"), ("Idempotency-Key", key)]
        return post(port, path, msgspec.json.encode(order), headers)


@contextmanager
def stage() -> Iterator[Stage]:
    """A database of its own with market data, accounts and deposits; removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tally-orders-"))
    try:
        with database() as (pool, admin):
            clock = BusinessClock(pool)
            clock.advance_to(NOON)
            clock.close()
            with open_core(bench_settings(home), "bench", pool.conninfo) as core:
                _adopt(core)
                security, close = _market(core)
                traders = [each for _ in range(TENANTS) for each in _traders(core, security, close)]
            yield Stage(home, pool.conninfo, admin, security, close, traders)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def figures() -> list[Figure]:
    """Orders accepted per second beside the bare insert: medians of alternating rounds."""
    with stage() as here, served("platform", here.conninfo, str(here.home)) as port:
        _accepted(run(port, here.orders(port, "/api/v1/orders", WARM)))
        with served("bare", here.admin, str(_prepare_bare(here.admin))) as bare_port:
            _accepted(run(bare_port, here.orders(bare_port, "/orders", WARM)))
            ours, bare = [], []
            for _ in range(ROUNDS):
                bare.append(_rate(here, bare_port, "/orders"))
                ours.append(_rate(here, port, "/api/v1/orders"))
    measured, floor = median(ours), median(bare)
    return [
        Figure(
            "orders accepted over HTTP", measured, "/s", "bare FastAPI + psycopg insert", floor,
            "≥ 0.5 ×", measured >= 0.5 * floor,
        )
    ]  # fmt: skip


def _rate(here: Stage, port: int, path: str) -> float:
    return _accepted(run(port, here.orders(port, path, ORDERS)))


def _accepted(load: Load) -> float:
    """The rate; an order that was not accepted makes the figure worthless."""
    if set(load.statuses) != {201}:
        raise RuntimeError(f"Not every order was accepted: {dict(load.statuses)}")
    return load.rate


def _prepare_bare(admin: str) -> int:
    """Make the bare server's table; the mean bytes of one accepted order's events."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE bare_orders (id bigserial PRIMARY KEY, client_order_id text, entry bytea)"
        )
        row = connection.execute(
            "SELECT sum(octet_length(entry)) / count(*) FILTER (WHERE type = 'order.accepted')"
            " FROM events WHERE type IN ('order.accepted', 'account.cash_reserved',"
            " 'account.units_reserved')"
        ).fetchone()
    return int(row[0]) if row else 0


def _adopt(core: Core) -> None:
    nobody = "0x" + "00" * 19 + "01"
    adopt(
        core.store,
        RegistryAdopted(
            chain_id=31337, registry=nobody, settlement=nobody, origin="localhost/bench",
            block_number=1, block_hash="0x" + "00" * 32,
        ),
    )  # fmt: skip


def _market(core: Core) -> tuple[Security, Decimal]:
    """Apple with its closes of February 2013, and the last of them."""
    security = SecuritiesService(core.store).register(_CALLER, APPLE)
    prices = WikiPrices()
    ImportService(core.store, DirectoryBlobStore(core.home.blobs)).import_prices(
        _CALLER, prices, {"AAPL": security}, SeriesKind.RAW, date(2013, 2, 1), NOON.date()
    )
    series = prices.daily_prices("AAPL", SeriesKind.RAW, date(2013, 2, 1), NOON.date())
    return security, series.points[-1].close


def _traders(core: Core, security: Security, close: Decimal) -> list[Trader]:
    """One tenant with its token and its funded accounts."""
    tenant, participant = str(uuid.uuid4()), str(uuid.uuid4())
    identity, proof = IdentityService(core.store, "localhost/bench"), OwnProof()
    identity.register(_CALLER, tenant, participant, "Bench", "participant")
    token = identity.issue_token(_CALLER, tenant, participant, "bench", ("trader",))
    books = PortfolioService(proof, proof)
    cash, units = Money.of("4000000.00", "USD"), Quantity.of("10000", security.security_id)

    def open_account(uow: UnitOfWork) -> str:
        portfolio = books.open_portfolio(uow, name="Bench", base_currency="USD")
        account = books.open_account(
            uow, portfolio_id=portfolio, name="Bench", currency="USD", wallet_address=WALLET
        )
        for added, cost in ((cash, None), (units, Price(close, "USD"))):
            evidence = proof.add(added)
            books.record_deposit(uow, account, evidence, books.shown(evidence), unit_cost=cost)
        return account

    made = []
    for _ in range(ACCOUNTS_EACH):
        with core.store.transaction(Scope.app(tenant), _CALLER) as uow:
            made.append(Trader(open_account(uow), token))
    return made
