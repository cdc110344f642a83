"""The suite's own parts: a node that misbehaves, a tally that is found again."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.kernel.errors import NodeUnavailable
from backend.platform import jsonrpc
from backend.platform.anvil import Anvil
from scripts.crash.__main__ import main
from scripts.crash.processes import Ended
from scripts.crash.proxy import Order, RpcProxy, Spoil
from scripts.crash.tally import Tally


@pytest.fixture
def proxy(chain: Anvil) -> Iterator[RpcProxy]:
    made = RpcProxy()
    made.lead_to(chain.url)
    yield made
    made.close()


def _pay(url: str, chain: Anvil) -> str:
    sender, receiver = chain.call("eth_accounts")[:2]
    payment = {"from": sender, "to": receiver, "value": "0x1"}
    return str(jsonrpc.call(url, "eth_sendTransaction", payment))


def _sent(chain: Anvil) -> int:
    sender = chain.call("eth_accounts")[0]
    return int(chain.call("eth_getTransactionCount", sender, "pending"), 16)


@pytest.mark.chain
def test_the_proxy_passes_on_what_the_node_says(proxy: RpcProxy, chain: Anvil) -> None:
    assert jsonrpc.call(proxy.url, "eth_chainId") == chain.call("eth_chainId")
    before = _sent(chain)
    assert _pay(proxy.url, chain).startswith("0x")
    assert _sent(chain) == before + 1


@pytest.mark.chain
@pytest.mark.parametrize(
    ("spoil", "accepted"),
    [
        (Spoil.ACCEPT_THEN_DROP, 1),
        (Spoil.ACCEPT_THEN_HANG, 1),
        (Spoil.SERVER_ERROR, 0),
    ],
)
def test_a_spoiled_request_is_accepted_or_not_and_never_answered(
    proxy: RpcProxy, chain: Anvil, spoil: Spoil, accepted: int
) -> None:
    before = _sent(chain)
    proxy.spoil(Order(spoil, "eth_sendTransaction", seconds=0.1))
    assert jsonrpc.call(proxy.url, "eth_chainId")  # another method: the order waits
    with pytest.raises(NodeUnavailable):
        _pay(proxy.url, chain)
    assert _sent(chain) == before + accepted
    assert proxy.spoiled[spoil] == 1
    assert _pay(proxy.url, chain).startswith("0x")  # the next one is served again


@pytest.mark.chain
def test_a_node_that_is_away_answers_nothing(proxy: RpcProxy, chain: Anvil) -> None:
    proxy.lead_to(None)
    with pytest.raises(NodeUnavailable):
        jsonrpc.call(proxy.url, "eth_chainId")
    proxy.lead_to(chain.url)
    assert jsonrpc.call(proxy.url, "eth_chainId") == chain.call("eth_chainId")


@pytest.mark.chain
def test_what_is_no_json_is_the_nodes_to_refuse(proxy: RpcProxy) -> None:
    host, port = proxy.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.request("POST", "/", b"not json")
    assert b"error" in connection.getresponse().read()
    connection.close()


def test_a_tally_is_found_again(tmp_path: Path) -> None:
    tally = Tally(seed=7, homes=2, settlements=80)
    tally.kills["worker"] += 3
    tally.points["settlement.broadcast"] += 1
    tally.write(tmp_path / "deep" / "tally.json")
    again = Tally.read(tmp_path / "deep" / "tally.json")
    assert again == tally
    again.kills["api"] += 1
    assert again.total_kills == 4


def test_a_run_goes_on_from_the_kept_tally(tmp_path: Path) -> None:
    """With both numbers reached nothing is started: what is kept is read, and stays."""
    record = tmp_path / "tally.json"
    Tally(seed=7, homes=2, settlements=80).write(record)
    enough = ["--folder", str(tmp_path), "--settlements", "80", "--kills", "0"]
    assert main([*enough, "--resume"]) == 0
    assert Tally.read(record) == Tally(seed=7, homes=2, settlements=80)


@pytest.mark.parametrize(
    ("words", "killed", "point", "expected"),
    [
        ("", True, None, True),
        ("", False, "settlement.broadcast", True),
        ("database-unavailable: The database does not answer.", False, None, True),
        ("waiting code=database-unavailable\nlog-inconsistent: two trees", False, None, False),
        ("Traceback\ndatabase-unavailable: away", False, None, False),
        ("chain-rewound: The chain lost a final anchor.", False, None, False),
        ("", False, None, False),
    ],
)
def test_only_a_kill_or_an_absent_server_excuses_an_end(
    words: str, killed: bool, point: str | None, expected: bool
) -> None:
    assert Ended("worker", "worker", 1, killed, point, words).is_expected is expected
