"""``tally keys`` and ``tally registry`` as an operator types them, on a running platform."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from backend.cli import application
from tests.audit.anchors import a_day_passes, deploy_registry, events, finish, goes_on, grow
from tests.integration.blueprint import CHAIN_ID, ORIGIN
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


@pytest.fixture
def world(fresh_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("TALLYSTICK_HOME", str(fresh_world.home.root))
    monkeypatch.setenv("DATABASE_URL", fresh_world.conninfo)
    monkeypatch.setenv("CHAIN_RPC_URL", fresh_world.chain.url)
    monkeypatch.setenv("TALLYSTICK_LOG_ORIGIN", ORIGIN)
    return fresh_world


def run(*words: str, exit_code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(application(), [*words, "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def test_rotate_list_show_and_retire(world: World) -> None:
    old = world.home.event_signer("worker").key_id
    made = run("keys", "rotate", "worker")
    world.sequence()
    assert world.home.event_signer("worker").key_id == made["key_id"] != old
    rows = {each["id"]: each for each in run("keys", "list")["keys"]}
    assert rows[made["key_id"]]["file"] == "event-worker.key"
    assert rows[old]["file"] is None
    assert {each["kind"] for each in rows.values()} == {"event", "chain"}
    assert run("keys", "show", old)["last"] is None
    refused = run("keys", "retire", made["key_id"], exit_code=1)
    assert refused["error"]["code"] == "conflict"
    a_day_passes(world)
    assert run("keys", "retire", old)["last"] >= 0
    world.sequence()
    assert run("keys", "show", old)["last"] is not None
    assert events(world, "event_key.retired")[0]["key_id"] == old
    run("keys", "show", "nothing", exit_code=1)
    run("keys", "rotate", "nobody", exit_code=1)
    goes_on(world)


def test_rotate_log_and_retire_the_old_one(world: World) -> None:
    first = str(world.home.log_signer(ORIGIN).vkey)
    second = run("keys", "rotate-log")["vkey"]
    grow(world, 1)
    grow(world, 1)
    assert world.http.get("/log/policy").text.count("log ") == 2
    assert run("keys", "retire", first)["last"] > 0
    grow(world, 1)
    grow(world, 1)
    names = {each["public"]: each for each in run("keys", "list")["keys"] if each["kind"] == "log"}
    assert names[first]["last"] is not None
    assert names[second]["last"] is None
    assert run("keys", "retire", second, exit_code=1)["error"]["code"] == "conflict"


def test_the_registry_is_shown_and_replaced(world: World) -> None:
    world.anchor()
    before = run("registry", "show")
    assert before["registry"] == world.core.adopted().registry
    registry = deploy_registry(world, ORIGIN, world.anchorer()._chain.sender)
    stranger = deploy_registry(world, "another.example/log", world.anchorer()._chain.sender)
    why = ("--chain-id", str(CHAIN_ID), "--reason", "A new writer.")
    refused = run("registry", "adopt", stranger, *why, exit_code=1)
    assert refused["error"]["code"] == "conflict"
    run("registry", "adopt", "0x12", *why, exit_code=1)
    run("registry", "adopt", registry, "--chain-id", str(CHAIN_ID), "--reason", " ", exit_code=1)
    done = run("registry", "adopt", registry, *why)
    assert (done["old_registry"], done["reason"]) == (before["registry"], "A new writer.")
    assert run("registry", "show")["registry"].lower() == registry.lower()
    goes_on(world)


def test_a_proof_names_the_registry_it_is_anchored_in(world: World, tmp_path: Path) -> None:
    world.anchor()
    old = world.core.adopted().registry
    (first,) = world.rows("SELECT event_id FROM feed WHERE position = 0")
    registry = deploy_registry(world, ORIGIN, world.anchorer()._chain.sender)
    run("registry", "adopt", registry, "--chain-id", str(CHAIN_ID), "--reason", "Another one.")
    finish(world, world.anchorer())
    (later,) = world.rows("SELECT event_id FROM feed WHERE type = 'registry.replaced'")
    grow(world, 1)
    world.anchor()
    for row, named in ((first, old), (later, registry)):
        folder = tmp_path / named
        made = run("prove", str(row["event_id"]), "--out", str(folder))
        assert made["anchored"]
        assert f"registry {named.lower()}\n" in (folder / "trust").read_text()
        checked = CliRunner().invoke(application(), ["verify", made["proof"]])
        assert checked.exit_code == 0, checked.output
