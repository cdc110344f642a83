"""``tally replay``: every projection again from the log's bytes, compared with the live tables."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from anchoring.bundle import POLICY_NAME, read_file
from anchoring.errors import AnchoringError
from anchoring.log_progress import progress_bar
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from backend.eventstore.errors import LogInconsistent
from backend.eventstore.published import PublishedLog
from backend.eventstore.replay import ReplayReport, replay_and_compare
from backend.platform.bootstrap import event_registry, projection_set
from backend.platform.commands.support import (
    FAILURE,
    JsonFlag,
    err,
    out,
    print_json,
    reading_core,
    typed_errors,
)


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("replay")(replay)


def replay(
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the live tables (the default).")
    ] = True,
    log: Annotated[
        Path | None, typer.Option("--log", help="The published log's folder: this home's.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The log's key: the policy beside the log.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Rebuild every projection from the log's bytes and compare it with the live tables.

    Exit code 1 names the first differences: rows of read models, and rows of the event table
    or files of the log that are not what was signed.
    """
    with typed_errors(as_json), reading_core("cli") as core:
        published = _published(log or core.home.log, policy)
        registry, projections = event_registry(), projection_set(core.home)
        with progress_bar("replaying") as progress:
            report = replay_and_compare(
                core.database,
                registry,
                projections,
                lambda done: progress(done, max(done, published.size)),
                published,
            )
    if as_json:
        print_json(msgspec.to_builtins(report) | {"equal": report.equal})
    else:
        _print_report(report)
    if not report.equal:
        raise typer.Exit(FAILURE)


def _published(folder: Path, policy: Path | None) -> PublishedLog:
    try:
        trusted = parse_policy(read_file(policy or folder / POLICY_NAME, "the policy file"))
        return PublishedLog(DirectoryStore(folder), trusted)
    except AnchoringError as error:
        raise LogInconsistent(f"The published log cannot be read: {error}") from error


def _print_report(report: ReplayReport) -> None:
    rows = sum(report.rows.values())
    out.print(f"{report.events:,} events rebuilt {rows:,} rows in {len(report.rows)} tables.")
    if report.unpublished:
        out.print(f"{report.unpublished:,} events are not published yet: taken from the database.")
    for each in report.differences:
        where = f"[red]{each.table}[/]: {_SIDES[each.side]}"
        err.print(f"{where}: {escape(each.row)}", highlight=False)
    if report.changed:
        err.print(f"{report.changed:,} entries are not what was logged.")
    out.print("[green]Equal to the live tables.[/]" if report.equal else "[red]Different.[/]")


_SIDES = {"live": "only live", "replayed": "only replayed", "log": "in the log's files"}
