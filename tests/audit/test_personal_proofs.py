"""What goes with proofs of events that have personal data: erasures always, values on request."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from anchoring.bundle import AnyBundle, Bundle, EventsBundle, write_bundle, write_trust_inputs
from anchoring.cli import app
from backend.audit.proofs import trust_in
from tests.identity.test_contacts import erase, events_of, person, record
from tests.integration.parties import ok
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


def decoded(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def files(answer: dict[str, Any]) -> AnyBundle:
    """Every file that an answer holds."""
    erasures = tuple(
        Bundle(*(decoded(each[name]) for name in ("event", "tlog_proof", "anchor")))  # type: ignore
        for each in answer["erasures"]
    )
    anchor, personal = decoded(answer["anchor"]), decoded(answer["personal"])
    if "event" in answer:
        event, proof = decoded(answer["event"]) or b"", decoded(answer["tlog_proof"]) or b""
        return Bundle(event, proof, anchor, personal, erasures)
    events, proof = decoded(answer["events"]) or b"", decoded(answer["tlog_batch"]) or b""
    return EventsBundle(events, proof, anchor, decoded(answer.get("stream")), personal, erasures)


def verify(world: World, folder: Path, answer: dict[str, Any]) -> tuple[int, str]:
    """Exit code and words of ``tally verify`` over the files on disk."""
    adopted = world.core.adopted()
    write_trust_inputs(
        folder,
        world.http.get("/log/policy").content,
        world.http.get("/log/keys").content,
        trust_in(world.core.database, adopted.chain_id, adopted.registry).encode(),
    )
    done = CliRunner().invoke(app, ["verify", str(write_bundle(folder, "shown", files(answer)))])
    return done.exit_code, done.output


@pytest.fixture
def contact(fresh_world: World) -> tuple[World, str, str]:
    """A contact of cedar's, anchored, and its first event."""
    world = fresh_world
    contact = record(world.cedar.client, person())
    world.index()
    world.anchor()
    (event,) = events_of(world.cedar.client, contact)
    return world, contact, event["event_id"]


def test_values_go_with_a_proof_only_where_their_owner_asks(contact, tmp_path: Path) -> None:
    world, contact_id, event_id = contact
    path = f"/events/{event_id}/proof"
    plain = ok(world.cedar.client.get(path))
    assert (plain["personal"], plain["erasures"]) == (None, [])
    assert "email withheld" in verify(world, tmp_path / "plain", plain)[1]

    shown = ok(world.cedar.client.get(path, disclose=True))
    held = world.cedar.client.get(f"/contacts/{contact_id}/disclosure", event_id=event_id)
    assert decoded(shown["personal"]) == held.content
    code, words = verify(world, tmp_path / "shown", shown)
    assert (code, "email disclosed" in words) == (0, True)

    assert ok(world.auditor.get(path, disclose=True))["personal"] is None
    stream = f"/streams/contact-{contact_id}/proof"
    assert ok(world.cedar.client.get(stream))["personal"] is None
    whole = ok(world.cedar.client.get(stream, disclose=True))
    assert decoded(whole["personal"]) == held.content
    assert verify(world, tmp_path / "whole", whole)[0] == 0


def test_the_proof_of_an_erasure_goes_with_every_proof(contact, tmp_path: Path) -> None:
    world, contact_id, event_id = contact
    path = f"/events/{event_id}/proof"
    ok(erase(world.cedar.client, contact_id, immediately=True))
    early = ok(world.cedar.client.get(path, disclose=True))
    assert (early["personal"], early["erasures"]) == (None, []), "not in the log yet"
    world.sequence()
    (waiting,) = ok(world.cedar.client.get(path))["erasures"]
    assert waiting["anchor"] is None
    world.index()
    world.anchor()

    _, erasure = events_of(world.cedar.client, contact_id)
    told = re.compile(rf"email(?: of entry \d+)? erased by entry {erasure['position']}")
    batch = world.cedar.client.post("/proofs", {"event_ids": [event_id]})
    for number, answer in enumerate(
        (world.cedar.client.get(path), world.auditor.get(path, disclose=True), batch)
    ):
        found = ok(answer)
        assert (found["personal"], len(found["erasures"])) == (None, 1)
        code, words = verify(world, tmp_path / str(number), found)
        assert (code, bool(told.search(words))) == (0, True), words


def test_a_stream_that_holds_its_erasure_needs_no_other_proof_of_it(
    contact, tmp_path: Path
) -> None:
    world, contact_id, _ = contact
    ok(erase(world.cedar.client, contact_id, immediately=True))
    world.index()
    world.anchor()
    path = f"/streams/contact-{contact_id}/proof"
    found = ok(world.cedar.client.get(path, disclose=True))
    assert (found["count"], found["personal"], found["erasures"]) == (2, None, [])
    code, words = verify(world, tmp_path, found)
    assert (code, bool(re.search(r"email of entry \d+ erased by entry", words))) == (0, True), words
