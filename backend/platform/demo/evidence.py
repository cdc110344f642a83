"""The demonstration's last steps: anchor the tail, give proofs out, verify them, forge some."""

import base64
import re
from pathlib import Path
from typing import Any

from anchoring.bundle import AnyBundle, Bundle, EventsBundle
from anchoring.policy import parse_policy
from anchoring.tile_store import DirectoryStore
from backend.audit.witnessing import quorum_reached
from backend.eventstore.scope import Scope
from backend.platform.bootstrap import Core
from backend.platform.commands.prove import write_inputs
from backend.platform.demo import proving
from backend.platform.demo.cast import Trader
from backend.platform.demo.client import wait_for
from backend.platform.demo.script import Play

MOST_IN_A_BATCH = 1_000
_UNSAFE = re.compile(r"[^a-z0-9]+")


def give(play: Play, core: Core, known: int) -> None:
    """Anchor the log with an index commitment in it; prove what this run did, in three ways.

    ``known`` is the log's size before the run. Raises ProofRefused when a proof that must verify
    does not, or one that must not does.
    """
    telling, folder = play.telling, core.home.demo
    with telling.step("Commit to the index of streams, and anchor the log on chain"):
        _await_index(play)
        size = _anchor_tail(play)
        _await_quorum(play, core, size)
    with telling.step("Write a proof bundle for every event, and verify each offline"):
        events = [
            each
            for each in play.operator.pages("/events", limit=200)
            if known <= each["position"] < size
        ]
        write_inputs(core, folder)
        proofs = [proving.write(folder, _name(each), _single(play, each)) for each in events]
        telling.say(
            f"{proving.verify_all(folder, proofs)} bundles in {folder}: [bold green]all verified[/]"
        )
        if proofs:
            telling.say(f"witnesses: {proving.witnesses(folder, proofs[-1])}")
        batch = proving.write(folder, *_batch(play, events))
        telling.say(
            f"{batch.name}: one proof of {proving.verify(folder, batch)}: [bold green]verified[/]"
        )
        shown = next(
            (each for each in reversed(proofs) if "settlement.final" in each.name), proofs[-1]
        )
        telling.say(f"try it: .venv/bin/tally verify {_shown(shown)}")
    with telling.step("Prove each participant's account whole: every event there is, and no other"):
        streams = [proving.write(folder, *_stream(trader)) for trader in play.traders]
        for each in streams:
            telling.say(f"[bold green]{proving.verify(folder, each)}[/]")
        verdict = proving.withhold_last(DirectoryStore(core.home.log), folder, streams[0])
        telling.say(f"the same without its last event: [bold red]{verdict}[/]")
        telling.say(f"try it: .venv/bin/tally verify {_shown(streams[0])}")
    with telling.step("Change one byte of a proof"):
        for suffix, verdict in proving.tamper(folder, shown).items():
            telling.say(f"{shown.stem}{suffix} with one bit changed: [bold red]{verdict}[/]")


def _await_index(play: Play) -> None:
    """Wait until a commitment to the index covers all that has happened so far."""
    size: int = play.operator.get("/log")["size"]

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] | None = play.operator.get("/log")["index"]
        return found if found is not None and found["size"] >= size else None

    index = wait_for("the index commitment", look, meanwhile=play.tick)
    play.telling.say(
        f"{index['streams']:,} streams in the first {index['size']:,} entries,"
        f" root {index['root'][:16]}…, in entry {index['position']:,}"
    )


def _anchor_tail(play: Play) -> int:
    """Ask for the exact size to be anchored, and wait until it is final."""
    size: int = play.operator.post("/anchors", {})["size"]
    play.telling.say(f"asked for the exact size {size:,}")

    def look() -> dict[str, Any] | None:
        anchors = play.operator.get("/anchors", limit=5)["items"]
        final = [each for each in anchors if each["state"] == "FINAL" and each["size"] >= size]
        return final[-1] if final else None

    anchor = wait_for("the anchor's finality", look, seconds=90, meanwhile=play.tick)
    play.telling.say(
        f"size {anchor['size']:,}, root {anchor['root'][:16]}…, block {anchor['block_number']},"
        f" {anchor['gas_used']:,} gas"
    )
    return int(anchor["size"])


def _await_quorum(play: Play, core: Core, size: int) -> None:
    """Wait for the cosignatures that the published policy asks for, where it asks for any.

    The platform anchors without them when a witness is away; a proof under this policy needs them.
    """
    if parse_policy((core.home.log / "policy.txt").read_bytes()).quorum is None:
        return

    def look() -> bool | None:
        with core.database.transaction(Scope.sequencer()) as connection:
            return quorum_reached(connection, size) or None

    wait_for(f"the witnesses of size {size:,}", look, meanwhile=play.tick)


def _single(play: Play, event: dict[str, Any]) -> AnyBundle:
    """One event's proof, as the API gives it."""
    proof = play.operator.get(f"/events/{event['event_id']}/proof")
    return Bundle(_bytes(proof["event"]), _bytes(proof["tlog_proof"]), _anchor(proof))


def _batch(play: Play, events: list[dict[str, Any]]) -> tuple[str, AnyBundle]:
    """The newest events of the run under one proof, and what the files are called."""
    picked = events[-MOST_IN_A_BATCH:]
    body = {"event_ids": [each["event_id"] for each in picked]}
    proof = play.operator.post("/proofs", body)
    first, last = proof["positions"][0], proof["positions"][-1]
    bundle = EventsBundle(_bytes(proof["events"]), _bytes(proof["tlog_batch"]), _anchor(proof))
    return f"run-{first:06d}-{last:06d}", bundle


def _stream(trader: Trader) -> tuple[str, AnyBundle]:
    """The trader's own account, whole, and what the files are called."""
    proof = trader.api.get(f"/streams/account-{trader.account_id}/proof")
    bundle = EventsBundle(
        _bytes(proof["events"]),
        _bytes(proof["tlog_batch"]),
        _anchor(proof),
        _bytes(proof["stream"]),
    )
    return f"account-{_UNSAFE.sub('-', trader.name.lower())}", bundle


def _anchor(proof: dict[str, Any]) -> bytes | None:
    return _bytes(proof["anchor"]) if proof["anchor"] else None


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _name(event: dict[str, Any]) -> str:
    return f"{event['position']:06d}-{event['type']}"


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
