"""The commands ``verify`` and ``verify-log``: no server, no node, no trust in us needed.

``register`` mounts them into another Typer application. Exit codes are the interface: 0
verified, 1 failed, 2 malformed or missing input, 3 policy not met, 4 valid but not anchored.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from anchoring.bundle import (
    ANCHOR_SUFFIX,
    EVENT_SUFFIX,
    KEYS_NAME,
    POLICY_NAME,
    TRUST_NAME,
    beside,
    read_bundle,
    read_file,
)
from anchoring.errors import AnchoringError, MalformedInput, RpcError
from anchoring.log_check import HttpSource, LogReport, check_log
from anchoring.policy import parse_policy
from anchoring.registry import read_head
from anchoring.report import Report, Status
from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileSource
from anchoring.trust import Trust, parse_trust
from anchoring.verifier import Profile, TrustInputs, choose_profile, verify_bundle

MALFORMED_EXIT = 2

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Log and witness keys, quorum.")]
KeysFile = Annotated[Path | None, typer.Option("--keys", help="Event keys, signed by the log.")]
TrustFile = Annotated[
    Path | None, typer.Option("--trust", help="Chain id, registry and trusted blocks.")
]
RpcUrl = Annotated[str | None, typer.Option("--rpc", help="A chain node that you trust.")]

_STYLES = {Status.OK: "green", Status.NOT_CHECKED: "dim", Status.NOT_ANCHORED: "yellow"}

app = typer.Typer(no_args_is_help=True, help="Check proofs and logs offline.")


def register(application: typer.Typer) -> None:
    """Add the commands to ``application``."""
    application.command("verify")(verify)
    application.command("verify-log")(verify_log)


class _Inputs:
    """Finds the trust inputs and remembers where each came from, for the output."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.sources: dict[str, str] = {}

    def read(self, name: str, given: Path | None, file_name: str, required: bool) -> bytes | None:
        if given is not None:
            self.sources[name] = f"{given} (given)"
            return read_file(given, f"the {name} file")
        if self._folder is not None:
            path = self._folder / file_name
            if path.exists() or required:
                self.sources[name] = f"{path} (beside the data: the word of whoever gave it)"
                return read_file(path, f"the {name} file")
        if required:
            raise MalformedInput(f"no {name} file: give --{name}")
        self.sources[name] = "none"
        return None

    def read_trust(self, given: Path | None) -> Trust | None:
        data = self.read("trust", given, TRUST_NAME, required=False)
        return None if data is None else parse_trust(data)

    def read_policy(self, given: Path | None) -> bytes:
        return self.read("policy", given, POLICY_NAME, required=True) or b""


def verify(
    proof: Annotated[Path, typer.Argument(help="NAME.tlog-proof")],
    event: Annotated[Path | None, typer.Option("--event", help="The entry's bytes.")] = None,
    anchor: Annotated[Path | None, typer.Option("--anchor", help="The chain evidence.")] = None,
    policy: PolicyFile = None,
    keys: KeysFile = None,
    trust: TrustFile = None,
    rpc: RpcUrl = None,
    profile: Annotated[
        Profile | None, typer.Option("--profile", help="How strictly to read the files.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that an event is in the log, witnessed, and anchored on the chain."""
    inputs = _Inputs(proof.parent)
    try:
        bundle = read_bundle(proof, event, anchor)
        parsed_policy = parse_policy(inputs.read_policy(policy))
        key_bytes = inputs.read("keys", keys, KEYS_NAME, required=False)
        used = profile or choose_profile(bundle, key_bytes)
        if used is Profile.TALLYSTICK and key_bytes is None:
            inputs.read("keys", keys, KEYS_NAME, required=True)
        parsed_trust = inputs.read_trust(trust)
        node = HttpRpc(rpc) if rpc else None
        inputs.sources["rpc"] = f"{rpc} (given)" if rpc else "none"
    except AnchoringError as error:
        _refuse(error, as_json)
    inputs.sources["event"] = str(event or beside(proof, EVENT_SUFFIX))
    inputs.sources["anchor"] = str(anchor or beside(proof, ANCHOR_SUFFIX))
    if bundle.anchor is None:
        inputs.sources["anchor"] = "none"
    trusted = TrustInputs(parsed_policy, key_bytes, parsed_trust, node)
    report = verify_bundle(bundle, trusted, used)
    if as_json:
        _print_json(_report_document(report, used, inputs.sources))
    else:
        _print_report(report, used, inputs.sources)
    raise typer.Exit(report.exit_code)


def verify_log(
    location: Annotated[str, typer.Argument(metavar="URL|DIR", help="The log's prefix.")],
    policy: PolicyFile = None,
    keys: KeysFile = None,
    trust: TrustFile = None,
    rpc: RpcUrl = None,
    token: Annotated[
        str | None,
        typer.Option("--token", envvar="TALLY_LOG_TOKEN", help="Authorises reading entries."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Hash every entry and tile of a log again and check all signatures and stream chains."""
    is_url = location.startswith(("http://", "https://"))
    inputs = _Inputs(None if is_url else Path(location))
    try:
        source: TileSource
        kept: dict[int, bytes] = {}
        if is_url:
            source = HttpSource(location, token)
        else:
            source, kept = _open_directory(Path(location))
        parsed_policy = parse_policy(inputs.read_policy(policy))
        key_bytes = inputs.read("keys", keys, KEYS_NAME, required=True) or b""
        heads = _registry_heads(inputs.read_trust(trust), rpc)
        inputs.sources["rpc"] = f"{rpc} (given)" if rpc else "none"
        report = check_log(source, parsed_policy, key_bytes, kept, heads)
    except AnchoringError as error:
        _refuse(error, as_json)
    if as_json:
        document = asdict(report) | {"exit_code": report.exit_code, "inputs": inputs.sources}
        _print_json(document)
    else:
        _print_log_report(report, inputs.sources)
    raise typer.Exit(report.exit_code)


def _open_directory(folder: Path) -> tuple[DirectoryStore, dict[int, bytes]]:
    if not folder.is_dir():
        raise MalformedInput(f"there is no folder {folder}")
    store = DirectoryStore(folder)
    kept = {size: store.kept_checkpoint(size) or b"" for size in store.kept_sizes()}
    return store, kept


def _registry_heads(trust: Trust | None, rpc: str | None) -> list[tuple[int, bytes]]:
    """Return the registry's head, which the log must have had; needs the registry's address."""
    if rpc is None:
        return []
    if trust is None:
        raise MalformedInput("--rpc needs a trust file that names the registry")
    try:
        head = read_head(HttpRpc(rpc), trust.registry)
    except RpcError as error:
        raise MalformedInput(str(error)) from error
    return [(head.size, head.root)] if head.size else []


def _refuse(error: AnchoringError, as_json: bool) -> NoReturn:
    message = " ".join(str(error).split())
    if as_json:
        _print_json({"overall": "malformed input", "exit_code": MALFORMED_EXIT, "error": message})
    else:
        typer.echo(f"malformed input: {message}", err=True)
    raise typer.Exit(MALFORMED_EXIT)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, sort_keys=True))


def _report_document(report: Report, profile: Profile, sources: dict[str, str]) -> object:
    return {
        "overall": report.overall,
        "exit_code": report.exit_code,
        "profile": profile.value,
        "verdicts": {
            verdict.check: {"status": verdict.status.value, "detail": verdict.detail}
            for verdict in report.verdicts
        },
        "facts": dict(report.facts),
        "ignored_signatures": report.ignored_signatures,
        "inputs": sources,
    }


def _print_report(report: Report, profile: Profile, sources: dict[str, str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for verdict in report.verdicts:
        style = _STYLES.get(verdict.status, "red")
        status = f"[{style}]{verdict.status.value}[/{style}]"
        table.add_row(verdict.check, status, escape(verdict.detail))
    console.print(table)
    _print_sources(console, sources, f"profile {profile.value}")
    if report.ignored_signatures:
        console.print(f"{report.ignored_signatures} signature lines by unknown keys were ignored")
    style = "bold green" if report.exit_code == 0 else "bold red"
    console.print(f"[{style}]{report.overall}[/{style}]")


def _print_sources(console: Console, sources: dict[str, str], title: str) -> None:
    console.print(f"[dim]{title}; inputs:[/dim]")
    for name, source in sources.items():
        console.print(f"  [dim]{name}: {escape(source)}[/dim]")


def _print_log_report(report: LogReport, sources: dict[str, str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(escape(f"log {report.origin}, size {report.size}, root {report.root}"))
    console.print(
        f"{report.entries} entries in {report.streams} streams, {report.tiles} tiles and bundles, "
        f"{report.heads} heads checked"
    )
    _print_sources(console, sources, "trust")
    if report.problem is None:
        console.print("[bold green]the log holds[/bold green]")
        return
    problem = report.problem
    text = f"{problem.check}: {problem.where}: {problem.message}"
    console.print(f"[bold red]{escape(text)}[/bold red]")


register(app)
