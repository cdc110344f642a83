"""``tally serve``, ``worker``, ``sequencer``, ``anchorer``: one long-running process each."""

import threading
from collections.abc import Callable
from typing import Annotated

import structlog
import typer

from backend.kernel.faults import FAULTS
from backend.platform.bootstrap import Core, event_registry
from backend.platform.commands.support import (
    Supervised,
    configure_logging,
    core_on_stage,
    stopping,
    typed_errors,
)
from backend.platform.processes import anchorer, api, sequencer, wallet, worker
from backend.platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("serve")(serve)
    app.command("worker")(work)
    app.command("sequencer")(sequence)
    app.command("anchorer")(anchor)
    app.command("wallet", hidden=True)(hold_wallet)


def serve(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    supervised: Supervised = False,
) -> None:
    """Serve the API (and the dashboard) on one port."""
    _run("api", supervised, api.serve, port=port)


def work(supervised: Supervised = False) -> None:
    """Match orders, drive settlements, keep the books."""
    _run("worker", supervised, worker.run)


def anchor(supervised: Supervised = False) -> None:
    """Anchor the log on chain."""
    _run("anchorer", supervised, anchorer.run)


def sequence(supervised: Supervised = False) -> None:
    """Give events their positions, sign checkpoints, publish tiles."""

    def run(core: Core, stop: threading.Event) -> None:
        settings = core.settings
        sequencer.run(
            core.database, core.home, settings.log_origin, settings.sequencer_interval, stop
        )

    _run("sequencer", supervised, run)


def hold_wallet(
    port: Annotated[int, typer.Option(help="Port on the loopback address.")],
    supervised: Supervised = False,
) -> None:
    """Sign for the demonstration's traders, as their browsers' wallets would."""
    with typed_errors():
        settings = load_settings(port=port)
        configure_logging(settings)
        wallet.run(settings, stopping(supervised))


def _run(process: str, supervised: bool, run: Callable[..., None], port: int | None = None) -> None:
    with typed_errors():
        settings = load_settings(**({} if port is None else {"port": port}))
        configure_logging(settings)
        FAULTS.arm(settings.faults or "", event_registry().types())
        log = structlog.get_logger(process=process)
        stop = stopping(supervised)
        with core_on_stage(process, settings) as core:
            log.info("started", origin=settings.log_origin)
            run(core, stop)
            log.info("stopped")
