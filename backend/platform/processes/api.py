"""The API's process: uvicorn over the application, on one port."""

import threading
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from anchoring.errors import AnchoringError
from anchoring.rpc import HttpRpc, chain_id
from backend.audit.stream import FeedWatch
from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError
from backend.platform.app import create_app
from backend.platform.bootstrap import Core, api_routers, chain_url
from backend.platform.metrics import PlatformCollector
from backend.platform.processes.serving import serve_until
from backend.platform.schema import check_migrated
from backend.platform.settings import CHECKOUT
from backend.platform.witness_metrics import WitnessCollector

SWAGGER_UI = CHECKOUT / "node_modules" / "swagger-ui-dist"
DASHBOARD = CHECKOUT / "frontend" / "dist"
# An outbox that has not moved for this long means that no sequencer runs.
MAX_BACKLOG_SECONDS = 30.0


def application(core: Core, swagger_ui: Path = SWAGGER_UI, dashboard: Path = DASHBOARD) -> FastAPI:
    """The application with its readiness checks and metrics."""
    metrics = CollectorRegistry()
    metrics.register(PlatformCollector(core.database))
    metrics.register(WitnessCollector(core.database))
    readiness = {
        "database": lambda: None if core.database.ping() else "The database does not answer.",
        "schema": lambda: _problem(lambda: check_migrated(core.database.conninfo)),
        "sequencer": lambda: _sequencer(core),
        "chain": lambda: _chain(core),
    }
    watch = FeedWatch(core.database)
    app = create_app(api_routers(core, watch), readiness, metrics, swagger_ui, dashboard)
    app.state.end_streams = watch.close
    return app


def serve(core: Core, stop: threading.Event) -> None:
    """Serve until ``stop``; requests under way are finished first."""
    app = application(core)
    serve_until(stop, app, core.settings, app.state.end_streams)


def _problem(check: Callable[[], None]) -> str | None:
    try:
        check()
    except DomainError as error:
        return error.message
    return None


def _sequencer(core: Core) -> str | None:
    try:
        with core.database.transaction(Scope.sequencer()) as connection:
            row = connection.execute(
                "SELECT extract(epoch FROM clock_timestamp() - min(written_at))::float8 AS age"
                " FROM unsequenced"
            ).fetchone()
    except DomainError as error:
        return error.message
    age = row["age"] if row else None
    if age is not None and age > MAX_BACKLOG_SECONDS:
        return f"Events have waited {age:.0f} seconds for the sequencer."
    return None


def _chain(core: Core) -> str | None:
    try:
        found = chain_id(HttpRpc(chain_url(core.settings), timeout=2.0))
    except (AnchoringError, DomainError):
        return "The chain node does not answer."
    expected = core.settings.chain_id
    return None if found == expected else f"The node serves chain {found}, not {expected}."
