"""``tally keys``: who signs what, rotation with overlap, and encryption of the key files."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from anchoring.note import parse_vkey
from backend.audit.keyring import (
    announce_key,
    announce_log_key,
    read_ring,
    retire_event_key,
    retire_log_key,
)
from backend.audit.usage import OVERLAP, refuse_if_used
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.kernel.errors import NotFound
from backend.platform.bootstrap import Core, event_label
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
from backend.platform.home import Home
from backend.platform.key_files import ChainKey, chain_keys, encrypt_all, event_keys
from backend.platform.settings import load_settings

PROCESSES = ("api", "anchorer", "operator", "sequencer", "worker")
KeyName = Annotated[str, typer.Argument(help="An event key's id, or a log key's id or vkey.")]


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    group = typer.Typer(no_args_is_help=True, help="Who signs what, and until when.")
    group.command("list")(list_keys)
    group.command("show")(show)
    group.command("rotate")(rotate)
    group.command("retire")(retire)
    group.command("rotate-log")(rotate_log)
    group.command("encrypt")(encrypt)
    app.add_typer(group, name="keys")


def list_keys(as_json: JsonFlag = False) -> None:
    """Every key: of events, of the log, of the chain; from where to where it is valid."""
    with typed_errors(as_json), reading_core("cli") as core:
        found = _all_keys(core)
    if as_json:
        print_json({"keys": found})
        return
    table = Table("kind", "id", "of", "from", "to", "file here", box=None)
    for each in found:
        cells = (each["kind"], each["id"], each["of"], each["first"], each["last"], each["file"])
        table.add_row(*("-" if cell is None else str(cell) for cell in cells))
    out.print(table)


def show(key: KeyName, as_json: JsonFlag = False) -> None:
    """One key: its public half, and what it is valid for."""
    with typed_errors(as_json), reading_core("cli") as core:
        found = next(
            (each for each in _all_keys(core) if key in (each["id"], each["public"])), None
        )
        if found is None:
            raise NotFound("There is no such key.", key=key[:200])
    if as_json:
        print_json(found)
    else:
        for name, value in found.items():
            out.print(f"{name:>8}: {value}", highlight=False, soft_wrap=True)


def rotate(
    process: Annotated[str, typer.Argument(help=", ".join(PROCESSES))], as_json: JsonFlag = False
) -> None:
    """Give a process a new event key; a running one takes it within two seconds.

    The new key is in the log before it signs anything. The old one stays valid until `retire`.
    """
    with typed_errors(as_json), _writing() as core:
        if process not in PROCESSES:
            raise ConfigurationInvalid(f"There is no process {process[:40]!r} with an event key.")
        label = event_label(process)
        key_id = core.home.replace_event_key(
            process, lambda signer: announce_key(core.store, signer, label)
        )
    _say({"process": process, "key_id": key_id}, f"{process} signs with {key_id} now.", as_json)


def retire(
    key: KeyName,
    after: Annotated[
        float, typer.Option(min=10.0, help="Seconds in which it must have signed nothing.")
    ] = OVERLAP.total_seconds(),
    as_json: JsonFlag = False,
) -> None:
    """Say in the log that a key signs no more. Refused while anything still uses it."""
    with typed_errors(as_json), _writing() as core:
        ring = read_ring(core.store, operator_caller())
        vkey = next((each for each in ring.log if key in (each, _short(each))), None)
        if vkey is not None:
            last = retire_log_key(core.store, operator_caller(), vkey)
        else:
            last = retire_unused(core, key, timedelta(seconds=after), operator_caller())
    _say({"key": key, "last": last}, f"{key} is valid up to {last} and no further.", as_json)


def retire_unused(core: Core, key_id: str, overlap: timedelta, caller: Caller) -> int:
    """Retire an event key that nothing signs with; returns the last entry it vouches for."""
    held = {each.key_id for each in event_keys(core.home)}
    refuse_if_used(core.database, key_id, held, overlap)
    return retire_event_key(core.store, caller, key_id)


def rotate_log(as_json: JsonFlag = False) -> None:
    """Give the log one more key: from now on checkpoints carry a line of each.

    Hand out the new policy.txt, then `tally keys retire` the old key.
    """
    with typed_errors(as_json), _writing() as core:
        announce_log_keys(core)
        signer = core.home.new_log_key(core.settings.log_origin)
        vkey = str(signer.vkey)
        announce_log_key(core.store, operator_caller(), vkey)
    _say({"vkey": vkey}, f"The log signs with this key too: {vkey}", as_json)


def encrypt(as_json: JsonFlag = False) -> None:
    """Encrypt every key file of this home with TALLYSTICK_KEY_PASSPHRASE.

    Stop the processes first, and start them with the passphrase set.
    """
    with typed_errors(as_json):
        settings = load_settings()
        if settings.key_passphrase is None:
            raise ConfigurationInvalid("TALLYSTICK_KEY_PASSPHRASE is not set.")
        home = Home(settings.home, settings.key_passphrase.get_secret_value())
        changed = encrypt_all(home)
    _say({"encrypted": changed}, f"Encrypted: {', '.join(changed) or 'nothing was left'}.", as_json)


def announce_log_keys(core: Core) -> None:
    """Say which keys sign checkpoints: the first, and ML-DSA-44 where the settings ask for it."""
    origin, caller = core.settings.log_origin, operator_caller(core.process)
    announce_log_key(core.store, caller, str(core.home.log_signer(origin).vkey))
    if core.settings.log_post_quantum:
        announce_log_key(core.store, caller, str(core.home.post_quantum_signer(origin).vkey))


def _writing() -> AbstractContextManager[Core]:
    return writing_core("operator", load_settings())


def _all_keys(core: Core) -> list[dict[str, Any]]:
    ring = read_ring(core.store, operator_caller())
    files = {each.key_id: each for each in event_keys(core.home)}
    with core.database.transaction(Scope.auditor()) as connection:
        rows = connection.execute("SELECT key_id, public_key, process FROM event_keys").fetchall()
    found = [
        _row("event", row["key_id"], row["process"], ring.events[row["key_id"]], row["public_key"])
        | {"file": files[row["key_id"]].file if row["key_id"] in files else None}
        for row in rows
    ]
    found += [
        _row("log", _short(vkey), core.settings.log_origin, known, vkey)
        for vkey, known in ring.log.items()
    ]
    return found + [_chain_row(each) for each in chain_keys(core.home)]


def _row(kind: str, key_id: str, of: str, known: Any, public: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": key_id,
        "of": of,
        "first": known.first,
        "last": known.last,
        "file": None,
        "public": public,
    }


def _chain_row(key: ChainKey) -> dict[str, Any]:
    return {
        "kind": "chain",
        "id": key.address,
        "of": key.name,
        "first": None,
        "last": None,
        "file": key.file,
        "public": key.address,
    }


def _short(vkey: str) -> str:
    return parse_vkey(vkey).key_id.hex()


def _say(document: dict[str, Any], sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        out.print(sentence, highlight=False, soft_wrap=True)
