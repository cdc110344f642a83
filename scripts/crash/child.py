"""One process of the platform: the same entry as ``python -m backend NAME``, modules preloaded.

Importing the platform takes seconds and forking it takes milliseconds, so a fork server that
has imported everything stands ready. What runs after the fork is the command itself.
"""

import importlib
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PRELOAD = (
    "scripts.crash.child",
    "backend.cli",
    "backend.platform.commands.demo",
    "backend.platform.commands.imports",
    "backend.platform.commands.processes",
    "backend.platform.commands.records",
)


def context() -> ForkServerContext:
    """The fork server with the platform in it; it runs from now on."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([*PRELOAD])
    known = os.environ.get("PYTHONPATH")
    # The server finds modules by this variable alone; nobody else shall inherit it.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(CHECKOUT), known)))
    try:
        forkserver.ensure_running()
    finally:
        if known is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = known
    return found


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: str,
    lifeline: Connection,
    patch: str | None,
) -> None:
    """Become the process. ``patch`` names modules whose ``apply`` breaks something on purpose."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, descriptor in enumerate((lifeline.fileno(), output, output)):
        os.dup2(descriptor, number)
    sys.stdin = os.fdopen(0)
    sys.argv = ["tally", *arguments]
    for module in filter(None, (patch or "").split(",")):
        importlib.import_module(module).apply()
    from backend.cli import main

    main()
