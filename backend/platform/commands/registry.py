"""``tally registry``: which contract the log is anchored in, and going on in another one."""

from typing import Annotated

import typer
from eth_utils.address import is_hex_address, to_checksum_address

from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from backend.audit.registrar import Successor, replace_registry
from backend.platform.bootstrap import chain_url
from backend.platform.commands.support import (
    JsonFlag,
    operator_caller,
    out,
    print_json,
    reading_core,
    typed_errors,
    writing_core,
)
from backend.platform.errors import ConfigurationInvalid
from backend.platform.processes.anchorer import anchoring_signer
from backend.platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    group = typer.Typer(no_args_is_help=True, help="The contract that the log is anchored in.")
    group.command("show")(show)
    group.command("adopt")(adopt)
    app.add_typer(group, name="registry")


def show(as_json: JsonFlag = False) -> None:
    """The registry in use, and how far the log is anchored."""
    with typed_errors(as_json), reading_core("cli") as core:
        state = core.adopted()
    facts = {
        "chain_id": state.chain_id,
        "registry": state.registry,
        "settlement": state.settlement,
        "final_size": state.final_size,
        "covered_size": state.covered_size,
        "deferred": state.deferred,
        "lagging": state.lagging,
    }
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            out.print(f"{name:>12}: {value}", highlight=False)


def adopt(
    address: Annotated[str, typer.Argument(help="The new registry's address.")],
    chain_id: Annotated[int, typer.Option(help="Chain id of the chain it is on (EIP-155).")],
    reason: Annotated[str, typer.Option(help="Why: it stands in the log for good.")],
    settlement: Annotated[
        str | None, typer.Option(help="The settlement contract there; the one in use if left out.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Anchor the log in another registry from now on; what the old one holds stays provable.

    Needs the new chain's node in CHAIN_RPC_URL. Stop the anchorer before, start it after.
    """
    with typed_errors(as_json):
        settings = load_settings()
        if not reason.strip() or len(reason) > 500:
            raise ConfigurationInvalid("A reason has 1 to 500 characters.")
        successor = Successor(
            chain_id, _address(address), settlement and _address(settlement), reason.strip()
        )
        with writing_core("operator", settings) as core:
            event = replace_registry(
                core.store,
                HttpRpc(chain_url(settings)),
                DirectoryStore(core.home.log),
                settings.log_origin,
                anchoring_signer(core.home, settings).address,
                successor,
                operator_caller(),
            )
    if as_json:
        print_json(event.payload())
    else:
        out.print(
            f"The log is anchored in {event.registry} on chain {event.chain_id} from now on;"
            f" {event.covered_size} entries stay anchored in {event.old_registry}.",
            highlight=False,
            soft_wrap=True,
        )


def _address(text: str) -> str:
    if not is_hex_address(text) or not text.startswith("0x"):
        raise ConfigurationInvalid("An address is 0x and 40 hex digits.")
    return str(to_checksum_address(text))
