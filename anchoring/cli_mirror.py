"""``tally mirror``: keep full copies of logs, each entry checked, and vouch that they are kept.

``serve`` takes uploads (C2SP tlog-mirror), ``push`` makes one, ``pull`` copies a log that is read
over HTTP or from a folder. A copy is an ordinary tile directory: ``tally verify-log`` checks it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anchoring.bundle import read_file
from anchoring.checkpoint import parse_checkpoint
from anchoring.cli_witness import (
    Host,
    KeyFile,
    Logs,
    MldsaFile,
    Name,
    Passphrase,
    Policies,
    Port,
    StateFolder,
    configure_logging,
    log_keys,
    print_keys,
    stop_on_signals,
    typed_errors,
)
from anchoring.errors import MalformedInput
from anchoring.http_source import HttpSource
from anchoring.mirror import Mirror
from anchoring.mirror_client import LocalMirror, upload
from anchoring.mirror_server import Readers, mirror_routes
from anchoring.note import NoteSignature, parse_vkey
from anchoring.policy import check_witness_key
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileSource
from anchoring.witness_client import HttpTransport
from anchoring.witness_keys import read_cosigners
from anchoring.witness_server import application, serve

UPLOAD_SECONDS = 60.0

Location = Annotated[str, typer.Argument(metavar="URL|DIR", help="The log's prefix.")]
LogToken = Annotated[
    str | None,
    typer.Option("--token", envvar="TALLY_LOG_TOKEN", help="Authorises reading entries."),
]

app = typer.Typer(no_args_is_help=True, help="Keep and serve full, checked copies of logs.")


@app.command("serve")
def serve_mirror(
    key: KeyFile,
    name: Name,
    policy: Policies = None,
    log: Logs = None,
    state: StateFolder = Path("mirror-state"),
    host: Host = "127.0.0.1",
    port: Port = 8091,
    mldsa_key: MldsaFile = None,
    passphrase: Passphrase = None,
    read_token: Annotated[
        str | None,
        typer.Option(
            "--read-token", envvar="TALLY_MIRROR_TOKEN", help="Whoever has it may read entries."
        ),
    ] = None,
    public_entries: Annotated[
        bool, typer.Option("--public-entries", help="Serve entries to everybody.")
    ] = False,
) -> None:
    """Take uploads of logs and serve the copies."""
    with typed_errors():
        cosigners = read_cosigners(name, key, mldsa_key, _secret(passphrase))
        mirror = Mirror(log_keys(policy, log), cosigners, state)
        print_keys(cosigners)
        configure_logging()
        routes = mirror_routes(mirror, Readers(read_token, public_entries))
        serve(application(routes), host, port, stop_on_signals())


@app.command("push")
def push(
    location: Location,
    url: Annotated[str, typer.Argument(metavar="MIRROR", help="The mirror's submission prefix.")],
    mirror: Annotated[list[str], typer.Option("--mirror", help="Verifier key of the mirror.")],
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="One of the log's; its newest if absent.")
    ] = None,
    token: LogToken = None,
) -> None:
    """Upload a log to a mirror; prints the mirror's signature lines."""
    with typed_errors(), HttpTransport(url, UPLOAD_SECONDS) as transport:
        source = _source(location, token)
        keys = [check_witness_key(parse_vkey(text)) for text in mirror]
        signed = _newest(source) if checkpoint is None else read_file(checkpoint, "the checkpoint")
        _print_lines(signed, upload(source, signed, transport, keys))


@app.command("pull")
def pull(
    location: Location,
    key: KeyFile,
    name: Name,
    policy: Policies = None,
    log: Logs = None,
    state: StateFolder = Path("mirror-state"),
    mldsa_key: MldsaFile = None,
    passphrase: Passphrase = None,
    token: LogToken = None,
) -> None:
    """Copy a log up to its newest checkpoint, check all of it, and cosign what is stored."""
    with typed_errors():
        cosigners = read_cosigners(name, key, mldsa_key, _secret(passphrase))
        mirror = Mirror(log_keys(policy, log), cosigners, state)
        source = _source(location, token)
        signed = _newest(source)
        _print_lines(signed, upload(source, signed, LocalMirror(mirror), mirror.vkeys))


def _source(location: str, token: str | None) -> TileSource:
    if location.startswith(("http://", "https://")):
        return HttpSource(location, token)
    folder = Path(location)
    if not folder.is_dir():
        raise MalformedInput(f"there is no folder {folder}")
    return DirectoryStore(folder)


def _newest(source: TileSource) -> bytes:
    data = source.read(CHECKPOINT_PATH)
    if data is None:
        raise MalformedInput("the log has no checkpoint")
    return data


def _print_lines(signed: bytes, lines: list[NoteSignature]) -> None:
    head, _ = parse_checkpoint(signed)
    typer.echo(f"{head.origin}: {head.size} entries are stored", err=True)
    for line in lines:
        typer.echo(line.line(), nl=False)


def _secret(passphrase: str | None) -> bytes | None:
    return passphrase.encode() if passphrase else None
