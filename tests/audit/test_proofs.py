"""Proofs as the API gives them: when there is one, what it holds, and what breaks it, typed."""

import base64

import psycopg
import pytest

from anchoring.bundle import Bundle
from anchoring.policy import parse_policy
from anchoring.verifier import TrustInputs, verify_bundle
from backend.audit.proofs import trust_in
from tests.integration.parties import ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


def inputs(world: World) -> TrustInputs:
    adopted = world.core.adopted()
    return TrustInputs(
        parse_policy(world.http.get("/log/policy").content),
        world.http.get("/log/keys").content,
        trust_in(world.core.database, adopted.chain_id, adopted.registry),
        None,
    )


def bundle(proof: dict) -> Bundle:
    anchor = proof["anchor"]
    return Bundle(
        base64.b64decode(proof["event"]),
        base64.b64decode(proof["tlog_proof"]),
        None if anchor is None else base64.b64decode(anchor),
    )


def newest_event(world: World) -> str:
    """The id of an event that was just written and has no position yet."""
    ok(world.cedar.client.post("/portfolios", {"name": "New", "base_currency": "USD"}))
    (row,) = world.rows("SELECT event_id FROM events ORDER BY insert_id DESC LIMIT 1")
    return str(row["event_id"])


def test_a_proof_is_not_ready_then_unanchored_then_anchored(fresh_world: World) -> None:
    world = fresh_world
    event = newest_event(world)
    path = f"/events/{event}/proof"
    problem = refused(world.cedar.client.get(path), 409, "proof-not-ready")
    assert problem["retryable"]
    assert ok(world.cedar.client.get(f"/events/{event}"))["position"] is None

    world.sequence()
    early = ok(world.cedar.client.get(path))
    assert (early["anchored"], early["anchor"]) == (False, None)
    assert verify_bundle(bundle(early), inputs(world)).exit_code == 4

    anchor = world.anchor()
    late = ok(world.cedar.client.get(path))
    assert (late["anchored"], late["checkpoint_size"]) == (True, anchor["size"])
    assert verify_bundle(bundle(late), inputs(world)).exit_code == 0
    assert late["event"] == early["event"]


def test_a_proof_keeps_its_anchor_when_the_log_grows(fresh_world: World) -> None:
    world = fresh_world
    event = newest_event(world)
    first = world.anchor()
    before = ok(world.cedar.client.get(f"/events/{event}/proof"))
    newest_event(world)
    world.anchor()
    assert ok(world.cedar.client.get(f"/events/{event}/proof")) == before
    assert before["checkpoint_size"] == first["size"]


def test_a_key_announced_later_signs_what_the_keys_file_covers(fresh_world: World) -> None:
    """Another process joins: its events verify with the keys file written after it did."""
    from backend.eventstore.scope import Scope
    from backend.eventstore.store import Caller
    from backend.platform.bootstrap import open_core
    from backend.portfolio.service import PortfolioService

    world = fresh_world
    old_keys = world.http.get("/log/keys").content
    with open_core(world.settings, "late", world.conninfo) as core:
        service = PortfolioService(None, None)  # type: ignore[arg-type] - neither is asked here
        scope = Scope.app(world.cedar.participant_id)
        with core.store.transaction(scope, Caller("test")) as uow:
            service.open_portfolio(uow, name="Late", base_currency="USD")
    world.anchor()
    event = next(
        each
        for each in world.cedar.client.pages("/events", limit=200)
        if each["payload"].get("name") == "Late"
    )
    found = bundle(ok(world.cedar.client.get(f"/events/{event['event_id']}/proof")))
    given = inputs(world)
    assert world.http.get("/log/keys").content != old_keys
    assert verify_bundle(found, given).exit_code == 0
    stale = TrustInputs(given.policy, old_keys, given.trust, None)
    assert verify_bundle(found, stale).exit_code == 1


@pytest.fixture
def proven(fresh_world: World) -> tuple[World, str]:
    event = newest_event(fresh_world)
    fresh_world.anchor()
    path = f"/events/{event}/proof"
    assert ok(fresh_world.cedar.client.get(path))["anchored"]
    return fresh_world, path


def test_evidence_that_was_changed_on_disk_is_never_given_out(proven: tuple[World, str]) -> None:
    world, path = proven
    (file,) = world.home.anchors.glob("*.anchor")
    data = file.read_bytes()
    for changed in (data[:-10], b"", data.replace(b"1", b"2"), b"{}"):
        file.write_bytes(changed)
        answer = world.cedar.client.get(path)
        if answer.status_code == 200:
            assert answer.json()["anchor"] is None
        else:
            problem = refused(answer, 500, "log-inconsistent")
            assert str(world.home.root) not in str(problem)
    file.unlink()
    answer = world.cedar.client.get(path)
    if answer.status_code == 200:
        assert (answer.json()["anchored"], answer.json()["anchor"]) == (False, None)
    else:
        refused(answer, 500, "log-inconsistent")
    file.write_bytes(data)
    assert ok(world.cedar.client.get(path))["anchored"]


def test_tiles_that_were_changed_on_disk_give_no_proof(proven: tuple[World, str]) -> None:
    world, path = proven
    tiles = [each for each in (world.home.log / "tile" / "0").rglob("*") if each.is_file()]
    assert tiles
    kept = {each: each.read_bytes() for each in tiles}
    for each, data in kept.items():
        each.chmod(0o600)
        each.write_bytes(bytes(byte ^ 1 for byte in data))
    refused(world.cedar.client.get(path), 500, "log-inconsistent")
    for each in kept:
        each.unlink()
    refused(world.cedar.client.get(path), 500, "log-inconsistent")
    for each, data in kept.items():
        each.write_bytes(data)
    assert ok(world.cedar.client.get(path))["anchored"]


def test_an_entry_changed_in_the_database_gives_no_proof(proven: tuple[World, str]) -> None:
    """Somebody with the owner's rights rewrites history: the proof no longer leads to the root."""
    world, path = proven
    event_id = path.split("/")[2]
    with psycopg.connect(world.admin()) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER ALL")
        connection.execute("ALTER TABLE events DROP CONSTRAINT events_check")
        connection.execute(
            "UPDATE events SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'New',"
            " 'Old'), 'UTF8') WHERE event_id = %s",
            (event_id,),
        )
    refused(world.cedar.client.get(path), 500, "log-inconsistent")


def test_history_cannot_be_rewritten_without_disabling_the_guard(world: World) -> None:
    with psycopg.connect(world.admin()) as connection:
        for statement in (
            "UPDATE events SET entry = ''",
            "DELETE FROM events",
            "TRUNCATE events CASCADE",
            "UPDATE feed SET position = position + 1",
            "DELETE FROM feed",
        ):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                with connection.transaction():
                    connection.execute(statement)
