"""``tally monitor``: watch a log, its witnesses and the chain, and tell someone.

Exit codes (of the last round): 0 fine, 1 evidence of misbehaviour, 2 malformed or cannot run,
3 witness quorum missing, 4 something late or unreachable; precedence 2, 1, 3, 4.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from anchoring.alerts import Webhook
from anchoring.bundle import KEYS_NAME, read_file
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
    printable,
    refuse,
)
from anchoring.errors import AnchoringError, MalformedInput
from anchoring.findings import exit_code
from anchoring.log_places import is_url, open_log
from anchoring.log_work import usable_cores
from anchoring.monitor import Monitor
from anchoring.monitor_round import Limits, Round, Watched
from anchoring.monitor_state import StateFile
from anchoring.policy import Policy, parse_policy
from anchoring.rpc import HttpRpc

StatePath = Annotated[Path, typer.Option("--state", help="What is remembered between rounds.")]
Witnesses = Annotated[
    list[str] | None,
    typer.Option("--witness", help="A witness's monitoring address; repeatable."),
]
Interval = Annotated[float, typer.Option("--interval", min=0.1, help="Seconds between rounds.")]
Once = Annotated[bool, typer.Option("--once", help="One round.")]
MaxLag = Annotated[
    float, typer.Option("--max-lag", min=0, help="Seconds until an entry must be anchored.")
]
MaxLagEntries = Annotated[
    int | None, typer.Option("--max-lag-entries", min=0, help="Entries that may be unanchored.")
]
MaxAge = Annotated[
    float | None,
    typer.Option("--max-age", min=0, help="Seconds since the checkpoint was cosigned."),
]
MaxIndexLag = Annotated[
    int | None,
    typer.Option("--max-index-lag", min=0, help="Entries after the last index commitment."),
]
MaxUnwitnessed = Annotated[
    float,
    typer.Option("--max-unwitnessed", min=0, help="Seconds without a head that has the quorum."),
]
WebhookUrl = Annotated[str | None, typer.Option("--webhook", help="Where alerts are posted.")]
SecretFile = Annotated[
    Path | None, typer.Option("--webhook-secret-file", help="Signs the alerts (HMAC-SHA256).")
]


def register(application: typer.Typer) -> None:
    """Add the commands to ``application``."""
    application.command("monitor")(monitor)


def monitor(
    location: Location,
    state: StatePath,
    policy: PolicyFile = None,
    keys: KeysFile = None,
    trust: TrustFile = None,
    rpc: RpcUrl = None,
    token: Token = None,
    witness: Witnesses = None,
    interval: Interval = 60.0,
    once: Once = False,
    max_lag: MaxLag = 3_600.0,
    max_lag_entries: MaxLagEntries = None,
    max_age: MaxAge = None,
    max_index_lag: MaxIndexLag = None,
    max_unwitnessed: MaxUnwitnessed = 600.0,
    webhook: WebhookUrl = None,
    webhook_secret_file: SecretFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Watch a log for split views, rollback, unknown keys, wrong index, lag; alert by webhook."""
    limits = Limits(max_lag, max_lag_entries, max_age, max_index_lag, max_unwitnessed)
    file = StateFile(state)
    try:
        receiver = _receiver(webhook, webhook_secret_file)
        watched = _watched(location, policy, keys, trust, rpc, token, witness or [], limits)
        with file.held():
            watching = Monitor(watched, file, time.time)
            if once:
                code = _round(watching, receiver, as_json, is_one_line=False)
            else:
                code = _go_on(watching, receiver, as_json, interval)
    except AnchoringError as error:
        refuse(error, as_json)
    raise typer.Exit(code)


def _watched(
    location: str,
    policy: Path | None,
    keys: Path | None,
    trust: Path | None,
    rpc: str | None,
    token: str | None,
    witnesses: list[str],
    limits: Limits,
) -> Watched:
    inputs = Inputs(None if is_url(location) else Path(location))
    parsed = _one_log(parse_policy(inputs.read_policy(policy)))
    chain = inputs.read_trust(trust)
    if rpc is not None and chain is None:
        raise MalformedInput("--rpc needs a trust file that names the registry")
    # A keys file beside the log is what is watched, not what is known of it.
    known = None if keys is None else inputs.read("keys", keys, KEYS_NAME, required=True)
    return Watched(
        open_log(location, token),
        parsed,
        known,
        chain,
        HttpRpc(rpc) if rpc else None,
        tuple(witnesses),
        limits,
        usable_cores(),
        must_read=token is not None,
    )


def _one_log(policy: Policy) -> Policy:
    if len({key.name for key in policy.logs}) != 1:
        raise MalformedInput("the policy of a monitor names exactly one log")
    return policy


def _receiver(url: str | None, secret_file: Path | None) -> Webhook | None:
    if url is None:
        if secret_file is not None:
            raise MalformedInput("--webhook-secret-file needs --webhook")
        return None
    secret = None if secret_file is None else read_file(secret_file, "the webhook's secret")
    return Webhook(url, None if secret is None else secret.rstrip(b"\r\n"))


def _go_on(watching: Monitor, receiver: Webhook | None, as_json: bool, interval: float) -> int:
    """Look again and again until SIGINT or SIGTERM; returns the last round's exit code."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    earlier = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    code = 0
    try:
        while not stop.is_set():
            code = _round(watching, receiver, as_json, is_one_line=True)
            stop.wait(interval)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    return code


def _round(watching: Monitor, receiver: Webhook | None, as_json: bool, is_one_line: bool) -> int:
    found = watching.round()
    undelivered = watching.tell(found, receiver)
    code = exit_code(found.findings)
    if as_json:
        document = {
            "exit_code": code,
            "facts": found.facts,
            "findings": [asdict(finding) for finding in found.findings],
            "undelivered": undelivered,
        }
        if is_one_line:
            typer.echo(json.dumps(document, sort_keys=True))
        else:
            print_json(document)
    else:
        _print_round(found)
    for sentence in undelivered:
        typer.echo(printable(sentence), err=True)
    return code


def _print_round(found: Round) -> None:
    console = Console(highlight=False, soft_wrap=True)
    facts = ", ".join(f"{name} {value}" for name, value in found.facts.items())
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    console.print(f"[dim]{moment}[/dim] {escape(printable(facts))}")
    for finding in found.findings:
        text = f"{finding.kind}: {finding.subject}: {finding.message}"
        console.print(f"  [bold red]{escape(printable(text))}[/bold red]")
        for name in finding.evidence:
            console.print(f"    evidence: {escape(name)}")
