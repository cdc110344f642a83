"""``tally serve``, ``worker``, ``sequencer``, ``anchorer``: one long-running process each."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import structlog
import typer

from backend.kernel.faults import FAULTS
from backend.platform.bootstrap import Core, event_registry
from backend.platform.commands.keys import announce_log_keys
from backend.platform.commands.support import (
    Supervised,
    configure_logging,
    core_on_stage,
    stopping,
    typed_errors,
)
from backend.platform.home import Home
from backend.platform.processes import anchorer, api, sequencer, wallet, watchdog, witnesses, worker
from backend.platform.settings import load_settings
from backend.platform.witness_policy import configured_policy

ALIVE_SECONDS = 60.0
# The loops that each process goes round in.
LOOPS = {
    "sequencer": ("sequencer",),
    "worker": ("subscriptions", "settlement", "index", "erasures"),
    "anchorer": ("anchorer",),
}


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("serve")(serve)
    app.command("worker")(work)
    app.command("sequencer")(sequence)
    app.command("anchorer")(anchor)
    app.command("wallet", hidden=True)(hold_wallet)
    app.command("alive", hidden=True)(alive)


def serve(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    supervised: Supervised = False,
) -> None:
    """Serve the API (and the dashboard) on one port."""
    _run("api", supervised, api.serve, port=port)


def work(supervised: Supervised = False) -> None:
    """Match orders, drive settlements, keep the books, commit to the index of streams."""
    _run("worker", supervised, worker.run)


def anchor(supervised: Supervised = False) -> None:
    """Anchor the log on chain, ask its witnesses, and audit it all the time."""

    def run(core: Core, stop: threading.Event) -> None:
        witnesses.beside(core, stop, anchorer.run)

    _run("anchorer", supervised, lambda core, stop: watchdog.beside(core, stop, run))


def sequence(supervised: Supervised = False) -> None:
    """Give events their positions, sign checkpoints, publish tiles."""

    def run(core: Core, stop: threading.Event) -> None:
        settings = core.settings
        announce_log_keys(core)
        sequencer.run(
            core.database,
            core.home,
            settings.log_origin,
            settings.sequencer_interval,
            stop,
            configured_policy(settings),
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


def alive(process: Annotated[str, typer.Argument(help=", ".join(LOOPS))]) -> None:
    """Whether every loop of a process began a step within the last minute; exit 1 if not.

    A process whose database or node is away goes round too: it waits, and a restart mends nothing.
    """
    if process not in LOOPS:
        raise typer.BadParameter(f"one of {', '.join(LOOPS)}")
    with typed_errors():
        home = Home(load_settings().home)
    for loop in LOOPS[process]:
        age = _age(home.pulse(loop))
        if age is None or age > ALIVE_SECONDS:
            since = "never" if age is None else f"{age:.0f} seconds ago"
            typer.echo(f"The loop {loop} last began a step: {since}.", err=True)
            raise typer.Exit(1)


def _age(pulse: Path) -> float | None:
    """Seconds since the file was touched; None where there is none."""
    try:
        return time.time() - pulse.stat().st_mtime
    except FileNotFoundError:
        return None


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
