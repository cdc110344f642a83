"""Going on in another registry: an explicit, logged act, refused where history does not fit."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from anchoring.ethproof import parse_anchor, verify_anchor
from anchoring.merkle_proof import prove_consistency
from anchoring.registry import encode_append
from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader
from anchoring.verifier import confirm_evidence
from backend.audit.errors import RegistryAhead, RegistryUnsuitable
from backend.audit.journal import read_state
from backend.audit.proofs import trust_in
from backend.audit.registrar import Successor, replace_registry
from backend.eventstore.store import Caller
from backend.kernel.errors import ChainMismatch, Conflict, DomainError, ErrorCode, NodeUnavailable
from tests.audit.anchors import (
    anchored_sizes,
    deploy_registry,
    events,
    finish,
    goes_on,
    grow,
    log_size,
    request,
    story,
)
from tests.integration.blueprint import CHAIN_ID, ORIGIN
from tests.integration.world import Chain, World

pytestmark = [pytest.mark.db, pytest.mark.chain]
OPERATOR = Caller("process:operator")


@pytest.fixture
def anchored(fresh_world: World) -> World:
    fresh_world.anchor()
    grow(fresh_world, 2)
    return fresh_world


def writer(world: World) -> str:
    return world.anchorer()._chain.sender


def adopt(world: World, registry: str, url: str | None = None, **changes: object):
    successor = Successor(CHAIN_ID, registry, None, "The chain was started anew.")
    return replace_registry(
        world.core.store,
        HttpRpc(url or world.chain.url),
        DirectoryStore(world.home.log),
        ORIGIN,
        writer(world),
        msgspec.structs.replace(successor, **changes),
        OPERATOR,
    )


def test_after_a_reset_the_log_is_anchored_anew_and_old_evidence_stays(
    anchored: World, tmp_path: Path
) -> None:
    world = anchored
    old = world.core.adopted()
    (old_file,) = sorted(world.home.anchors.glob("*.anchor"))
    world.chain.stop()
    world.chain = Chain(tmp_path).start()
    stale = world.anchorer()
    request(world)
    with pytest.raises(DomainError) as caught:
        stale.step()
    assert caught.value.code is ErrorCode.CHAIN_REWOUND
    goes_on(world)

    registry = deploy_registry(world, ORIGIN, writer(world))
    before = log_size(world)
    event = adopt(world, registry)
    assert (event.old_registry, event.old_final_size) == (old.registry, old.final_size)
    assert (event.size, event.covered_size) == (0, old.final_size)
    assert story(world)[-2:] == ["registry.replaced", "anchor.requested"]
    world.sequence()
    (said,) = events(world, "registry.replaced")
    assert said["reason"] == "The chain was started anew."
    with pytest.raises(DomainError, match="start this process again"):
        stale.step()

    world.chain.node.call("anvil_setBalance", writer(world), hex(10**20))
    finish(world, world.anchorer())
    assert anchored_sizes(world, registry) == [before]
    rows = world.rows("SELECT size, chain_id, registry, state FROM anchors ORDER BY size")
    assert [(row["size"], row["registry"]) for row in rows] == [
        (old.final_size, old.registry),
        (before, registry),
    ]
    assert {row["state"] for row in rows} == {"FINAL"}

    evidence = parse_anchor(old_file.read_bytes())
    trust = trust_in(world.core.database, old.chain_id, old.registry)
    state = verify_anchor(evidence)
    assert confirm_evidence(evidence, state.code_hash, trust, None) == "the trust file"
    new_trust = trust_in(world.core.database, CHAIN_ID, registry)
    assert set(new_trust.blocks.values()).isdisjoint(trust.blocks.values())
    (new_file,) = set(world.home.anchors.glob("*.anchor")) - {old_file}
    new_evidence = parse_anchor(new_file.read_bytes())
    assert confirm_evidence(new_evidence, verify_anchor(new_evidence).code_hash, new_trust, None)
    world.sequence()
    assert world.replay().equal


def test_an_anchor_under_way_is_left_behind(fresh_world: World, tmp_path: Path) -> None:
    world = fresh_world
    size = request(world)
    world.chain.node.call("evm_setAutomine", False)
    assert world.anchorer().step() == f"submitted {size}"
    world.chain.stop()
    world.chain = Chain(tmp_path).start()
    registry = deploy_registry(world, ORIGIN, writer(world))
    adopt(world, registry)
    state = read_state(world.core.store)
    assert state is not None
    assert state.pending is None
    assert world.rows("SELECT size FROM anchors") == []
    world.chain.node.call("anvil_setBalance", writer(world), hex(10**20))
    finish(world, world.anchorer())
    assert anchored_sizes(world, registry) != []
    assert world.replay().equal


def append_by_hand(
    world: World, registry: str, size: int, root: bytes, proof: Sequence[bytes] = ()
) -> None:
    node, sender = world.chain.node, writer(world)
    node.call("anvil_impersonateAccount", sender)
    data = "0x" + encode_append(size, root, proof).hex()
    node.call("eth_sendTransaction", {"from": sender, "to": registry, "data": data})
    node.mine()
    assert anchored_sizes(world, registry)[-1] == size
    node.call("anvil_stopImpersonatingAccount", sender)


def root_of(world: World, size: int) -> bytes:
    (row,) = world.rows("SELECT root FROM checkpoints WHERE size = %s", size)
    return bytes(row["root"])


def test_a_registry_that_holds_an_earlier_head_of_this_log_is_extended(anchored: World) -> None:
    world = anchored
    registry = deploy_registry(world, ORIGIN, writer(world))
    known = world.core.adopted().final_size
    append_by_hand(world, registry, known, root_of(world, known))
    event = adopt(world, registry)
    assert event.size == known
    finish(world, world.anchorer())
    assert anchored_sizes(world, registry)[0] == known
    assert len(anchored_sizes(world, registry)) == 2


def test_a_head_that_nobody_here_sent_stops_the_anchorer_before_it_pays(anchored: World) -> None:
    world = anchored
    larger = log_size(world)
    known = world.core.adopted().final_size
    proof = prove_consistency(known, larger, TileReader(DirectoryStore(world.home.log), larger))
    append_by_hand(world, world.core.adopted().registry, larger, root_of(world, larger), proof)
    grow(world, 1)
    request(world)
    anchorer = world.anchorer()
    anchorer.check()
    with world.nothing_written(), pytest.raises(RegistryAhead):
        anchorer.step()
    goes_on(world)


REFUSALS = ("origin", "writer", "history", "future", "nothing", "chain", "same")


@pytest.mark.parametrize("wrong", REFUSALS)
def test_a_registry_that_does_not_fit_is_refused_and_nothing_is_written(
    anchored: World, wrong: str
) -> None:
    world = anchored
    origin = "another.example/log" if wrong == "origin" else ORIGIN
    who = "0x" + "55" * 20 if wrong == "writer" else writer(world)
    registry = deploy_registry(world, origin, who)
    changes: dict[str, object] = {}
    expected: type[DomainError] = RegistryUnsuitable
    if wrong == "history":
        append_by_hand(world, registry, 3, b"\x11" * 32)
    if wrong == "future":
        append_by_hand(world, registry, log_size(world) + 5, b"\x22" * 32)
    if wrong == "nothing":
        registry = "0x" + "66" * 20
    if wrong == "chain":
        changes, expected = {"chain_id": 1}, ChainMismatch
    if wrong == "same":
        registry, expected = world.core.adopted().registry, Conflict
    with world.nothing_written(), pytest.raises(expected):
        adopt(world, registry, **changes)
    assert world.core.adopted().registry != registry or wrong == "same"


def test_without_a_node_nothing_is_adopted(anchored: World) -> None:
    with anchored.nothing_written(), pytest.raises(NodeUnavailable):
        adopt(anchored, "0x" + "66" * 20, url="http://127.0.0.1:9")


def test_the_control_such_a_registry_is_adopted(anchored: World) -> None:
    registry = deploy_registry(anchored, ORIGIN, writer(anchored))
    adopt(anchored, registry)
    assert anchored.core.adopted().registry == registry
    old, size = 1, log_size(anchored)
    assert prove_consistency(old, size, TileReader(DirectoryStore(anchored.home.log), size))
