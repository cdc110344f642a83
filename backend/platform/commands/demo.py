"""``tally demo``: the main job."""

from typing import Annotated

import typer

from backend.kernel.errors import DomainError
from backend.platform.commands.support import (
    FAILURE,
    JsonFlag,
    err,
    out,
    print_json,
    stopping,
    typed_errors,
)
from backend.platform.demo import run as demonstration
from backend.platform.demo.telling import Telling
from backend.platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit after the main job.")] = False,
    port: Annotated[int | None, typer.Option(help="Port of API and dashboard.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Two participants trade a real security at a real historical price, and prove all of it."""
    telling = Telling(err if as_json else out)
    with typed_errors(as_json):
        settings = load_settings(**({} if port is None else {"port": port}))
        stop = stopping(supervised=False)
        try:
            demonstration.run(settings, telling, once or as_json, stop)
        except DomainError as error:
            if as_json:
                raise
            err.print(f"\n[bold red]Failed[/] in: {telling.step_name}")
            err.print(f"{error.code.value}: {error.message}", highlight=False)
            raise typer.Exit(FAILURE) from error
    if as_json:
        print_json({"ok": True, "steps": telling.facts})
