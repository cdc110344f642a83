"""Erasing a person: every proof made before still verifies, and says what became of the values."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from anchoring.bundle import Bundle, write_bundle, write_trust_inputs
from anchoring.cli import app
from anchoring.report import Status
from anchoring.verifier import verify_bundle
from backend.audit.proofs import trust_in
from tests.audit.test_proofs import bundle, inputs
from tests.audit.test_stream_proofs import bundle_of
from tests.identity.test_contacts import erase, events_of, patch, person, record, values_of
from tests.integration.parties import ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


def proof_of(world: World, event_id: str) -> Bundle:
    return bundle(ok(world.cedar.client.get(f"/events/{event_id}/proof")))


def disclosure(world: World, contact: str, event_id: str) -> bytes:
    answer = world.cedar.client.get(f"/contacts/{contact}/disclosure", event_id=event_id)
    assert answer.status_code == 200, answer.text
    return answer.content


def judged(world: World, proof: Bundle, **more: Any) -> tuple[int, Status, str]:
    """(exit code, status and words of the verdict ``personal``)."""
    report = verify_bundle(dataclasses.replace(proof, **more), inputs(world))
    return report.exit_code, report["personal"].status, report["personal"].detail


@pytest.fixture
def recorded(fresh_world: World) -> tuple[World, str, dict[str, Any], Bundle, bytes]:
    """A contact, and the anchored proof and the disclosure of its first event."""
    world, body = fresh_world, person()
    contact = record(world.cedar.client, body)
    world.anchor()
    (event,) = events_of(world.cedar.client, contact)
    proof = proof_of(world, event["event_id"])
    return world, contact, body, proof, disclosure(world, contact, event["event_id"])


def test_a_proof_made_before_the_erasure_verifies_after_it(recorded) -> None:
    world, contact, _, proof, personal = recorded
    assert verify_bundle(proof, inputs(world)).exit_code == 0
    words = "email disclosed, name disclosed, phone disclosed"
    code, status, told = judged(world, proof, personal=personal)
    assert (code, status) == (0, Status.OK)
    assert [told.find(each) >= 0 for each in words.split(", ")] == [True] * 3, told
    assert "withheld" in judged(world, proof)[2]

    ok(erase(world.cedar.client, contact, immediately=True))
    world.anchor()
    event, erasure_event = events_of(world.cedar.client, contact)
    assert proof_of(world, event["event_id"]) == proof, "the same bytes, also made anew"
    assert judged(world, proof)[:2] == (0, Status.OK)
    erasure = proof_of(world, erasure_event["event_id"])
    code, status, told = judged(world, proof, erasures=(erasure,))
    assert (code, status) == (0, Status.OK)
    for field in ("email", "name", "phone"):
        assert f"{field} erased by entry {erasure_event['position']}" in told
    answer = world.cedar.client.get(f"/contacts/{contact}/disclosure", event_id=event["event_id"])
    refused(answer, 409, "conflict")

    # Somebody kept a copy: what we destroyed can still be shown to have been committed to.
    told = judged(world, proof, personal=personal, erasures=(erasure,))[2]
    assert f"email disclosed and erased by entry {erasure_event['position']}" in told


def test_a_value_or_salt_that_is_not_the_one_committed_to_is_refused(recorded) -> None:
    world, _, body, proof, personal = recorded
    for before, after in (
        (body["email"], "x" + body["email"]),
        (body["phone"], body["phone"][:-1] + "x"),
        ('"salt":"', '"salt":"'),
    ):
        text = personal.decode().replace(before, after)
        if before == after:
            at = text.index(before) + len(before)
            text = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
        assert judged(world, proof, personal=text.encode())[:2] == (1, Status.FAILED)


def test_an_erasure_of_somebody_else_says_nothing_here(recorded) -> None:
    world, _, _, proof, _ = recorded
    other = record(world.cedar.client, person())
    ok(erase(world.cedar.client, other, immediately=True))
    world.anchor()
    _, erasure_event = events_of(world.cedar.client, other)
    erasure = proof_of(world, erasure_event["event_id"])
    assert judged(world, proof, erasures=(erasure,))[:2] == (1, Status.FAILED)


def test_a_replaced_value_is_withheld_and_named_by_the_final_erasure(recorded) -> None:
    world, contact, _, proof, _ = recorded
    ok(patch(world.cedar.client, contact, {"email": person()["email"]}))
    ok(erase(world.cedar.client, contact, immediately=True))
    world.anchor()
    *_, erasure_event = events_of(world.cedar.client, contact)
    assert len(erasure_event["payload"]["commitments"]) == 4
    told = judged(world, proof, erasures=(proof_of(world, erasure_event["event_id"]),))[2]
    assert f"email erased by entry {erasure_event['position']}" in told


def test_the_files_beside_a_proof_are_found(recorded, tmp_path: Path) -> None:
    world, contact, _, proof, personal = recorded
    ok(erase(world.cedar.client, contact, immediately=True))
    world.anchor()
    *_, erasure_event = events_of(world.cedar.client, contact)
    erasure = proof_of(world, erasure_event["event_id"])
    adopted = world.core.adopted()
    trust = trust_in(world.core.database, adopted.chain_id, adopted.registry).encode()
    policy, keys = (world.http.get(f"/log/{name}").content for name in ("policy", "keys"))
    write_trust_inputs(tmp_path, policy, keys, trust)
    whole = Bundle(proof.event, proof.proof, proof.anchor, personal, (erasure,))
    path = write_bundle(tmp_path, "contact", whole)
    assert (tmp_path / "contact.personal").read_bytes() == personal
    done = CliRunner().invoke(app, ["verify", str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert "personal" in done.output
    changed = personal.replace(b'"value":"+', b'"value":"-')
    (tmp_path / "contact.personal").write_bytes(changed)
    assert CliRunner().invoke(app, ["verify", str(path), "--json"]).exit_code == 1


def test_the_log_and_a_replay_stay_whole(recorded) -> None:
    world, contact, _, _, _ = recorded
    ok(patch(world.cedar.client, contact, {"phone": None}))
    ok(erase(world.cedar.client, contact))
    ok(world.cedar.client.post(f"/contacts/{contact}/restore"))
    ok(erase(world.cedar.client, contact, immediately=True))
    world.anchor()
    folder = world.home.log
    done = CliRunner().invoke(app, ["verify-log", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    assert (
        json.loads(done.stdout)["entries"] == world.rows("SELECT count(*) AS n FROM feed")[0]["n"]
    )
    report = world.replay()
    assert report.equal, msgspec.to_builtins(report.differences)


def test_the_monitor_sees_nothing_wrong_in_an_erasure(recorded, tmp_path: Path) -> None:
    world, contact, _, _, _ = recorded

    def looked() -> tuple[int, str]:
        world.index()
        world.anchor()
        adopted = world.core.adopted()
        trust = trust_in(world.core.database, adopted.chain_id, adopted.registry).encode()
        policy, keys = (world.http.get(f"/log/{name}").content for name in ("policy", "keys"))
        write_trust_inputs(tmp_path, policy, keys, trust)
        named = [f"--{name}={tmp_path / file}" for name, file in (
            ("state", "watch.json"), ("policy", "policy.txt"), ("keys", "keys"), ("trust", "trust"),
        )]  # fmt: skip
        node = ["--rpc", world.chain.url]
        done = CliRunner().invoke(
            app, ["monitor", str(world.home.log), *named, *node, "--once", "--json"]
        )
        return done.exit_code, done.output

    code, said = looked()
    assert code == 0, said
    ok(erase(world.cedar.client, contact, immediately=True))
    code, said = looked()
    assert code == 0, said


def test_a_whole_stream_tells_of_its_own_erasure(recorded) -> None:
    """The erasure event is among the events, so no further file is needed."""
    world, contact, _, _, _ = recorded
    ok(patch(world.cedar.client, contact, {"phone": None}))
    ok(erase(world.cedar.client, contact, immediately=True))
    world.index()
    world.anchor()
    found = ok(world.cedar.client.get(f"/streams/contact-{contact}/proof"))
    report = verify_bundle(bundle_of(found), inputs(world))
    assert report.exit_code == 0
    first, phone, rest = (each["position"] for each in events_of(world.cedar.client, contact))
    told = report["personal"].detail
    of = f"of entry {first}"
    for words in (f"phone {of} erased by entry {phone}", f"name {of} erased by entry {rest}"):
        assert words in told


def test_what_was_known_of_a_contact_at_a_position_is_commitments_only(recorded) -> None:
    """Old values stay in no history: an auditor sees before and after as hashes."""
    world, contact, body, _, _ = recorded
    ok(patch(world.cedar.client, contact, {"email": person()["email"]}))
    ok(erase(world.cedar.client, contact, immediately=True))
    world.sequence()
    first, corrected, _ = events_of(world.cedar.client, contact)
    path = f"/streams/contact-{contact}"
    owner, auditor = world.cedar.client, world.auditor
    tenant = world.cedar.participant_id
    then = ok(owner.get(f"{path}/state", known_at=first["position"]))["state"]
    assert then["held"] == first["payload"]["personal"]
    between = ok(owner.get(f"{path}/state", known_at=corrected["position"]))["state"]
    assert between["held"]["email"] == corrected["payload"]["personal"]["email"]
    now = ok(auditor.get(f"{path}/state", tenant_id=tenant))["state"]
    assert (now["held"], now["state"]) == ({}, "erased")
    history = auditor.pages(f"{path}/history", tenant_id=tenant)
    assert len(history) == 3
    told = json.dumps([then, between, now, history])
    assert not any(value in told for value in values_of(body))
