"""The OpenAPI document without a server: the same routes over pools that are never opened."""

from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from anchoring.signing import Ed25519Signer
from backend.audit.domain import Anchoring
from backend.audit.stream import FeedWatch
from backend.eventstore.database import Database
from backend.eventstore.projections import ProjectionSet
from backend.eventstore.registry import EventRegistry
from backend.eventstore.store import EventStore
from backend.kernel.clock import SystemClock
from backend.kernel.ids import Uuid7Factory
from backend.platform.app import create_app
from backend.platform.bootstrap import Core, routers_for
from backend.platform.edge.development import Development
from backend.platform.home import Home
from backend.platform.settings import DEVELOPMENT_CHAIN, Settings

_NOWHERE = "http://127.0.0.1:1"
_ADDRESS = "0x" + "00" * 20


def openapi_document(folder: Path) -> dict[str, Any]:
    """The document of the whole API, the routes of development mode included.

    ``folder`` is an empty one that may be thrown away afterwards.
    """
    settings = Settings(home=folder, chain_rpc_url=SecretStr(_NOWHERE), chain_id=DEVELOPMENT_CHAIN)
    home = Home(folder)
    home.make()
    database = Database("")
    store = EventStore(
        database,
        EventRegistry(()),
        ProjectionSet([]),
        Ed25519Signer.generate(),
        SystemClock(),
        Uuid7Factory(),
        settings.log_origin,
    )
    core = Core(settings, home, database, database, store, "document")
    adopted = Anchoring(DEVELOPMENT_CHAIN, _ADDRESS, _ADDRESS, 0)
    development = Development(_NOWHERE, "", home.demo, database)
    routers = routers_for(core, adopted, development, FeedWatch(database))
    nowhere = folder / "none"
    return create_app(routers, {}, CollectorRegistry(), nowhere, nowhere).openapi()
