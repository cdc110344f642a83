"""Configuration, status and blocks: public, and true to database and chain, also while away."""

import threading
import time
from datetime import datetime, timedelta

import pytest

from anchoring.errors import RpcError
from anchoring.note import parse_vkey
from backend.kernel.errors import NodeUnavailable
from backend.platform.edge.chain_view import ASKING, ChainView
from backend.platform.version import VERSION
from tests.integration.blueprint import CHAIN_ID, ORIGIN
from tests.integration.fixtures import fresh_world, plan, world
from tests.integration.parties import ok, refused
from tests.integration.world import World

__all__ = ["fresh_world", "plan", "world"]
pytestmark = [pytest.mark.db, pytest.mark.chain]


def test_the_configuration_names_chain_contracts_and_log(world: World) -> None:
    found = ok(world.nobody.get("/config"))
    deployment = world.plan.deployment
    assert deployment.anchor_registry is not None
    assert found == {
        "version": VERSION,
        "chain_id": CHAIN_ID,
        "settlement_contract": deployment.settlement.address,
        "registry_contract": deployment.anchor_registry.address,
        "log_origin": ORIGIN,
        "log_key": found["log_key"],
        "finality": "finalized",
        "development": None,
    }
    key = parse_vkey(found["log_key"])
    assert key.name == ORIGIN
    checkpoint = ok(world.nobody.get("/log"))["checkpoint"]
    assert checkpoint.startswith(f"{ORIGIN}\n")


def test_without_a_signed_log_there_is_no_key(fresh_world: World) -> None:
    (fresh_world.home.log / "policy.txt").unlink()
    assert ok(fresh_world.nobody.get("/config"))["log_key"] is None


def test_the_status_is_the_chains_and_the_logs(world: World) -> None:
    world.sequence()
    found = ok(world.nobody.get("/status"))
    node = world.chain.node
    for name, tag in (("head", "latest"), ("safe", "safe"), ("finalized", "finalized")):
        block = node.call("eth_getBlockByNumber", tag, False)
        assert found["chain"][name]["number"] == int(block["number"], 16)
        assert found["chain"][name]["hash"] == block["hash"]
        moment = datetime.fromisoformat(found["chain"][name]["timestamp"])
        assert moment.timestamp() == int(block["timestamp"], 16)
    assert (found["chain"]["answering"], found["chain"]["detail"]) == (True, None)
    size = ok(world.nobody.get("/log"))["size"]
    assert (found["log"]["size"], found["log"]["anchored_size"]) == (size, 0)
    assert found["log"]["oldest_unanchored_at"] is not None
    assert found["sequencer"] == {"waiting_seconds": None}
    apart = datetime.fromisoformat(found["now"]) - world.core.store.clock.now()
    assert abs(apart) < timedelta(seconds=30)


def test_an_anchored_log_has_no_oldest_event(fresh_world: World) -> None:
    anchor = fresh_world.anchor()
    found = ok(fresh_world.nobody.get("/status"))["log"]
    assert found["anchored_size"] == anchor["size"]
    assert found["oldest_unanchored_at"] is None, "anchors start none"
    body = {"name": "x", "base_currency": "USD"}
    ok(fresh_world.cedar.client.post("/portfolios", body))
    fresh_world.sequence()
    assert ok(fresh_world.nobody.get("/status"))["log"]["oldest_unanchored_at"] is not None


def test_what_waits_for_the_sequencer_is_counted(fresh_world: World) -> None:
    body = {"name": "x", "base_currency": "USD"}
    ok(fresh_world.cedar.client.post("/portfolios", body))
    waiting = ok(fresh_world.nobody.get("/status"))["sequencer"]["waiting_seconds"]
    assert waiting is not None
    assert 0 <= waiting < 60
    fresh_world.sequence()
    assert ok(fresh_world.nobody.get("/status"))["sequencer"]["waiting_seconds"] is None


def test_a_tripped_breaker_shows_and_why_to_those_signed_in(fresh_world: World) -> None:
    closed = ok(fresh_world.nobody.get("/status"))["breakers"]
    assert [(each["scope"], each["state"]) for each in closed] == [("venue", "closed")]
    ok(fresh_world.operator.post("/circuit-breakers/venue/trip", {"reason": "a drill"}))
    (found,) = ok(fresh_world.nobody.get("/status"))["breakers"]
    assert found["state"] == "open"
    assert set(found) == {"scope", "state", "changed_at"}, "who did it, and why, is not public"
    (listed,) = ok(fresh_world.cedar.client.get("/circuit-breakers"))
    assert (listed["state"], listed["reason"]) == ("open", "a drill")


def test_a_node_that_is_away_is_part_of_the_status(fresh_world: World) -> None:
    fresh_world.chain.stop()
    found = ok(fresh_world.nobody.get("/status"))
    assert found["chain"] == {
        "head": None, "safe": None, "finalized": None,
        "answering": False, "detail": "The chain's node does not answer.",
    }  # fmt: skip
    assert found["log"]["size"] > 0
    refused(fresh_world.nobody.get("/chain/blocks/1"), 503, "node-unavailable")


def test_a_block_is_the_nodes(world: World) -> None:
    for number in (0, 1, 5):
        block = world.chain.node.call("eth_getBlockByNumber", hex(number), False)
        found = ok(world.nobody.get(f"/chain/blocks/{number}"))
        assert found == {"number": number, "hash": block["hash"]}


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("999999", 404, "not-found"),
        (str(2**53 - 1), 404, "not-found"),
        (str(2**53), 422, "value-invalid"),
        ("-1", 422, "value-invalid"),
        ("0x1", 422, "value-invalid"),
        ("latest", 422, "value-invalid"),
    ],
)
def test_a_block_that_is_none_is_refused(world: World, number: str, status: int, code: str) -> None:
    refused(world.nobody.get(f"/chain/blocks/{number}"), status, code)


class CountingNode:
    """A node that counts what it is asked, and may be away."""

    def __init__(self) -> None:
        self.calls = 0
        self.away = False

    def __call__(self, method: str, params: object) -> object:
        self.calls += 1
        if self.away:
            raise RpcError("away")
        return {"number": hex(self.calls), "hash": "0x" + "ab" * 32, "timestamp": "0x5"}


def test_many_who_look_are_one_question_a_second() -> None:
    node, now = CountingNode(), [100.0]
    view = ChainView(node, lambda: now[0])
    first = [view.heads() for _ in range(50)]
    assert node.calls == 3  # latest, safe, finalized
    assert all(each == first[0] for each in first)
    now[0] += 1.5
    assert view.heads() != first[0]
    assert node.calls == 6
    node.away, now[0] = True, now[0] + 1.5
    assert view.heads().detail is not None
    with pytest.raises(NodeUnavailable):
        view.block(1)


class HangingNode(CountingNode):
    """A node that takes a question and says nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = False
        self.go_on = threading.Event()

    def __call__(self, method: str, params: object) -> object:
        answer = super().__call__(method, params)
        if self.hangs:
            assert self.go_on.wait(20)
            raise RpcError("no answer")
        return answer


def test_a_node_that_hangs_holds_few_threads() -> None:
    node, now = HangingNode(), [100.0]
    view = ChainView(node, lambda: now[0])
    before = view.heads()
    now[0] += 1.5
    node.hangs, node.calls = True, 0
    asking = [threading.Thread(target=view.heads)]
    asking += [threading.Thread(target=lambda: refuses(view)) for _ in range(ASKING)]
    for each in asking:
        each.start()
    while node.calls < 1 + ASKING:
        time.sleep(0.01)
    # One for the heads and four for blocks wait; everybody else is answered at once.
    for _ in range(50):
        assert view.heads() == before
        refuses(view)
    assert node.calls == 1 + ASKING
    node.go_on.set()
    for each in asking:
        each.join(20)
    refuses(view)
    assert node.calls == 1 + ASKING, "after a failure the node is left alone"
    assert view.heads().detail is not None
    node.hangs, now[0] = False, now[0] + 1.5
    assert view.heads().detail is None
    assert view.block(1) is not None


def refuses(view: ChainView) -> None:
    with pytest.raises(NodeUnavailable):
        view.block(1)


def test_a_final_block_is_asked_for_once() -> None:
    node = CountingNode()
    view = ChainView(node, lambda: 100.0)
    final = view.heads().blocks["finalized"]
    assert final is not None

    def asked(number: int) -> int:
        before = node.calls
        node.calls = number - 1  # it names each block by the call
        assert view.block(number) == view.block(number)
        found, node.calls = node.calls - number + 1, before
        return found

    assert asked(final.number) == 1
    node.away = True
    assert view.block(final.number) is not None
    with pytest.raises(NodeUnavailable):
        view.block(final.number + 1)


# ------------------------------------------------------------------------------- events, filtered


def test_events_come_newest_first_when_asked(world: World) -> None:
    rows = world.auditor.pages("/events", limit=50)
    newest = world.auditor.pages("/events", limit=7, order="desc")
    assert [each["position"] for each in newest] == [each["position"] for each in rows][::-1]
    (last,) = ok(world.auditor.get("/events", limit=1, order="desc"))["items"]
    assert last == rows[-1]


def test_events_of_a_kind(world: World) -> None:
    rows = world.auditor.pages("/events", limit=200)
    for prefix in ("account.", "participant.registered", "a", "nothing.of_the_kind"):
        wanted = [each["event_id"] for each in rows if each["type"].startswith(prefix)]
        for order in ("asc", "desc"):
            found = world.auditor.pages("/events", limit=3, type=prefix, order=order)
            ids = [each["event_id"] for each in found]
            assert ids == (wanted if order == "asc" else wanted[::-1])
    own = world.cedar.client.pages("/events", type="account.", order="desc")
    assert own
    assert {each["type"].split(".")[0] for each in own} == {"account"}


@pytest.mark.parametrize(
    "query", [{"order": "up"}, {"type": "%"}, {"type": "a" * 81}, {"type": ""}, {"type": "A"}]
)
def test_a_filter_that_is_none_is_refused(world: World, query: dict[str, str]) -> None:
    refused(world.auditor.get("/events", **query), 422, "value-invalid")


def test_a_cursor_belongs_to_its_order(world: World) -> None:
    cursor = ok(world.auditor.get("/events", limit=1))["next_cursor"]
    refused(world.auditor.get("/events", cursor=cursor, order="desc"), 400, "cursor-invalid")
