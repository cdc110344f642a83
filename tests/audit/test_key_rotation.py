"""Keys change while the platform runs: every proof verifies before, during and after."""

from base64 import b64decode
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from anchoring.bundle import Bundle
from anchoring.checkpoint import parse_checkpoint
from anchoring.envelope import parse_entry
from anchoring.ethproof import parse_anchor
from anchoring.keys import parse_event_keys
from anchoring.note import parse_vkey
from anchoring.policy import parse_policy
from anchoring.report import Status
from anchoring.verifier import TrustInputs, verify_bundle
from backend.audit.errors import KeyInUse
from backend.audit.keyring import (
    announce_key,
    announce_log_key,
    read_ring,
    retire_event_key,
    retire_log_key,
)
from backend.audit.proofs import trust_in
from backend.audit.usage import refuse_if_used
from backend.eventstore.store import Caller
from backend.kernel.errors import NotFound
from backend.platform.commands.keys import retire_unused
from backend.platform.processes.sequencer import SequencerProcess
from tests.audit.anchors import events, grow
from tests.integration.blueprint import ORIGIN
from tests.integration.parties import ok
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]
OPERATOR = Caller("process:operator")
NEVER = timedelta(0)


def newest_event(world: World) -> str:
    (row,) = world.rows("SELECT event_id FROM feed ORDER BY position DESC LIMIT 1")
    return str(row["event_id"])


def signer_of(world: World, event_id: str) -> str:
    (row,) = world.rows("SELECT entry FROM events WHERE event_id = %s", event_id)
    return parse_entry(bytes(row["entry"])).envelope.key_id


def inputs(world: World) -> TrustInputs:
    """Policy, keys and trust as the log publishes them now."""
    adopted = world.core.adopted()
    return TrustInputs(
        parse_policy((world.home.log / "policy.txt").read_bytes()),
        (world.home.log / "keys").read_bytes(),
        trust_in(world.core.database, adopted.chain_id, adopted.registry),
    )


def failures(world: World, event_id: str, given: TrustInputs | None = None) -> dict[str, Status]:
    """The sub-verdicts that are not ``ok``, of a proof made now."""
    proof = ok(world.auditor.get(f"/events/{event_id}/proof"))
    parts = [proof[name] for name in ("event", "tlog_proof", "anchor")]
    bundle = Bundle(*(None if part is None else b64decode(part) for part in parts))
    report = verify_bundle(bundle, given or inputs(world))
    return {each.check: each.status for each in report.verdicts if each.status is not Status.OK}


def rotate_api(world: World) -> tuple[str, str]:
    """A new key for the running API process, which has not looked yet; (old, new) ids."""
    world.core.store._current.__self__._look_at = float("inf")  # type: ignore[attr-defined]
    old = world.home.event_signer("api").key_id
    new = world.home.replace_event_key(
        "api", lambda signer: announce_key(world.worker_core.store, signer, "api@test")
    )
    return old, new


def use_new_key(world: World) -> None:
    """Let the pause between two looks at the key file be over."""
    world.core.store._current.__self__._look_at = 0.0  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------ event keys


def test_a_running_process_takes_its_new_key_and_every_proof_holds(fresh_world: World) -> None:
    world = fresh_world
    grow(world, 1)
    before = newest_event(world)
    old, new = rotate_api(world)
    grow(world, 1)
    during = newest_event(world)
    assert signer_of(world, during) == old, "it looks at the file once a second, not at each event"
    use_new_key(world)
    grow(world, 1)
    after = newest_event(world)
    assert (signer_of(world, before), signer_of(world, after)) == (old, new)
    world.anchor()
    for each in (before, during, after):
        assert failures(world, each) == {}
    keys, _ = parse_event_keys((world.home.log / "keys").read_bytes())
    announced = {key.key_id: key for key in keys.keys}
    assert announced[old].last is None
    assert announced[new].last is None
    assert world.replay().equal


def test_a_used_key_is_not_retired_and_an_unused_one_is(fresh_world: World) -> None:
    world = fresh_world
    held = world.home.event_signer("api").key_id
    with world.nothing_written(), pytest.raises(KeyInUse, match="key file"):
        retire_unused(world.worker_core, held, NEVER, OPERATOR)
    old, new = rotate_api(world)
    grow(world, 1)
    with world.nothing_written(), pytest.raises(KeyInUse, match="signed entry"):
        retire_unused(world.worker_core, old, timedelta(seconds=60), OPERATOR)
    use_new_key(world)
    grow(world, 1)
    mine = newest_event(world)
    (position,) = [
        row["position"] for row in world.rows("SELECT position FROM feed WHERE event_id = %s", mine)
    ]
    last = retire_unused(world.worker_core, old, NEVER, OPERATOR)
    assert last == position
    world.sequence()
    keys, _ = parse_event_keys((world.home.log / "keys").read_bytes())
    by_id = {key.key_id: key for key in keys.keys}
    assert (by_id[old].last, by_id[new].last) == (last, None)
    world.anchor()
    signed = "SELECT event_id FROM feed WHERE position <= %s ORDER BY position DESC LIMIT 8"
    for row in world.rows(signed, position + 1):
        assert failures(world, str(row["event_id"])) == {}
    assert events(world, "event_key.retired") == [{"key_id": old, "last_position": last}]
    with pytest.raises(KeyInUse, match="retired before"):
        retire_event_key(world.worker_core.store, OPERATOR, old)
    with pytest.raises(NotFound):
        retire_event_key(world.worker_core.store, OPERATOR, "0" * 32)
    assert world.replay().equal


def test_a_key_is_not_retired_before_its_process_can_have_the_new_one(fresh_world: World) -> None:
    """A process that was idle signs with the key it has in memory until it looks at the file."""
    world = fresh_world
    store, minute = world.worker_core.store, timedelta(seconds=60)
    old = world.home.event_signer("idle")
    announce_key(store, old, "idle")
    world.sequence()
    world.home.replace_event_key("idle", lambda signer: announce_key(store, signer, "idle"))
    with world.nothing_written(), pytest.raises(KeyInUse, match="announced"):
        retire_unused(world.worker_core, old.key_id, minute, OPERATOR)
    world.sequence()
    with world.nothing_written(), pytest.raises(KeyInUse, match="announced"):
        retire_unused(world.worker_core, old.key_id, minute, OPERATOR)
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE feed SET sequenced_at = sequenced_at - interval '1 day'")
    assert retire_unused(world.worker_core, old.key_id, minute, OPERATOR) > 0


def test_an_event_that_waits_for_its_place_keeps_its_key(fresh_world: World) -> None:
    world = fresh_world
    old, _ = rotate_api(world)
    world.sequence()
    request = {"name": "Waits", "base_currency": "USD"}
    assert world.cedar.client.post("/portfolios", request).status_code == 201
    with pytest.raises(KeyInUse, match="waits for its place"):
        refuse_if_used(world.core.database, old, (), NEVER)
    world.sequence()
    refuse_if_used(world.core.database, old, (), NEVER)


def test_an_event_signed_by_a_retired_key_is_refused_by_verifiers(fresh_world: World) -> None:
    """The control: what ``last`` in the keys file is for."""
    world = fresh_world
    old, _ = rotate_api(world)
    world.sequence()
    retire_event_key(world.worker_core.store, OPERATOR, old)
    world.sequence()
    grow(world, 1)
    late = newest_event(world)
    assert signer_of(world, late) == old
    assert failures(world, late)["signature"] is Status.FAILED


def test_an_announcement_that_fails_leaves_the_old_key(fresh_world: World) -> None:
    home = fresh_world.home
    key = home.event_signer("api").key_id

    def fail(_signer) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        home.replace_event_key("api", fail)
    assert home.event_signer("api").key_id == key
    assert not [path.name for path in home.keys.iterdir() if path.name.startswith(".")]


# ------------------------------------------------------------------------------ the log's keys


def announce_first(world: World) -> str:
    vkey = str(world.home.log_signer(ORIGIN).vkey)
    announce_log_key(world.worker_core.store, OPERATOR, vkey)
    world.sequence()
    return vkey


def signers(world: World) -> list[str]:
    """The key ids on the published checkpoint, in order."""
    data = (world.home.log / "checkpoint").read_bytes()
    return [line.key_id.hex() for line in parse_checkpoint(data)[1].signatures]


def short(vkey: str) -> str:
    return parse_vkey(vkey).key_id.hex()


def test_the_log_is_signed_by_both_keys_for_a_while_and_every_proof_holds(
    fresh_world: World,
) -> None:
    world = fresh_world
    store = world.worker_core.store
    first = announce_first(world)
    early = newest_event(world)
    world.anchor()
    old_inputs = inputs(world)
    with world.nothing_written(), pytest.raises(KeyInUse, match="No other"):
        retire_log_key(store, OPERATOR, first)

    second = str(world.home.new_log_key(ORIGIN).vkey)
    grow(world, 1)
    assert signers(world) == [short(first)], "a key that was not announced signs nothing"
    announce_log_key(store, OPERATOR, second)
    with pytest.raises(KeyInUse, match="No other"):
        retire_log_key(store, OPERATOR, first)
    grow(world, 1)
    grow(world, 1)
    assert set(signers(world)) == {short(first), short(second)}
    middle = newest_event(world)
    assert failures(world, early) == {}
    assert "checkpoint" not in failures(world, middle)
    world.anchor()
    assert failures(world, middle) == {}

    size = retire_log_key(store, OPERATOR, first)
    grow(world, 1)
    grow(world, 1)
    assert signers(world) == [short(second)]
    late = newest_event(world)
    world.anchor()
    for each in (early, middle, late):
        assert failures(world, each) == {}
    assert failures(world, early, old_inputs) == {}, "who kept the old policy still verifies"
    assert failures(world, late, old_inputs)["checkpoint"] is Status.FAILED
    listed = [str(key) for key in inputs(world).policy.logs]
    assert set(listed) == {first, second}
    assert events(world, "log_key.retired") == [{"vkey": first, "last_size": size}]
    with pytest.raises(KeyInUse):
        retire_log_key(store, OPERATOR, second)
    assert world.replay().equal


def test_a_sequencer_that_starts_in_the_middle_signs_with_the_same_keys(
    fresh_world: World,
) -> None:
    world = fresh_world
    first = announce_first(world)
    second = str(world.home.new_log_key(ORIGIN).vkey)
    announce_log_key(world.worker_core.store, OPERATOR, second)
    world.sequencer.release()
    world.sequencer = SequencerProcess(world.core.database, world.home, ORIGIN)
    grow(world, 1)
    grow(world, 1)
    assert set(signers(world)) == {short(first), short(second)}


def test_a_post_quantum_signature_can_be_added_and_given_up_again(fresh_world: World) -> None:
    world = fresh_world
    store = world.worker_core.store
    first = announce_first(world)
    world.anchor()
    early = newest_event(world)
    grow(world, 1)
    pq = str(world.home.post_quantum_signer(ORIGIN).vkey)
    announce_log_key(store, OPERATOR, pq)
    grow(world, 1)
    grow(world, 1)
    assert set(signers(world)) == {short(first), short(pq)}
    world.anchor()
    middle = newest_event(world)
    grow(world, 1)
    (oldest,) = world.rows("SELECT event_id FROM feed WHERE position = 0")
    for each in (str(oldest["event_id"]), early):
        assert failures(world, each) == {}, "kept checkpoints have both lines by now"
    world.anchor()
    assert failures(world, middle) == {}
    assert {key.algorithm for key in inputs(world).policy.logs} == {1, 6}
    (row,) = world.rows("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    assert len(parse_checkpoint(bytes(row["note"]))[1].signatures) == 2

    retire_log_key(store, OPERATOR, pq)
    grow(world, 1)
    grow(world, 1)
    assert signers(world) == [short(first)]
    assert [str(key) for key in inputs(world).policy.logs] == [first]
    for each in (str(oldest["event_id"]), early, middle):
        assert failures(world, each) == {}
    assert world.replay().equal


def test_the_ring_knows_every_key(fresh_world: World) -> None:
    world = fresh_world
    first = announce_first(world)
    ring = read_ring(world.core.store, OPERATOR)
    assert ring.log[first].last is None
    assert world.home.event_signer("api").key_id in ring.events
    assert not announce_log_key(world.core.store, OPERATOR, first), "once is enough"


def test_the_anchor_evidence_is_untouched_by_all_that(fresh_world: World) -> None:
    world = fresh_world
    world.anchor()
    files = {path: path.read_bytes() for path in Path(world.home.anchors).glob("*.anchor")}
    announce_first(world)
    announce_log_key(
        world.worker_core.store, OPERATOR, str(world.home.post_quantum_signer(ORIGIN).vkey)
    )
    grow(world, 2)
    assert {path: path.read_bytes() for path in files} == files
    assert all(parse_anchor(data).size for data in files.values())
    with psycopg.connect(world.admin()) as admin:
        count = admin.execute("SELECT count(*) FROM log_keys").fetchone()
    assert count == (2,)
