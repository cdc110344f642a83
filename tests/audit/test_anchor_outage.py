"""The chain fails in every phase of an anchor; the log goes on, and the anchor is made."""

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from anchoring.errors import RpcError
from anchoring.rpc import HttpRpc
from backend.audit.indexer import Indexer, indexer_lease
from backend.audit.journal import Journal
from backend.audit.lag import LagWatch
from backend.kernel.errors import DomainError, ErrorCode
from backend.platform.processes.sequencer import SequencerProcess
from tests.audit.anchors import (
    a_day_passes,
    anchored_sizes,
    events,
    finish,
    goes_on,
    grow,
    log_size,
    metric,
    request,
    story,
)
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


class Failing:
    """A network that loses calls: every one of ``methods``, or each with a probability."""

    def __init__(self, url: str, methods: Sequence[str] = (), chance: float = 0.0) -> None:
        self._rpc = HttpRpc(url)
        self._methods = methods
        self._chance = chance
        self._random = random.Random(9162)
        self.lost = 0

    def __call__(self, method: str, params: Sequence[object], /) -> object:
        if method in self._methods or self._random.random() < self._chance:
            self.lost += 1
            if self._random.random() < 0.5 and not self._methods:
                self._rpc(method, params)  # the answer is lost, the effect is not
            raise RpcError(f"{method}: the connection was cut")
        return self._rpc(method, params)


def away(anchorer) -> None:
    with pytest.raises(DomainError) as caught:
        anchorer.step()
    assert caught.value.code is ErrorCode.NODE_UNAVAILABLE
    assert caught.value.retryable


BEFORE = ("eth_chainId", "eth_getBlockByNumber", "eth_getTransactionCount", "eth_call")
ON_ITS_WAY = ("eth_getLogs", "eth_getTransactionReceipt", "eth_chainId")
WHEN_INCLUDED = ("eth_getBlockByNumber", "eth_chainId")


@pytest.mark.parametrize(
    ("phase", "method"),
    [
        *((0, each) for each in (*BEFORE, "eth_maxPriorityFeePerGas", "eth_sendRawTransaction")),
        *((1, each) for each in ON_ITS_WAY),
        *((2, each) for each in WHEN_INCLUDED),
    ],
)
def test_an_outage_of_any_call_in_any_phase_stops_neither_log_nor_anchor(
    fresh_world: World, phase: int, method: str
) -> None:
    world = fresh_world
    size = request(world)
    anchorer = world.anchorer()
    for _ in range(phase):
        anchorer.step()
    cut = Failing(world.chain.url, (method,))
    blind = world.anchorer(rpc=cut)
    for _ in range(2):
        away(blind)
        goes_on(world)
    assert cut.lost >= 2
    finish(world, world.anchorer())
    assert anchored_sizes(world) == [size]
    assert story(world).count("anchor.submitted") == 1


def test_evidence_that_cannot_be_had_yet_keeps_the_anchor_open(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    anchorer = world.anchorer()
    anchorer.step()
    anchorer.step()
    world.chain.node.mine(4)
    with pytest.raises(RpcError):
        world.anchorer(rpc=Failing(world.chain.url, ("eth_getProof",))).step()
    goes_on(world)
    assert "anchor.finalised" not in story(world)
    assert anchorer.step() == f"final {size}"


def test_a_transaction_that_the_node_dropped_is_sent_again_as_it_was(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    node = world.chain.node
    node.call("evm_setAutomine", False)
    anchorer = world.anchorer()
    anchorer.step()
    (sent,) = events(world, "anchor.submitted")
    node.call("anvil_dropTransaction", sent["transaction_hash"])
    assert node.call("eth_getTransactionByHash", sent["transaction_hash"]) is None
    assert anchorer.step() == f"waiting for {size}"
    assert node.call("eth_getTransactionByHash", sent["transaction_hash"]) is not None
    node.call("evm_setAutomine", True)
    node.mine()
    finish(world, anchorer)
    (included,) = events(world, "anchor.included")
    assert included["transaction_hash"] == sent["transaction_hash"]
    assert anchored_sizes(world) == [size]


def test_a_network_that_loses_a_third_of_all_calls_and_answers(fresh_world: World) -> None:
    """Anchored ⊑ published, after every step, and each anchor exactly once."""
    world = fresh_world
    flaky = Failing(world.chain.url, chance=1 / 3)
    chance = random.Random(6962)
    anchorer = world.anchorer(rpc=flaky, max_age=timedelta(0), bump_after=timedelta(0))
    finals = 0
    for _ in range(250):
        if chance.random() < 0.2:
            grow(world, chance.randrange(1, 5))
        if chance.random() < 0.1:  # a restart: nothing is remembered but what is recorded
            anchorer = world.anchorer(rpc=flaky, max_age=timedelta(0))
        try:
            finals += anchorer.step().startswith("final")
        except RpcError:
            pass
        except DomainError as error:
            if not error.retryable:
                raise
        if chance.random() < 0.5:
            world.chain.node.mine()
        if chance.random() < 0.03:
            world.chain.node.call("anvil_rollback", 1)
        sizes = anchored_sizes(world)
        assert sizes == sorted(set(sizes))
        assert not sizes or sizes[-1] <= log_size(world)
    assert finals >= 3
    assert flaky.lost > 50
    finish(world, world.anchorer(max_age=timedelta(0)))
    rows = {row["size"]: row["root"] for row in world.rows("SELECT size, root FROM checkpoints")}
    for row in world.rows("SELECT size, root, state FROM anchors"):
        assert row["state"] == "FINAL"
        assert bytes(rows[row["size"]]).hex() == row["root"]
    assert world.replay().equal


# ------------------------------------------------------------------------------ lag


def watch(world: World, limit: float) -> LagWatch:
    return LagWatch(Journal(world.anchorer_core.store), limit, pause_seconds=0)


def test_lag_is_said_once_and_its_end_once_and_neither_starts_an_anchor(
    fresh_world: World,
) -> None:
    world = fresh_world
    world.anchor()
    lag = watch(world, 3_600)
    assert not lag.step(), "what is young does not lag"
    grow(world, 1)
    a_day_passes(world)
    world.chain.stop()  # the node is away: that is when it matters
    assert lag.step()
    for _ in range(3):
        assert not lag.step()
        goes_on(world)
    assert metric(world, "tallystick_anchor_lagging") == 1
    assert metric(world, "tallystick_anchor_lag_seconds") > 86_000
    world.chain.start()
    (said,) = events(world, "anchor.lagging")
    assert said["limit_seconds"] == 3_600
    assert 86_400 <= said["waiting_seconds"] < 90_000
    assert not watch(world, 3_600).step(), "another anchorer knows that it was said"
    world.anchor()
    assert lag.step()
    assert not lag.step()
    assert len(events(world, "anchor.caught_up")) == 1
    assert metric(world, "tallystick_anchor_lagging") == 0
    finish(world, world.anchorer(max_age=timedelta(0)))
    lag.step()
    assert world.anchorer(max_age=timedelta(0)).step() == "nothing to anchor"
    assert world.replay().equal


def test_an_index_commitment_starts_no_anchor(fresh_world: World) -> None:
    world = fresh_world
    finish(world, world.anchorer(max_age=timedelta(0)))
    indexer = Indexer(
        world.worker_core.store, indexer_lease(world.worker_core.database, 0.001), 0.001
    )
    grow(world, 1)
    assert world.anchorer(max_age=timedelta(0)).step().startswith("submitted")
    finish(world, world.anchorer(max_age=timedelta(0)))
    for _ in range(20):
        indexer.step()
        world.sequence()
    indexer.release()
    assert events(world, "index.committed") != []
    assert world.anchorer(max_age=timedelta(0)).step() == "nothing to anchor"


def test_what_waits_for_witnesses_is_not_anchored(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)

    class Gate:
        open = False
        sent = 0

        def last_cosigned_size(self, connection) -> int:
            return self.sent

        def may_anchor(self, connection, size) -> bool:
            return self.open

    gate = Gate()
    anchorer = world.anchorer(witnesses=gate)
    assert anchorer.step() == f"waiting for the witnesses of {size}"
    goes_on(world)
    gate.sent = larger = log_size(world)
    assert larger > size
    assert anchorer.step() == f"waiting for the witnesses of {larger}"
    gate.open = True
    assert anchorer.step() == f"submitted {larger}", "no smaller size than the witnesses passed"


def test_the_sequencer_needs_no_chain(fresh_world: World) -> None:
    world = fresh_world
    world.chain.stop()
    world.sequencer.release()
    world.sequencer = SequencerProcess(world.core.database, world.home, world.settings.log_origin)
    goes_on(world)
    world.chain.start()
