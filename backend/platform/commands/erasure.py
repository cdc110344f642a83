"""``tally erase`` and ``tally erasures reapply``: personal data, by the operator on the host."""

from typing import Annotated

import msgspec
import typer

from anchoring.tile_store import DirectoryStore
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.identity.contacts import Contacts
from backend.identity.erasures import reapply
from backend.identity.events import ErasureReason
from backend.kernel.clock import SystemClock
from backend.kernel.ids import checked_id
from backend.platform.bootstrap import event_registry
from backend.platform.commands.support import (
    JsonFlag,
    err,
    out,
    print_json,
    reading_core,
    typed_errors,
    writing_core,
)
from backend.platform.settings import load_settings

erasures = typer.Typer(no_args_is_help=True, help="Erasures of personal data.")
_CALLER = Caller("process:operator")


def register(application: typer.Typer) -> None:
    """Mount the commands."""
    application.command("erase")(erase)
    application.add_typer(erasures, name="erasures")


@erasures.callback()
def _group() -> None:
    """Keeps ``reapply`` a subcommand while it is the only one."""


def erase(
    contact_id: Annotated[str, typer.Argument(help="The contact's id.")],
    reason: Annotated[ErasureReason, typer.Option(help="Why: it stands in the log.")],
    as_json: JsonFlag = False,
) -> None:
    """Destroy everything known of a contact person, now, and say so in the log.

    Proofs made before stay valid; nothing can be disclosed beside them any more.
    """
    with typed_errors(as_json), writing_core("operator", load_settings()) as core:
        name = checked_id(contact_id)
        contacts = Contacts(core.store, SystemClock())
        before = contacts.find(Scope.venue(), name)
        contacts.erase(_CALLER, before.tenant_id, name, reason, Scope.venue())
        after = contacts.find(Scope.venue(), name)
    if as_json:
        print_json({"contact_id": name, "state": after.state, "reason": after.erasure_reason})
    elif before.state == after.state:
        out.print(f"{name} was erased before; nothing changed.", highlight=False)
    else:
        out.print(f"Erased {name}.", highlight=False)


@erasures.command("reapply")
def reapply_erasures(as_json: JsonFlag = False) -> None:
    """After personal values were restored from a backup: delete again what was erased since.

    Reads every erasure of the database and of this home's published log. Safe to repeat.
    """
    with typed_errors(as_json), reading_core("cli") as core:
        done = reapply(core.database, event_registry(), DirectoryStore(core.home.log))
    if as_json:
        print_json(msgspec.to_builtins(done))
        return
    out.print(
        f"{done.erasures} erasures read; {done.deleted} values erased again,"
        f" {done.superseded} that a correction had replaced.",
        highlight=False,
    )
    if done.lost:
        err.print(
            f"[yellow]{done.lost} fields in force have no value: the backup is older than they"
            " are. Record them again.[/]",
            highlight=False,
        )
