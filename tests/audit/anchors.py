"""What tests of anchors do alike: grow the log, drive an anchorer, look at chain and stream."""

from typing import Any

import psycopg
from eth_abi.abi import encode

from anchoring.registry import read_anchored
from anchoring.rpc import HttpRpc
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.portfolio.service import PortfolioService
from backend.settlement.chain.artifacts import artifact
from tests.integration.parties import ok
from tests.integration.world import World

STRANGER = "0x" + "77" * 20


def request(world: World) -> int:
    """Ask for the present size; returns it."""
    world.sequence()
    return int(ok(world.operator.post("/anchors", {}))["size"])


def grow(world: World, count: int) -> int:
    """Append ``count`` events that are nothing to do with anchors; returns the log's size."""
    service = PortfolioService(None, None)  # type: ignore[arg-type] - neither is asked here
    with world.core.store.transaction(Scope.app(world.cedar.participant_id), Caller("t")) as uow:
        for _ in range(count):
            service.open_portfolio(uow, name="Filler", base_currency="USD")
    world.sequence()
    return log_size(world)


def log_size(world: World) -> int:
    return int(ok(world.nobody.get("/log"))["size"])


def goes_on(world: World) -> None:
    """The log takes an event and publishes it, whatever the chain does."""
    before = log_size(world)
    assert grow(world, 1) > before
    published = world.http.get("/log/checkpoint").text.split("\n")
    assert int(published[1]) == log_size(world)


def story(world: World) -> list[str]:
    """The types of the anchoring stream, in order."""
    rows = world.rows(
        "SELECT type FROM events WHERE stream_id = 'anchoring-log' ORDER BY stream_version"
    )
    return [row["type"] for row in rows]


def events(world: World, kind: str) -> list[dict[str, Any]]:
    """The payloads of all events of a type, in log order."""
    world.sequence()
    found = world.auditor.pages("/events", limit=200)
    return [each["payload"] for each in found if each["type"] == kind]


def finish(world: World, anchorer: Any, steps: int = 15) -> list[str]:
    """Step, with a block between two steps, until nothing is left to do."""
    done: list[str] = []
    for _ in range(steps):
        done.append(anchorer.step())
        if done[-1] == "nothing to anchor":
            return done
        world.chain.node.mine()
        world.sequence()
    raise AssertionError(done)


def anchored_sizes(world: World, registry: str | None = None) -> list[int]:
    address = bytes.fromhex((registry or world.core.adopted().registry)[2:])
    return [each.size for each in read_anchored(HttpRpc(world.chain.url), address, 0)]


def metric(world: World, name: str) -> float:
    """A figure as Prometheus would read it."""
    for line in world.http.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split(" ")[1])
    raise AssertionError(f"there is no metric {name}")


def deploy_registry(world: World, origin: str, writer: str) -> str:
    """A registry of that origin and writer on the world's chain; returns its address."""
    node = world.chain.node
    node.call("anvil_setBalance", STRANGER, hex(10**20))
    node.call("anvil_impersonateAccount", STRANGER)
    arguments = encode(["string", "address"], [origin, writer]).hex()
    data = artifact("AnchorRegistry").bytecode + arguments
    sent = node.call("eth_sendTransaction", {"from": STRANGER, "data": data})
    node.mine()
    return str(node.call("eth_getTransactionReceipt", sent)["contractAddress"])


def a_day_passes(world: World) -> None:
    """Make everything that is in the log a day older, which nothing but the owner can do."""
    with psycopg.connect(world.admin()) as admin:
        admin.execute("ALTER TABLE feed DISABLE TRIGGER feed_append_only")
        admin.execute("UPDATE feed SET sequenced_at = sequenced_at - interval '24 hours'")
        admin.execute("ALTER TABLE feed ENABLE TRIGGER feed_append_only")
