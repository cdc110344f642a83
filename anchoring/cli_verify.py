"""The command ``verify``: a proof of one entry, of many, of a range, or of a whole stream."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from anchoring.bundle import KEYS_NAME, AnyBundle, Bundle, BundlePaths, read_any_bundle
from anchoring.cli_support import (
    Inputs,
    JsonFlag,
    KeysFile,
    PolicyFile,
    RpcUrl,
    TrustFile,
    print_json,
    print_sources,
    printable,
    refuse,
    shown_address,
)
from anchoring.errors import AnchoringError, MalformedInput
from anchoring.policy import parse_policy
from anchoring.report import Report, Status
from anchoring.rpc import HttpRpc
from anchoring.verifier import Asked, Profile, TrustInputs, choose_profile, verify_bundle

_STYLES = {Status.OK: "green", Status.NOT_CHECKED: "dim", Status.NOT_ANCHORED: "yellow"}


def register(application: typer.Typer) -> None:
    """Add the command to ``application``."""
    application.command("verify")(verify)


def verify(
    proof: Annotated[
        Path, typer.Argument(help="NAME.tlog-proof, .tlog-batch, .tlog-range or .stream")
    ],
    event: Annotated[Path | None, typer.Option("--event", help="The entry's bytes.")] = None,
    events: Annotated[Path | None, typer.Option("--events", help="The entries' bytes.")] = None,
    batch: Annotated[
        Path | None, typer.Option("--batch", help="The batch proof of a stream's entries.")
    ] = None,
    anchor: Annotated[Path | None, typer.Option("--anchor", help="The chain evidence.")] = None,
    personal: Annotated[
        Path | None, typer.Option("--personal", help="Values that open commitments.")
    ] = None,
    erasure: Annotated[
        list[Path] | None,
        typer.Option("--erasure", help="NAME.tlog-proof of an erasure event; may be repeated."),
    ] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", help="The stream that the proof must be of.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="The tenant that the proof must be of.")
    ] = None,
    policy: PolicyFile = None,
    keys: KeysFile = None,
    trust: TrustFile = None,
    rpc: RpcUrl = None,
    profile: Annotated[
        Profile | None, typer.Option("--profile", help="How strictly to read the files.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that events are in the log, witnessed, and anchored on the chain.

    A stream proof also shows that they are all of their stream's.
    """
    paths = BundlePaths(event, events, batch, anchor, personal, tuple(erasure or ()))
    inputs = Inputs(proof.parent)
    try:
        bundle, files = read_any_bundle(proof, paths)
        asked = _asked(bundle, tenant, stream)
        trusted, used = _read_trusted(inputs, bundle, (policy, keys, trust, rpc), profile)
    except AnchoringError as error:
        refuse(error, as_json)
    inputs.sources |= files
    report = verify_bundle(bundle, trusted, used, asked)
    if as_json:
        print_json(_report_document(report, used, inputs.sources))
    else:
        _print_report(report, used, inputs.sources)
    raise typer.Exit(report.exit_code)


def _asked(bundle: AnyBundle, tenant: str | None, stream: str | None) -> Asked:
    asked = Asked(tenant, stream)
    if asked != Asked() and (isinstance(bundle, Bundle) or bundle.stream is None):
        raise MalformedInput("only a stream proof takes --stream and --tenant")
    return asked


_Given = tuple[Path | None, Path | None, Path | None, str | None]


def _read_trusted(
    inputs: Inputs, bundle: AnyBundle, given: _Given, profile: Profile | None
) -> tuple[TrustInputs, Profile]:
    policy, keys, trust, rpc = given
    parsed_policy = parse_policy(inputs.read_policy(policy))
    key_bytes = inputs.read("keys", keys, KEYS_NAME, required=False)
    used = profile or choose_profile(bundle, key_bytes)
    if used is Profile.TALLYSTICK and key_bytes is None:
        inputs.read("keys", keys, KEYS_NAME, required=True)
    parsed_trust = inputs.read_trust(trust)
    node = HttpRpc(rpc) if rpc else None
    inputs.sources["rpc"] = f"{shown_address(rpc)} (given)" if rpc else "none"
    return TrustInputs(parsed_policy, key_bytes, parsed_trust, node), used


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
    # No table: it would fold a long detail in the middle of a sentence.
    width = max(len(verdict.check) for verdict in report.verdicts)
    for verdict in report.verdicts:
        style = _STYLES.get(verdict.status, "red")
        status = f"[{style}]{verdict.status.value:<12}[/{style}]"
        console.print(f"{verdict.check:<{width}}  {status}  {escape(printable(verdict.detail))}")
    print_sources(console, sources, f"profile {profile.value}")
    if report.ignored_signatures:
        console.print(f"{report.ignored_signatures} signature lines by unknown keys were ignored")
    style = "bold green" if report.exit_code == 0 else "bold red"
    console.print(f"[{style}]{report.overall}[/{style}]")
