"""``tally sign``, ``doctor``: consenting, and looking at what is wrong."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from anchoring.errors import AnchoringError
from anchoring.rpc import HttpRpc, chain_id
from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError
from backend.platform.bootstrap import Core
from backend.platform.commands.support import (
    FAILURE,
    JsonFlag,
    err,
    out,
    print_json,
    reading_core,
    typed_errors,
)
from backend.platform.settings import load_settings
from backend.settlement.wallet import TradeToSign, sign_file

PASSWORD_VARIABLE = "KEYSTORE_PASSWORD"  # noqa: S105 - the variable's name


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("sign")(sign)
    app.command("doctor")(doctor)


def sign(
    file: Annotated[
        Path, typer.Argument(help="`consent` of GET /instructions/{id}, or the page's trade.json.")
    ],
    keystore: Annotated[Path, typer.Option(help="Your Web3 Secret Storage V3 keystore.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: you have read it.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a trade as a sentence with its three hashes, and sign it with your own key.

    The password comes from KEYSTORE_PASSWORD or is asked for.
    """

    def consent(shown: TradeToSign) -> bool:
        if not as_json:
            out.print(shown.sentence, highlight=False, soft_wrap=True)
            for name, value in _hashes(shown).items():
                out.print(f"  {name}: {value}", highlight=False, soft_wrap=True)
        return yes or typer.confirm("Sign this trade?", err=True)

    with typed_errors(as_json):
        password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass("Keystore password: ")
        signed = sign_file(file, keystore, password, consent)
        if signed is None:
            err.print("Not signed.")
            raise typer.Exit(FAILURE)
    if as_json:
        print_json(msgspec.to_builtins(signed))
    else:
        # A wrapped signature would be copied with a line break in it.
        words = f"Signed by {signed.signer}:\n{signed.signature}"
        out.print(words, highlight=False, soft_wrap=True)


def doctor(as_json: JsonFlag = False) -> None:
    """Look at settings, database, schema, log and chain, and say what is wrong."""
    found: dict[str, str] = {}
    with typed_errors(as_json):
        settings = load_settings()
        found["home"] = str(settings.home)
        try:
            with reading_core("cli", settings) as core:
                found.update(_inspect(core))
        except DomainError as error:
            found["database"] = f"{error.code.value}: {error.message}"
    if as_json:
        print_json(found)
    else:
        for name, value in found.items():
            out.print(f"{name:>10}: {value}", highlight=False)
    if any(": " in value and "-" in value.split(":")[0] for value in found.values()):
        raise typer.Exit(FAILURE)


def _inspect(core: Core) -> dict[str, str]:
    with core.database.transaction(Scope.auditor()) as connection:
        head = connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
    found = {"database": "ok", "log": f"{(head['size'] if head else None) or 0} entries"}
    try:
        adopted = core.adopted()
        found["registry"] = f"{adopted.registry} on chain {adopted.chain_id}"
        found["anchored"] = f"{adopted.final_size} entries"
        if core.settings.chain_rpc_url is not None:
            served = chain_id(HttpRpc(core.settings.chain_rpc_url.get_secret_value()))
            found["chain"] = "ok" if served == adopted.chain_id else f"chain-mismatch: {served}"
    except DomainError as error:
        found["registry"] = f"{error.code.value}: {error.message}"
    except AnchoringError as error:
        found["chain"] = f"node-unavailable: {error}"
    return found


def _hashes(shown: TradeToSign) -> dict[str, str]:
    return {
        name: "0x" + value.hex() if isinstance(value, bytes) else str(value)
        for name, value in msgspec.structs.asdict(shown.hashes).items()
    }
