"""``tally verify-log``: check a whole log, and cosign it as its auditor.

Exit codes: 0 the log holds, 1 it does not, 2 malformed or missing input, 3 policy not met.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from anchoring import cli_monitor
from anchoring.auditor import cosign_checked
from anchoring.bundle import KEYS_NAME
from anchoring.cli_support import (
    Inputs,
    JsonFlag,
    KeysFile,
    Location,
    PolicyFile,
    RpcUrl,
    Token,
    TrustFile,
    print_json,
    print_sources,
    printable,
    refuse,
    shown_address,
)
from anchoring.cosignature import Ed25519Cosigner
from anchoring.errors import AnchoringError, MalformedInput, VerificationFailed
from anchoring.keys import read_private_key
from anchoring.log_check import check_log, check_twice
from anchoring.log_places import is_url, kept_checkpoints, open_log, registry_heads
from anchoring.log_progress import progress_bar
from anchoring.log_report import LogReport
from anchoring.log_state import LogState
from anchoring.log_work import usable_cores
from anchoring.policy import parse_policy
from anchoring.tiles import CHECKPOINT_PATH, TileSource
from anchoring.witness_keys import unix_now

INTERRUPTED_EXIT = 130

StateFile = Annotated[
    Path | None, typer.Option("--state", help="Go on from this file, and keep it up to date.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Processes that check signatures: all cores.")
]
CosignKey = Annotated[
    Path | None, typer.Option("--cosign", help="Auditor's key file: sign if everything holds.")
]
Cosigner = Annotated[str | None, typer.Option("--cosigner", help="The auditor's key name.")]
OutFile = Annotated[
    Path | None, typer.Option("--out", help="Where the cosigned checkpoint goes: printed.")
]
Passphrase = Annotated[
    str | None,
    typer.Option("--passphrase", envvar="TALLY_KEY_PASSPHRASE", help="Of the auditor's key."),
]


def register(application: typer.Typer) -> None:
    """Add the commands to ``application``."""
    application.command("verify-log")(verify_log)
    cli_monitor.register(application)


def verify_log(
    location: Location,
    policy: PolicyFile = None,
    keys: KeysFile = None,
    trust: TrustFile = None,
    rpc: RpcUrl = None,
    token: Token = None,
    state: StateFile = None,
    jobs: Jobs = None,
    cosign: CosignKey = None,
    cosigner: Cosigner = None,
    out: OutFile = None,
    passphrase: Passphrase = None,
    as_json: JsonFlag = False,
) -> None:
    """Hash every entry and tile of a log again; check all signatures, streams and the index."""
    inputs = Inputs(None if is_url(location) else Path(location))
    try:
        auditor = _auditor(cosign, cosigner, passphrase)
        source = open_log(location, token)
        trusted = parse_policy(inputs.read_policy(policy))
        # The log may grow meanwhile: heads that it must have had are read before its own, the
        # keys that signed its entries after it.
        heads = registry_heads(inputs.read_trust(trust), rpc)
        kept = kept_checkpoints(source)
        inputs.sources["rpc"] = f"{shown_address(rpc)} (given)" if rpc else "none"
        with _state(state) as opened, progress_bar("checking") as progress:

            def check(checkpoint: bytes, key_bytes: bytes) -> LogReport:
                return check_log(
                    source, trusted, key_bytes, kept, heads, state=opened,
                    jobs=jobs or usable_cores(), progress=progress, signed=checkpoint,
                )  # fmt: skip

            def read() -> tuple[bytes, bytes]:
                return _read_head(source), inputs.read("keys", keys, KEYS_NAME, True) or b""

            signed, report = check_twice(check, read, time.sleep)
        note = _cosigned(signed, report, auditor, out)
    except AnchoringError as error:
        refuse(error, as_json)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was saved in --state stands", err=True)
        raise typer.Exit(INTERRUPTED_EXIT) from None
    _print(report, inputs.sources, note, out, as_json)
    raise typer.Exit(report.exit_code)


def _read_head(source: TileSource) -> bytes:
    signed = source.read(CHECKPOINT_PATH)
    if signed is None:
        raise MalformedInput("there is no checkpoint")
    return signed


@contextmanager
def _state(path: Path | None) -> Iterator[LogState]:
    state = LogState(path)
    try:
        yield state
    finally:
        state.close()


def _auditor(key: Path | None, name: str | None, passphrase: str | None) -> Ed25519Cosigner | None:
    """Return the auditor's signer before hours are spent on a check that cannot be signed."""
    if key is None and name is None:
        return None
    if key is None or name is None:
        raise MalformedInput("--cosign KEYFILE and --cosigner NAME belong together")
    secret = passphrase.encode() if passphrase else None
    return Ed25519Cosigner(name, read_private_key(key, secret), unix_now)


def _cosigned(
    signed: bytes, report: LogReport, auditor: Ed25519Cosigner | None, out: Path | None
) -> bytes | None:
    """Return the checkpoint with the auditor's line, None when there is nothing to sign."""
    if auditor is None or report.problem is not None:
        return None
    try:
        note = cosign_checked(signed, report, auditor)
    except VerificationFailed as error:
        raise MalformedInput(f"not cosigned: {error}") from error
    if out is not None:
        try:
            out.write_bytes(note)
        except OSError as error:
            raise MalformedInput(f"cannot write {out}: {error.strerror}") from error
    return note


def _print(
    report: LogReport,
    sources: dict[str, str],
    note: bytes | None,
    out: Path | None,
    as_json: bool,
) -> None:
    if as_json:
        cosigned = {} if note is None else {"cosigned": note.decode()}
        print_json(asdict(report) | {"exit_code": report.exit_code, "inputs": sources} | cosigned)
        return
    _print_report(report, sources)
    if note is not None:
        typer.echo(f"cosigned: {out}" if out is not None else note.decode(), nl=out is not None)


def _print_report(report: LogReport, sources: dict[str, str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    text = printable(f"log {report.origin}, size {report.size}, root {report.root}")
    console.print(escape(text))
    console.print(
        f"{report.entries} entries in {report.streams} streams, {report.tiles} tiles and bundles, "
        f"{report.heads} heads checked"
    )
    if report.resumed:
        console.print(f"the first {report.resumed} entries were checked by an earlier run")
    if report.indexes:
        console.print(
            f"{report.indexes} commitments to the index of streams recomputed; the last covers "
            f"{report.indexed} entries"
        )
    else:
        console.print("no commitment to an index of streams among these entries")
    print_sources(console, sources, "trust")
    if report.problem is None:
        console.print("[bold green]the log holds[/bold green]")
        return
    problem = report.problem
    text = f"{problem.check}: {problem.where}: {problem.message}"
    console.print(f"[bold red]{escape(printable(text))}[/bold red]")
