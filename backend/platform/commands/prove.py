"""``tally prove``: bundles of one event, of several, of a range, and of a whole stream."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from anchoring.bundle import AnyBundle, write_bundle, write_trust_inputs
from anchoring.ethproof import parse_anchor
from anchoring.tile_store import DirectoryStore
from backend.audit.personal_files import PersonalEvidence
from backend.audit.proof_source import ProofSource
from backend.audit.proofs import EventsProof, Progress, ProofService, trust_in, untold
from backend.audit.queries import known_uuid
from backend.audit.stream_proofs import StreamName, StreamProofService, StreamShown
from backend.eventstore.scope import Scope
from backend.kernel.errors import NotFound, ValueInvalid
from backend.platform.bootstrap import Core
from backend.platform.commands.support import (
    JsonFlag,
    out,
    print_json,
    reading_core,
    typed_errors,
)
from backend.platform.personal import IdentityPersonal

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("prove")(prove)


def prove(
    event_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[EVENT_ID]…", help="One event, or several.")
    ] = None,
    stream: Annotated[
        str | None,
        typer.Option("--stream", help="A stream, or the account, order … whose stream is meant."),
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose stream it is.")] = None,
    span: Annotated[
        tuple[int, int] | None,
        typer.Option("--range", metavar="START END", help="Entries START to END - 1."),
    ] = None,
    allow_absent: Annotated[
        bool, typer.Option("--allow-absent", help="Prove that there is no such stream.")
    ] = False,
    name: Annotated[str | None, typer.Option("--name", help="What the files are called.")] = None,
    folder: Annotated[Path, typer.Option("--out", help="Where the bundle goes.")] = Path("."),
    as_json: JsonFlag = False,
) -> None:
    """Write a proof bundle, and beside it policy, keys and trust.

    EVENT_ID: NAME.event and NAME.tlog-proof; several: NAME.events and NAME.tlog-batch.
    --range: NAME.events and NAME.tlog-range. --stream: all its events, with NAME.stream, which
    shows that they are all. NAME.anchor once an anchor is final, NAME.erasure.* where personal
    data was erased. `tally verify` checks each.
    """
    with typed_errors(as_json), reading_core("cli") as core, _telling(as_json) as progress:
        if sum(each is not None for each in (event_ids or None, stream, span)) != 1:
            raise ValueInvalid("Name events, or --stream, or --range: one of them.")
        if stream is not None:
            made, document = _stream(core, stream, tenant, allow_absent, progress)
        elif span is not None:
            made, document = _range(core, span, progress)
        else:
            made, document = _events(core, [known_uuid(each) for each in event_ids or ()])
        chosen = name or _UNSAFE.sub("_", document["name"])
        path = write_bundle(folder, chosen, made)
        write_inputs(core, folder, made.anchor)
    document = {"proof": str(path), **document, "name": chosen}
    if as_json:
        print_json(document)
        return
    state = "anchored" if document["anchored"] else "not anchored yet"
    out.print(
        f"Wrote {path} ({document['what']}, tree of {document['size']}, {state}).",
        highlight=False,
        soft_wrap=True,
    )


def _events(core: Core, event_ids: list[str]) -> tuple[AnyBundle, dict[str, Any]]:
    service = proof_service(core)
    if len(event_ids) == 1:
        found = service.prove(Scope.auditor(), event_ids[0])
        return found.bundle, {
            "name": found.event_id,
            "what": f"entry {found.position}",
            "position": found.position,
            "size": found.size,
            "anchored": found.anchored,
        }
    return _many(service.prove_many(Scope.auditor(), event_ids), "batch")


def _range(
    core: Core, span: tuple[int, int], progress: Progress
) -> tuple[AnyBundle, dict[str, Any]]:
    found = proof_service(core).prove_range(Scope.auditor(), *span, progress=progress)
    made, document = _many(found, "range")
    del document["positions"]
    return made, {**document, "start": found.positions[0], "end": found.positions[-1] + 1}


def _many(found: EventsProof, kind: str) -> tuple[AnyBundle, dict[str, Any]]:
    first, last = found.positions[0], found.positions[-1]
    return found.bundle, {
        "name": f"{kind}-{first}-{last}",
        "what": f"{len(found.positions)} entries from {first} to {last}",
        "positions": list(found.positions),
        "size": found.size,
        "anchored": found.anchored,
    }


def _stream(
    core: Core, given: str, tenant: str | None, allow_absent: bool, progress: Progress
) -> tuple[AnyBundle, dict[str, Any]]:
    """The bundle of the stream that ``given`` names. Raises NotFound, Conflict."""
    service = stream_service(core)
    owner = None if tenant is None else known_uuid(tenant, "tenant")
    name = service.find(Scope.auditor(), given, owner)
    if name is None:
        if not allow_absent or owner is None:
            hint = " To prove that, give --allow-absent and --tenant." if not allow_absent else ""
            needed = " An absent stream is of a tenant: give --tenant." if allow_absent else hint
            raise NotFound(f"There is no stream {given}.{needed}")
        name = StreamName(owner, given)
    shown = service.prove(Scope.auditor(), name, allow_absent=allow_absent, progress=progress)
    return shown.bundle, _stream_document(shown)


def _stream_document(shown: StreamShown) -> dict[str, Any]:
    what = f"all {shown.count} events" if shown.count else "absent: no event"
    return {
        "name": shown.name.stream_id,
        "what": f"{what} of {shown.name.stream_id} among the first {shown.index_size} entries",
        "tenant_id": shown.name.tenant_id,
        "stream_id": shown.name.stream_id,
        "count": shown.count,
        "index_size": shown.index_size,
        "index_position": shown.index_position,
        "size": shown.size,
        "anchored": shown.anchored,
    }


def proof_service(core: Core) -> ProofService:
    """Proofs from the published log of this home."""
    source = _source(core)
    return ProofService(core.database, source, _personal(core, source))


def stream_service(core: Core) -> StreamProofService:
    """Stream bundles from the published log of this home."""
    source = _source(core)
    return StreamProofService(core.database, source, _personal(core, source))


def _source(core: Core) -> ProofSource:
    return ProofSource(DirectoryStore(core.home.log), core.home.anchors)


def _personal(core: Core, source: ProofSource) -> PersonalEvidence:
    return PersonalEvidence(core.database, source, IdentityPersonal())


def write_inputs(core: Core, folder: Path, anchor: bytes | None = None) -> None:
    """Put policy, keys and trust beside the proofs: the platform's own word, and said so.

    The trust file names the registry that ``anchor`` is of, else the one in use.
    """
    adopted = core.adopted()
    log = DirectoryStore(core.home.log)
    policy, keys = log.read("policy.txt"), log.read("keys")
    if policy is not None and keys is not None:
        chain, registry = adopted.chain_id, adopted.registry
        if anchor is not None:
            evidence = parse_anchor(anchor)
            chain, registry = evidence.chain_id, "0x" + evidence.registry.hex()
        trust = trust_in(core.database, chain, registry)
        write_trust_inputs(folder, policy, keys, trust.encode())


@contextmanager
def _telling(as_json: bool) -> Iterator[Progress]:
    """Tells on the terminal how many entries were read, unless a document is asked for."""
    if as_json:
        yield untold
        return
    with out.status("Making the proof …") as status:
        yield lambda read: status.update(f"Read {read:,} entries …")
