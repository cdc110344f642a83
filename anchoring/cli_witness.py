"""``tally witness``: run a witness for the logs of others, with nothing but this package.

Prints its verifier keys, then one structured line for each request.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import structlog
import typer

from anchoring.bundle import read_file
from anchoring.cli_support import printable
from anchoring.errors import AnchoringError, MalformedInput
from anchoring.note import NoteSigner, VerifierKey, parse_vkey
from anchoring.policy import check_log_key, parse_policy
from anchoring.witness import Witness
from anchoring.witness_keys import create_cosigner_keys, read_cosigners
from anchoring.witness_server import application, serve, witness_routes
from anchoring.witness_store import SqliteHeadStore

STATE_FILE = "witness.sqlite"
FAILURE = 1

Policies = Annotated[
    Path | None, typer.Option("--policy", help="A policy file; its log lines are witnessed.")
]
Logs = Annotated[list[str] | None, typer.Option("--log", help="Verifier key of a log; repeatable.")]
KeyFile = Annotated[Path, typer.Option("--key", help="The Ed25519 key file, mode 0600.")]
MldsaFile = Annotated[
    Path | None, typer.Option("--mldsa-key", help="An ML-DSA-44 key file, for a second line.")
]
Name = Annotated[str, typer.Option("--name", help="The witness's name, such as example.com/w1.")]
StateFolder = Annotated[Path, typer.Option("--state", help="Folder of what must not be lost.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")]
NewKey = Annotated[
    bool, typer.Option("--new-key", help="Create the key files, print the keys, and exit.")
]
Passphrase = Annotated[
    str | None,
    typer.Option("--passphrase", envvar="TALLY_KEY_PASSPHRASE", help="Of the key files."),
]

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Witness and mirror logs."
)


def register(target: typer.Typer) -> None:
    """Add the commands ``witness`` and ``mirror`` to ``target``."""
    from anchoring import cli_mirror  # it shares this module's options

    target.command("witness")(witness)
    target.add_typer(cli_mirror.app, name="mirror")


def witness(
    key: KeyFile,
    name: Name,
    policy: Policies = None,
    log: Logs = None,
    state: StateFolder = Path("witness-state"),
    host: Host = "127.0.0.1",
    port: Port = 8090,
    mldsa_key: MldsaFile = None,
    new_key: NewKey = False,
    passphrase: Passphrase = None,
) -> None:
    """Cosign the checkpoints of logs, each only when it extends the last one (tlog-witness)."""
    with typed_errors():
        secret = passphrase.encode() if passphrase else None
        if new_key:
            create_cosigner_keys(key, mldsa_key, secret)
        cosigners = read_cosigners(name, key, mldsa_key, secret)
        print_keys(cosigners)
        if new_key:
            return
        found = Witness(log_keys(policy, log), cosigners, SqliteHeadStore(state / STATE_FILE))
        configure_logging()
        serve(application(witness_routes(found)), host, port, stop_on_signals())


def log_keys(policy: Path | None, given: list[str] | None) -> list[VerifierKey]:
    """Return the keys of the logs to vouch for; raises MalformedInput when there is none."""
    keys = [] if policy is None else list(parse_policy(read_file(policy, "the policy")).logs)
    keys += [check_log_key(parse_vkey(text)) for text in given or []]
    if not keys:
        raise MalformedInput("no log to vouch for: give --log or --policy")
    return list(dict.fromkeys(keys))


def print_keys(cosigners: list[NoteSigner]) -> None:
    """Print the verifier keys: what others put into their policies."""
    for signer in cosigners:
        typer.echo(str(signer.vkey))


@contextmanager
def typed_errors() -> Iterator[None]:
    """Turn an expected failure into one line and exit code 1."""
    try:
        yield
    except AnchoringError as error:
        sentence = printable(" ".join(str(error).split()))
        typer.echo(f"{type(error).__name__}: {sentence}", err=True)
        raise typer.Exit(FAILURE) from error


def configure_logging() -> None:
    """One JSON document a line on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    return stop


register(app)
