"""The one place where parts are wired: a store for every process, and what each one runs on it.

``open_store`` gives what all processes share. ``Api``, ``Venue`` and ``Operator`` add what one
of them needs, so that no process loads a key that is not its own (D16).
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from fastapi import APIRouter

from anchoring.rpc import HttpRpc
from anchoring.signing import Ed25519Signer, RotatingSigner
from anchoring.tile_store import DirectoryStore
from backend.audit import api as audit_api
from backend.audit import events as audit_events
from backend.audit import history_api, log_api, proof_api
from backend.audit import projections as audit_projections
from backend.audit.anchorer import read_state
from backend.audit.domain import Anchoring
from backend.audit.history import History
from backend.audit.keyring import announce_key
from backend.audit.personal_files import PersonalEvidence
from backend.audit.proof_source import ProofSource
from backend.audit.proofs import ProofService
from backend.audit.stream import FeedWatch
from backend.audit.stream_proofs import StreamProofService
from backend.compliance import api as compliance_api
from backend.compliance import events as compliance_events
from backend.compliance import projections as compliance_projections
from backend.compliance.service import ComplianceService
from backend.eventstore.clock import BusinessClock
from backend.eventstore.database import Database
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.registry import EventRegistry
from backend.eventstore.store import EventStore
from backend.eventstore.subscriptions import SubscriptionRunner
from backend.identity import api as identity_api
from backend.identity import contact_api, session_api
from backend.identity import events as identity_events
from backend.identity import projections as identity_projections
from backend.identity.contacts import Contacts
from backend.identity.ids import VENUE_TENANT
from backend.identity.service import IdentityService
from backend.identity.session_api import SignIn
from backend.identity.sessions import Sessions
from backend.kernel.clock import SystemClock
from backend.kernel.errors import DomainError, ErrorCode
from backend.kernel.ids import Uuid7Factory
from backend.marketdata import api as marketdata_api
from backend.marketdata import events as marketdata_events
from backend.marketdata import projections as marketdata_projections
from backend.marketdata.blobs import DirectoryBlobStore
from backend.performance import api as performance_api
from backend.performance.service import PerformanceService
from backend.platform.adapters import (
    AccountWallets,
    BookExposures,
    IdentityTokens,
    IdentityWallets,
    LastCloses,
    SecuritiesInScope,
    StoredCloses,
    TokenRegister,
)
from backend.platform.edge import config_api, development_api, status_api, witness
from backend.platform.edge.chain_view import ChainView
from backend.platform.edge.development import PARTICIPANTS, Development, development_of
from backend.platform.folds import folds
from backend.platform.home import Home
from backend.platform.personal import IdentityPersonal
from backend.platform.schema import check_migrated
from backend.platform.settings import Settings
from backend.platform.version import VERSION
from backend.portfolio import api as portfolio_api
from backend.portfolio import events as portfolio_events
from backend.portfolio import projections as portfolio_projections
from backend.portfolio.service import PortfolioQueries, PortfolioService
from backend.securities import api as securities_api
from backend.securities import calendar
from backend.securities import events as securities_events
from backend.securities import projections as securities_projections
from backend.securities.service import SecuritiesService
from backend.securities.store import SecurityTable
from backend.settlement import api as settlement_api
from backend.settlement import events as settlement_events
from backend.settlement import projections as settlement_projections
from backend.settlement.adapters import ComplianceBreakers, PortfolioBooks, RegisteredTokens
from backend.settlement.chain.deposits import ChainDepositProof, ChainDeposits
from backend.settlement.chain.node import Node
from backend.settlement.domain.terms import SettlementPolicy
from backend.settlement.service import SettlementService
from backend.settlement.subscriptions import BooksFollow, Instructing, Matching
from backend.settlement.trade import Domain
from backend.trading import api as trading_api
from backend.trading import events as trading_events
from backend.trading import projections as trading_projections
from backend.trading.service.matching import MatchingService
from backend.trading.service.orders import OrderService
from backend.trading.service.shelf import BookShelf
from backend.web.auth import Authenticator
from backend.web.idempotency import Idempotency
from backend.web.paging import Cursors

EVENT_MODULES = (
    identity_events,
    securities_events,
    marketdata_events,
    audit_events,
    portfolio_events,
    compliance_events,
    trading_events,
    settlement_events,
)

LOOKUP_CONNECTIONS = 2
CHAIN_VIEW_SECONDS = 2.0


class NotAdopted(DomainError):
    """No chain was adopted yet: run the deployment first."""

    code = ErrorCode.CONFIGURATION_INVALID


def event_registry() -> EventRegistry:
    """Every event type of the platform, and how older versions of them are read."""
    registry = EventRegistry(kind for module in EVENT_MODULES for kind in module.EVENTS)
    for event_type, version, upcaster in audit_events.UPCASTERS:
        registry.upcast(event_type, version, upcaster)
    return registry


def projection_set(home: Home) -> ProjectionSet:
    """Every read model of the platform."""
    return ProjectionSet(
        [
            *identity_projections.PROJECTIONS,
            securities_projections.PROJECTION,
            marketdata_projections.projection(DirectoryBlobStore(home.blobs)),
            audit_projections.PROJECTION,
            portfolio_projections.PROJECTION,
            compliance_projections.PROJECTION,
            *trading_projections.PROJECTIONS,
            *settlement_projections.PROJECTIONS,
        ]
    )


@dataclass(frozen=True)
class Core:
    """What every process has: settings, folders, the pools, and a store that signs as itself.

    ``lookups`` serves short reads made while a transaction of ``database`` is open: from one
    pool, as many requests as it has connections would each hold one and wait for another.
    """

    settings: Settings
    home: Home
    database: Database
    lookups: Database
    store: EventStore
    process: str

    def adopted(self) -> Anchoring:
        """The chain and contracts in use. Raises NotAdopted."""
        state = read_state(self.store)
        if state is None:
            raise NotAdopted("No chain was adopted yet; `tally demo` deploys and adopts one.")
        return state


@contextmanager
def open_core(
    settings: Settings, process: str, conninfo: str, *, reader: bool = False
) -> Iterator[Core]:
    """The core of a process over a migrated database; the pools are closed at the end.

    A ``reader`` has no key of its own: nothing it could append would ever verify. Raises
    DatabaseUnavailable, DatabaseNotMigrated, KeyUnavailable.
    """
    passphrase = settings.key_passphrase.get_secret_value() if settings.key_passphrase else None
    home = Home(settings.home, passphrase)
    home.make()
    with ExitStack() as stack:
        database, lookups = (
            _pool(stack, conninfo, size)
            for size in (settings.database_pool_size, LOOKUP_CONNECTIONS)
        )
        check_migrated(conninfo)
        clock = BusinessClock(lookups)
        stack.callback(clock.close)
        signer = Ed25519Signer.generate() if reader else home.rotating_signer(process)
        store = EventStore(
            database,
            event_registry(),
            projection_set(home),
            signer,
            clock,
            Uuid7Factory(),
            settings.log_origin,
        )
        if isinstance(signer, RotatingSigner):
            announce_key(store, signer.current(), event_label(process))
        yield Core(settings, home, database, lookups, store, process)


def event_label(process: str) -> str:
    """Whose event key it is, as the log calls it: a process on this machine."""
    return f"{process}@{socket.gethostname()}"


def _pool(stack: ExitStack, conninfo: str, size: int) -> Database:
    database = Database(conninfo, max_size=size)
    database.open()
    stack.callback(database.close)
    return database


class Venue:
    """What the worker runs: matching, settlement's reactions, and the books that follow."""

    def __init__(self, core: Core) -> None:
        adopted = core.adopted()
        store = core.store
        securities = SecuritiesInScope()
        self.compliance = ComplianceService(securities, VENUE_TENANT)
        books = portfolio_service(core, adopted)
        exposures = BookExposures()
        self.domain = Domain(adopted.chain_id, adopted.settlement)
        matching = MatchingService(
            BookShelf(store.registry, VENUE_TENANT),
            books,
            exposures,
            securities,
            calendar,
            self.compliance,
        )
        tokens = RegisteredTokens(lambda uow: SecurityTable(uow.connection))
        instructing = Instructing(self.domain, AccountWallets(), tokens, SettlementPolicy())
        self.breakers = ComplianceBreakers(self.compliance)
        subscriptions = (
            matching.subscription(),
            instructing.subscription(),
            Matching().subscription(),
            BooksFollow(PortfolioBooks(books)).subscription(),
        )
        self.runners = tuple(SubscriptionRunner(store, each) for each in subscriptions)


def portfolio_service(core: Core, adopted: Anchoring) -> PortfolioService:
    """The books, with deposits proven on the adopted chain."""
    node = Node(chain_url(core.settings), adopted.chain_id)
    proof = ChainDepositProof(ChainDeposits(node), TokenRegister(core.lookups))
    return PortfolioService(proof, IdentityWallets(core.lookups, adopted.chain_id))


def api_routers(core: Core, watch: FeedWatch) -> list[APIRouter]:
    """Every context's routes, over one set of services; ``watch`` feeds their streams.

    Raises NotAdopted, and what ``development_of`` raises.
    """
    cast = core.home.demo / PARTICIPANTS
    development = development_of(core.settings, cast, core.database)
    return routers_for(core, core.adopted(), development, watch)


def routers_for(
    core: Core, adopted: Anchoring, development: Development | None, watch: FeedWatch
) -> list[APIRouter]:
    """The routes over ``core``; nothing is asked of database or chain before the first request."""
    store, database = core.store, core.database
    identity, sessions = IdentityService(store, core.settings.log_origin), Sessions(database)
    auth = Authenticator(IdentityTokens(identity, sessions))
    cursors, idempotency = Cursors(core.home.secret("cursors")), Idempotency(store)
    securities, closes = SecuritiesInScope(), StoredCloses(database)
    compliance = ComplianceService(securities, VENUE_TENANT)
    books = portfolio_service(core, adopted)
    queries = PortfolioQueries(database, closes)
    orders = OrderService(books, BookExposures(), securities, LastCloses(), compliance, calendar)
    log = DirectoryStore(core.home.log)
    source = ProofSource(log, core.home.anchors)
    personal = PersonalEvidence(database, source, IdentityPersonal())
    proofs = ProofService(database, source, personal)
    streams = StreamProofService(database, source, personal)
    chain = ChainView(HttpRpc(chain_url(core.settings), timeout=CHAIN_VIEW_SECONDS))
    sign_in = SignIn(identity, sessions)
    found = [
        config_api.router(VERSION, adopted, core.settings.log_origin, log, development),
        status_api.router(database, store.clock, chain),
        session_api.router(identity, sessions, sign_in),
        identity_api.router(identity, auth),
        contact_api.router(
            Contacts(store, SystemClock()),
            auth,
            Idempotency(store, core.home.secret("idempotency")),
            cursors,
        ),
        log_api.router(log, auth),
        *witness.routers(core.settings, core.home),
        history_api.router(History(database, store.registry, folds()), auth, cursors),
        audit_api.router(store, auth, cursors, core.settings.log_origin, watch),
        proof_api.router(proofs, streams, auth),
        securities_api.router(store, SecuritiesService(store), auth, cursors, idempotency),
        marketdata_api.router(store, auth, cursors, SecurityTable),
        portfolio_api.router(books, queries, auth, idempotency, cursors, store.clock),
        performance_api.router(PerformanceService(queries, closes, store.clock), auth),
        compliance_api.router(compliance, store, auth),
        trading_api.router(orders, database, VENUE_TENANT, auth, idempotency, cursors),
        settlement_api.router(store, SettlementService(), auth, idempotency, cursors),
    ]
    if development is not None:
        found.append(development_api.router(development, sign_in, auth))
    return found


def chain_url(settings: Settings) -> str:
    """The node's address. Raises NotAdopted when none is configured for this process."""
    if settings.chain_rpc_url is None:
        raise NotAdopted("CHAIN_RPC_URL is not set for this process.")
    return settings.chain_rpc_url.get_secret_value()
