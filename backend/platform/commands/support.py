"""What every command does alike: settings, typed errors as one line, JSON on request."""

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any

import structlog
import typer
from pydantic import SecretStr
from rich.console import Console

from anchoring.errors import AnchoringError
from backend.eventstore.store import Caller
from backend.kernel.errors import DomainError
from backend.platform.bootstrap import Core, open_core
from backend.platform.postgres import ExternalPostgres
from backend.platform.processes.loop import stop_on_signals
from backend.platform.settings import Settings, load_settings
from backend.platform.stage import open_chain, open_database

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Supervised = Annotated[
    bool, typer.Option("--supervised", hidden=True, help="End when standard input closes.")
]
FAILURE = 1

out = Console()
err = Console(stderr=True)


@contextmanager
def typed_errors(as_json: bool = False) -> Iterator[None]:
    """Turn expected failures into one line (or one document) and exit code 1."""
    try:
        yield
    except DomainError as error:
        _fail(error.code.value, error.message, as_json)
    except AnchoringError as error:
        _fail(type(error).__name__, str(error), as_json)


def operator_caller(process: str = "operator") -> Caller:
    """Who acts by a command on this machine: recorded on the events that it writes."""
    return Caller(f"process:{process}")


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


@contextmanager
def reading_core(process: str, settings: Settings | None = None) -> Iterator[Core]:
    """The core of a command that only reads and needs no chain.

    Uses the home's embedded server where DATABASE_URL is not set.
    """
    found = settings or load_settings()
    with ExitStack() as stack:
        conninfo = stack.enter_context(_database(found))
        yield stack.enter_context(open_core(found, process, conninfo, reader=True))


@contextmanager
def writing_core(process: str, settings: Settings) -> Iterator[Core]:
    """The core of a command that appends events, with the key of ``process``; no chain."""
    with ExitStack() as stack:
        conninfo = stack.enter_context(_database(settings))
        yield stack.enter_context(open_core(settings, process, conninfo))


@contextmanager
def core_on_stage(process: str, settings: Settings) -> Iterator[Core]:
    """The core of a process that needs a chain too: what is not configured is adopted or started.

    Under a supervisor both are configured. Alone, it shares the home's own servers.
    """
    with ExitStack() as stack:
        conninfo = stack.enter_context(_database(settings))
        found = settings
        if settings.chain_rpc_url is None:
            node = open_chain(settings)
            stack.callback(node.close)
            found = settings.model_copy(update={"chain_rpc_url": SecretStr(node.url)})
        yield stack.enter_context(open_core(found, process, conninfo))


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    if settings.database_url is not None:
        # Asked once before a pool is made: one sentence at once, and every form of the address.
        yield (
            ExternalPostgres(settings.database_url.get_secret_value()).start().address().conninfo()
        )
        return
    with open_database(settings) as conninfo:
        yield conninfo


def stopping(supervised: bool) -> threading.Event:
    """Set by SIGTERM or SIGINT, and, under a supervisor, when its pipe closes."""
    stop = stop_on_signals()
    if supervised:

        def watch() -> None:
            while os.read(sys.stdin.fileno(), 4_096):  # unbuffered: no lock to hold at exit
                continue
            stop.set()

        threading.Thread(target=watch, daemon=True).start()
    return stop


def configure_logging(settings: Settings) -> None:
    """Structured lines on standard output: text, or JSON where it is asked for."""
    level = getattr(logging, settings.log_level.value.upper())
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stdout)
    for noisy in ("httpx", "httpcore", "web3", "urllib3", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


def _fail(code: str, message: str, as_json: bool) -> None:
    if as_json:
        print_json({"error": {"code": code, "detail": message}})
    else:
        err.print(f"[bold red]{code}[/]: {message}", highlight=False)
    raise typer.Exit(FAILURE)
