"""The anchorer against a real chain: when it acts, what it does when the chain misbehaves."""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from anchoring.errors import RpcError
from anchoring.ethproof import parse_anchor, verify_anchor
from anchoring.registry import RegistryHead, read_anchored, read_head
from anchoring.rpc import HttpRpc
from backend.audit.anchorer import adopt, read_state
from backend.audit.errors import AnchorStateInvalid, ChainRewound
from backend.audit.events import RegistryAdopted
from backend.eventstore.errors import ConcurrencyConflict, LeaseLost
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.kernel.errors import Conflict, DomainError, ErrorCode
from backend.platform.anvil import Anvil, ChainOptions
from backend.portfolio.service import PORTFOLIO, PortfolioService
from tests.integration.blueprint import CHAIN_ID, GENESIS, copy_home
from tests.integration.parties import ok
from tests.integration.world import Chain, World

pytestmark = [pytest.mark.db, pytest.mark.chain]

DEAD = "http://127.0.0.1:9"


def head(world: World) -> RegistryHead:
    registry = bytes.fromhex(world.core.adopted().registry[2:])
    return read_head(HttpRpc(world.chain.url), registry)


def anchored_sizes(world: World) -> list[int]:
    registry = bytes.fromhex(world.core.adopted().registry[2:])
    return [each.size for each in read_anchored(HttpRpc(world.chain.url), registry, 0)]


def request(world: World) -> int:
    world.sequence()
    return int(ok(world.operator.post("/anchors", {}))["size"])


def story(world: World) -> list[str]:
    """The types of the anchoring stream, in order."""
    rows = world.rows(
        "SELECT type FROM events WHERE stream_id = 'anchoring-log' ORDER BY stream_version"
    )
    return [row["type"] for row in rows]


def finish(world: World, anchorer: Any, steps: int = 12) -> list[str]:
    """Step, with a block between two steps, until nothing is left to do."""
    done = []
    for _ in range(steps):
        done.append(anchorer.step())
        if done[-1] == "nothing to anchor":
            return done
        world.chain.node.mine()
        world.sequence()
    raise AssertionError(done)


def grow(world: World, count: int) -> int:
    """Append ``count`` events that are nothing to do with anchors; returns the log's size."""
    service = PortfolioService(None, None)  # type: ignore[arg-type] - neither is asked here
    with world.core.store.transaction(Scope.app(world.cedar.participant_id), Caller("t")) as uow:
        for _ in range(count):
            service.open_portfolio(uow, name="Filler", base_currency="USD")
        assert PORTFOLIO.category == "portfolio"
    world.sequence()
    return int(ok(world.nobody.get("/log"))["size"])


# ------------------------------------------------------------------------------ when it acts


def test_a_young_short_log_is_not_anchored(fresh_world: World) -> None:
    assert fresh_world.anchorer().step() == "nothing to anchor"
    assert anchored_sizes(fresh_world) == []


def test_a_request_anchors_exactly_its_size(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    assert size % 256 != 0
    assert ok(world.operator.post("/anchors", {}))["size"] >= size
    done = finish(world, world.anchorer())
    assert done[0].startswith("submitted")
    assert done[-2].startswith("final")
    assert anchored_sizes(world)[0] >= size
    assert anchored_sizes(world)[0] % 256 != 0


def test_asking_for_what_is_covered_records_nothing(fresh_world: World) -> None:
    world = fresh_world
    world.anchor()
    before = story(world)
    requested = before.count("anchor.requested")
    grow(world, 1)
    request(world)
    with world.nothing_written():
        ok(world.operator.post("/anchors", {}))
    assert story(world).count("anchor.requested") == requested + 1


def test_the_largest_multiple_of_256_is_taken_by_itself_and_anchors_start_nothing(
    fresh_world: World,
) -> None:
    world = fresh_world
    size = grow(world, 530)
    assert 512 <= size < 768
    anchorer = world.anchorer()
    finish(world, anchorer)
    assert anchored_sizes(world) == [512]
    late = world.anchorer(max_age=timedelta(0))
    finish(world, late)
    sizes = anchored_sizes(world)
    assert len(sizes) == 2
    assert sizes[1] >= size
    rest = world.rows("SELECT type FROM feed WHERE position >= %s", sizes[1])
    assert rest != []
    assert {row["type"].split(".")[0] for row in rest} == {"anchor"}
    assert late.step() == "nothing to anchor"
    grow(world, 1)
    assert late.step().startswith("submitted"), "the control: any other event does"


def test_an_event_becomes_too_old(fresh_world: World) -> None:
    world = fresh_world
    size = int(ok(world.nobody.get("/log"))["size"])
    assert world.anchorer(max_age=timedelta(hours=1)).step() == "nothing to anchor"
    assert world.anchorer(max_age=timedelta(0)).step() == f"submitted {size}"


# ------------------------------------------------------------------------------ what it leaves


def test_a_final_anchor_has_evidence_that_holds_by_itself(fresh_world: World) -> None:
    world = fresh_world
    anchor = world.anchor()
    files = sorted(world.home.anchors.glob("*.anchor"))
    assert len(files) == 1
    data = files[0].read_bytes()
    finalised = [
        each
        for each in world.auditor.pages("/events", limit=200)
        if each["type"] == "anchor.finalised"
    ]
    assert [each["payload"]["evidence_sha256"] for each in finalised] == [
        hashlib.sha256(data).hexdigest()
    ]
    evidence = parse_anchor(data)
    assert (evidence.size, evidence.root.hex()) == (anchor["size"], anchor["root"])
    verify_anchor(evidence)
    block = world.chain.node.call("eth_getBlockByNumber", hex(evidence.block_number), False)
    assert block["hash"] == "0x" + evidence.block_hash.hex()
    assert [path.name for path in world.home.anchors.iterdir() if "~" in path.name] == []


def test_each_step_is_safe_to_repeat(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    world.chain.node.call("evm_setAutomine", False)
    anchorer = world.anchorer()
    assert anchorer.step().startswith("submitted")
    for _ in range(3):
        assert anchorer.step().startswith("waiting for")
        assert world.anchorer().step().startswith("waiting for")
    world.chain.node.call("evm_setAutomine", True)
    world.chain.node.mine()
    finish(world, world.anchorer())
    assert anchored_sizes(world) == [size]
    assert story(world).count("anchor.submitted") == 1


# ------------------------------------------------------------------------------ reorganisation


def test_an_included_anchor_whose_block_leaves_the_chain_is_sent_again(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    anchorer = world.anchorer()
    assert anchorer.step() == f"submitted {size}"
    assert anchorer.step() == f"included {size}"
    world.chain.node.call("anvil_rollback", 1)
    world.chain.node.mine()
    assert anchored_sizes(world) == []
    assert anchorer.step() == f"reorganised {size}"
    assert ok(world.nobody.get("/anchors"))["items"][0]["state"] == "SUBMITTED"
    finish(world, anchorer)
    assert anchored_sizes(world) == [size]
    assert [each.removeprefix("anchor.") for each in story(world)[2:]] == [
        "submitted", "included", "reorged", "included", "finalised",
    ]  # fmt: skip
    world.sequence()
    assert world.replay().equal


def test_a_block_of_the_same_height_is_not_taken_for_the_same_block(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    anchorer = world.anchorer()
    anchorer.step()
    anchorer.step()
    state = read_state(world.anchorer_core.store)
    assert state is not None
    assert state.pending is not None
    number = state.pending.block_number
    world.chain.node.call("anvil_rollback", 1)
    world.chain.node.mine(4)
    block = world.chain.node.call("eth_getBlockByNumber", hex(number or 0), False)
    assert block["hash"] != state.pending.block_hash
    assert anchorer.step() == f"reorganised {size}", "height alone would be called final"


# ------------------------------------------------------------------------------ replacement


def test_a_transaction_that_waits_is_replaced_at_the_same_nonce_for_more(
    fresh_world: World,
) -> None:
    world = fresh_world
    size = request(world)
    world.chain.node.call("evm_setAutomine", False)
    anchorer = world.anchorer(bump_after=timedelta(0))
    assert anchorer.step() == f"submitted {size}"
    assert anchorer.step() == f"replaced {size}"
    assert anchorer.step() == f"replaced {size}"
    state = read_state(world.anchorer_core.store)
    assert state is not None
    assert state.pending is not None
    assert len(set(state.pending.hashes)) == 3
    fees = [
        int(each["payload"]["max_priority_fee_per_gas"])
        for each in _sequenced(world)
        if each["type"] in ("anchor.submitted", "anchor.replaced")
    ]
    assert all(later * 8 >= earlier * 9 for earlier, later in itertools.pairwise(fees))
    pool = world.chain.node.call("txpool_content")["pending"]
    assert [len(each) for each in pool.values()] == [1], "one transaction, not three"
    world.chain.node.call("evm_setAutomine", True)
    world.chain.node.mine()
    finish(world, anchorer)
    assert anchored_sizes(world) == [size]
    (row,) = ok(world.nobody.get("/anchors"))["items"]
    assert row["transaction_hash"] == state.pending.hashes[-1]


def _sequenced(world: World) -> list[dict[str, Any]]:
    world.sequence()
    return world.auditor.pages("/events", limit=200)


def test_a_transaction_of_the_first_version_counts_too(fresh_world: World) -> None:
    """The replaced one was mined before the replacement arrived: its log is what counts."""
    world = fresh_world
    size = request(world)
    first = world.anchorer()
    assert first.step() == f"submitted {size}"
    late = world.anchorer(
        rpc=_Blind(HttpRpc(world.chain.url), "eth_getLogs"), bump_after=timedelta(0)
    )
    with pytest.raises(DomainError) as caught:
        late.step()
    assert caught.value.code is ErrorCode.NODE_UNAVAILABLE
    finish(world, first)
    assert anchored_sizes(world) == [size]


# ------------------------------------------------------------------------------ the lease


def test_an_anchorer_that_lost_its_lease_records_nothing(fresh_world: World) -> None:
    world = fresh_world
    request(world)
    slow = world.lease("anchorer", "slow", seconds=0.01)
    assert slow.acquire()
    anchorer = world.anchorer(lease=slow)
    quick = world.lease("anchorer", "quick")
    while not quick.acquire():
        continue
    with world.nothing_written(), pytest.raises(LeaseLost):
        anchorer.step()
    assert anchored_sizes(world) == []
    assert world.anchorer(lease=quick).step().startswith("submitted")


def test_two_anchorers_without_a_lease_still_submit_once(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    first, second = world.anchorer(), world.anchorer()
    state = second._state()
    assert state is not None
    assert first.step() == f"submitted {size}"
    with world.nothing_written(), pytest.raises((AnchorStateInvalid, ConcurrencyConflict)):
        second._begin(state)
    finish(world, first)
    assert anchored_sizes(world) == [size]


# ------------------------------------------------------------------------------ the node


class _Blind:
    """A network that loses the answers to one method, once asked to."""

    def __init__(self, rpc: HttpRpc, method: str) -> None:
        self._rpc = rpc
        self._method = method

    def __call__(self, method: str, params: Sequence[object], /) -> object:
        if method == self._method:
            raise RpcError(f"{method}: the connection was cut")
        return self._rpc(method, params)


def test_an_unreachable_node_is_a_typed_error_and_records_nothing(fresh_world: World) -> None:
    world = fresh_world
    request(world)
    away = world.anchorer(DEAD)
    with world.nothing_written():
        for act in (away.check, away.step):
            with pytest.raises(DomainError) as caught:
                act()
            assert caught.value.code is ErrorCode.NODE_UNAVAILABLE
            assert caught.value.retryable


def test_a_kill_between_record_and_broadcast_loses_nothing(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    cut = world.anchorer(rpc=_Blind(HttpRpc(world.chain.url), "eth_sendRawTransaction"))
    with pytest.raises(DomainError):
        cut.step()
    assert story(world)[-1] == "anchor.submitted"
    assert anchored_sizes(world) == []
    finish(world, world.anchorer())
    assert anchored_sizes(world) == [size]
    assert story(world).count("anchor.submitted") == 1


def test_a_node_that_goes_and_comes_back_in_the_middle(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    world.chain.node.call("evm_setAutomine", False)
    anchorer = world.anchorer()
    assert anchorer.step() == f"submitted {size}"
    world.chain.stop()
    for _ in range(2):
        with pytest.raises(DomainError) as caught:
            anchorer.step()
        assert caught.value.code is ErrorCode.NODE_UNAVAILABLE
    world.chain.start()
    finish(world, anchorer)
    assert anchored_sizes(world) == [size]
    assert head(world).size == size


# ------------------------------------------------------------------------------ another chain


@contextmanager
def replaced_by(world: World, chain: Chain) -> Iterator[None]:
    """Another chain takes the place of the world's."""
    world.chain.stop()
    old, world.chain = world.chain, chain
    try:
        yield
    finally:
        chain.stop()
        world.chain = old


@pytest.fixture
def anchored_world(fresh_world: World) -> World:
    fresh_world.anchor()
    grow(fresh_world, 2)
    return fresh_world


def must_stop(world: World, code: ErrorCode) -> None:
    """check and step raise ``code``, not retryable, and nothing is recorded or sent."""
    request(world)
    anchorer = world.anchorer()
    with world.nothing_written():
        for act in (anchorer.check, anchorer.step):
            with pytest.raises(DomainError) as caught:
                act()
            assert caught.value.code is code, caught.value
            assert not caught.value.retryable


def test_a_registry_that_is_behind_stops_the_anchorer(
    anchored_world: World, tmp_path: Path
) -> None:
    world = anchored_world
    chain = Chain(copy_home(world.plan.home, tmp_path / "home")).start()
    with replaced_by(world, chain):
        assert head(world).size == 0
        must_stop(world, ErrorCode.CHAIN_REWOUND)
        assert head(world).size == 0
        sender = world.anchorer()._chain.sender
        assert chain.node.call("eth_getTransactionCount", sender, "pending") == "0x0"
    world.chain.start()
    world.anchorer().check()


def test_a_new_chain_without_the_registry_stops_the_anchorer(
    anchored_world: World, tmp_path: Path
) -> None:
    world = anchored_world
    with replaced_by(world, Chain(tmp_path).start()):
        must_stop(world, ErrorCode.CHAIN_REWOUND)


def test_a_chain_of_another_id_stops_the_anchorer(anchored_world: World, tmp_path: Path) -> None:
    world = anchored_world
    request(world)
    options = ChainOptions(CHAIN_ID + 1, timestamp=GENESIS)
    with Anvil(tmp_path, options, disposable=True) as other:
        anchorer = world.anchorer(other.url)
        with world.nothing_written():
            for act in (anchorer.check, anchorer.step):
                with pytest.raises(DomainError) as caught:
                    act()
                assert caught.value.code is ErrorCode.CHAIN_MISMATCH


def test_a_rewound_chain_is_noticed_before_the_api_says_anything_new(
    anchored_world: World,
) -> None:
    assert issubclass(ChainRewound, DomainError)
    before = ok(anchored_world.nobody.get("/log"))["anchored_size"]
    assert before == ok(anchored_world.nobody.get("/anchors"))["items"][0]["size"]


def test_adopting_again_changes_nothing_and_adopting_another_is_refused(
    fresh_world: World,
) -> None:
    world = fresh_world
    adopted = world.core.adopted()
    event = RegistryAdopted(
        chain_id=adopted.chain_id,
        registry=adopted.registry,
        settlement=adopted.settlement,
        origin="x",
        block_number=1,
        block_hash="0x" + "00" * 32,
    )
    with world.nothing_written():
        adopt(world.core.store, event)
        for changes in ({"registry": "0x" + "11" * 20}, {"chain_id": 1}):
            import msgspec

            with pytest.raises(Conflict):
                adopt(world.core.store, msgspec.structs.replace(event, **changes))
