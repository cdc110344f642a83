"""The development chain keeps its blocks and its time, whoever was killed in between."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backend.kernel.errors import ChainMismatch, NodeUnavailable
from backend.platform.anvil import Anvil, ChainOptions, ExternalNode, find_anvil
from backend.platform.anvil.process import free_port, is_alive
from backend.platform.anvil.state import StateFile
from backend.platform.errors import ConfigurationInvalid, ToolMissing

pytestmark = pytest.mark.chain

_CHECKOUT = Path(__file__).resolve().parents[2]
_START = 1_388_534_400  # 2014-01-01T00:00:00Z, long before the wall clock
_OPTIONS = ChainOptions(timestamp=_START)

_USER = """
import sys
from pathlib import Path
from backend.platform.anvil import Anvil, ChainOptions
node = Anvil(Path(sys.argv[1]), ChainOptions(timestamp=1388534400)).start()
print(node.pid, node.adopted, flush=True)
sys.stdin.read()
node.close()
"""


def _block(node: Anvil, tag: str = "latest") -> tuple[int, int, str]:
    block = node.call("eth_getBlockByNumber", tag, False)
    return int(block["number"], 16), int(block["timestamp"], 16), block["hash"]


def _pay(node: Anvil) -> str:
    sender, receiver = node.call("eth_accounts")[:2]
    payment = {"from": sender, "to": receiver, "value": "0x1"}
    return str(node.call("eth_sendTransaction", payment))


def _mined_in(node: Anvil, transaction: str) -> int:
    """The number of the block a transaction is in; mining takes a moment."""
    deadline = time.monotonic() + 20
    while (receipt := node.call("eth_getTransactionReceipt", transaction)) is None:
        assert time.monotonic() < deadline, "the transaction was not mined"
        time.sleep(0.01)
    return int(receipt["blockNumber"], 16)


def _other_process(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _USER, str(home)],
        cwd=_CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _first_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def _wait_for_state(home: Path, number: int) -> None:
    """Return when Anvil has written block ``number`` to its file, and the copy was made."""
    deadline = time.monotonic() + 20
    paths = [home / "chain" / name for name in ("state.json", "state.previous.json")]
    while not all(path.exists() and f'"{hex(number)}"' in path.read_text() for path in paths):
        assert time.monotonic() < deadline, "the state was not written"
        time.sleep(0.05)


@pytest.fixture
def node(server_home: Path) -> Iterator[Anvil]:
    with Anvil(server_home, _OPTIONS) as started:
        yield started


def test_a_transaction_is_mined_at_once_and_becomes_final(chain: Anvil) -> None:
    number = _mined_in(chain, _pay(chain))
    assert _block(chain)[0] == number
    assert _block(chain, "finalized")[0] < number
    chain.finalize()
    assert _block(chain, "finalized")[0] == number


def test_interval_mining_goes_on_beside_transactions(server_home: Path) -> None:
    options = ChainOptions(timestamp=_START, block_time=1)
    with Anvil(server_home, options, disposable=True) as node:
        number = _mined_in(node, _pay(node))
        deadline = time.monotonic() + 20
        while _block(node, "finalized")[0] < number:
            assert time.monotonic() < deadline, "no further blocks came"
            time.sleep(0.1)


def test_a_restart_keeps_blocks_and_time(server_home: Path) -> None:
    with Anvil(server_home, _OPTIONS) as node:
        payment = _pay(node)
        _mined_in(node, payment)
        node.advance_to(_START + 5 * 86_400)
        before = _block(node)
    with Anvil(server_home, _OPTIONS) as node:
        assert not node.adopted
        assert _block(node) == before
        assert node.call("eth_getTransactionReceipt", payment)["status"] == "0x1"
        node.mine()
        number, timestamp, _ = _block(node)
        assert number == before[0] + 1
        assert before[1] < timestamp < before[1] + 3_600, "time goes on from the last block"


def test_a_chain_of_today_stays_in_today(server_home: Path) -> None:
    for _ in range(2):
        with Anvil(server_home) as node:
            node.mine()
            assert abs(_block(node)[1] - time.time()) < 3_600


def test_a_killed_node_comes_back_with_its_last_written_state(server_home: Path) -> None:
    node = Anvil(server_home, _OPTIONS).start()
    node.mine(7)
    _wait_for_state(server_home, 7)
    os.kill(node.pid, signal.SIGKILL)
    with Anvil(server_home, _OPTIONS) as again:
        assert _block(again)[0] == 7
        node.close()
        assert _block(again)[0] == 7, "the old handle must not stop the new node"


def test_half_a_state_file_is_replaced_by_its_copy(server_home: Path) -> None:
    with Anvil(server_home, _OPTIONS) as node:
        node.mine(7)
    state = server_home / "chain" / "state.json"
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
    with Anvil(server_home, _OPTIONS) as node:
        assert _block(node)[0] == 7


def test_a_lost_chain_is_an_error_and_never_a_new_chain(server_home: Path) -> None:
    with Anvil(server_home, _OPTIONS) as node:
        node.mine(7)
    for name in ("state.json", "state.previous.json"):
        (server_home / "chain" / name).write_text('{"block":')
    with pytest.raises(NodeUnavailable, match="damaged"):
        Anvil(server_home, _OPTIONS).start()


def test_the_copy_is_never_half_a_file(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    whole = '{"block":{"number":"0x1","timestamp":"0x2"},"historical_states":null}'
    state.path.write_text(whole)
    assert state.keep()
    assert not state.keep(), "nothing changed"
    state.path.write_text(whole[:-12])
    assert not state.keep()
    assert (tmp_path / "state.previous.json").read_text() == whole


def test_a_node_whose_owner_was_killed_is_adopted(server_home: Path) -> None:
    owner = _other_process(server_home)
    pid, adopted = _first_line(owner)
    assert adopted == "False"
    owner.kill()
    owner.wait()
    with Anvil(server_home, _OPTIONS) as node:
        assert (node.pid, node.adopted) == (int(pid), True)
        process = psutil.Process(node.pid)
    assert not is_alive(process)


def test_the_last_user_stops_the_node(server_home: Path) -> None:
    node = Anvil(server_home, _OPTIONS).start()
    process = psutil.Process(node.pid)
    other = _other_process(server_home)
    assert _first_line(other) == [str(node.pid), "True"]
    node.close()
    assert is_alive(process)
    other.communicate("")
    assert not is_alive(process)


def test_two_starters_share_one_node(server_home: Path) -> None:
    starters = [_other_process(server_home) for _ in range(3)]
    answers = [_first_line(starter) for starter in starters]
    assert len({pid for pid, _ in answers}) == 1
    for starter in starters:
        starter.communicate("")
        assert starter.returncode == 0


def test_a_chain_with_another_id_is_refused(node: Anvil, server_home: Path) -> None:
    with pytest.raises(ChainMismatch, match="31337, not 1"):
        Anvil(server_home, ChainOptions(chain_id=1)).start()
    assert _block(node)[0] == 0, "and left running"


def test_a_taken_port_is_a_typed_error(node: Anvil, server_home: Path) -> None:
    port = int(node.url.rpartition(":")[2])
    with pytest.raises(NodeUnavailable, match="in use"):
        Anvil(server_home / "other", port=port, disposable=True).start()


def test_a_disposable_node_ends_with_its_process(server_home: Path) -> None:
    script = _USER.replace("1388534400))", "1388534400), disposable=True)")
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(server_home)],
        cwd=_CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process = psutil.Process(int(_first_line(owner)[0]))
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 20
    while is_alive(process):
        assert time.monotonic() < deadline, "the node outlived its process"
        time.sleep(0.02)


def test_a_snapshot_is_gone_once_used(chain: Anvil) -> None:
    snapshot = chain.snapshot()
    chain.mine(3)
    chain.revert(snapshot)
    with pytest.raises(NodeUnavailable):
        chain.revert(snapshot)


def test_the_clock_never_goes_back(chain: Anvil) -> None:
    _, timestamp, _ = _block(chain)
    chain.advance_to(timestamp + 86_400)
    assert _block(chain)[1] == timestamp + 86_400
    with pytest.raises(NodeUnavailable, match="refused"):
        chain.advance_to(timestamp)


def test_without_the_packages_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="make run"):
        find_anvil(tmp_path)


def test_a_node_of_the_users_own_is_checked(anvil: Anvil) -> None:
    assert ExternalNode(anvil.url, 31_337).start().call("web3_clientVersion").startswith("anvil/")
    with pytest.raises(ChainMismatch):
        ExternalNode(anvil.url, 1).start()
    with pytest.raises(NodeUnavailable):
        ExternalNode(f"http://127.0.0.1:{free_port()}").start()
    with pytest.raises(ConfigurationInvalid):
        ExternalNode("ftp://somewhere")


def test_a_copy_that_the_node_overtook_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle chain rewrites the same bytes: the copy that was given up must not count as made."""
    state = StateFile(tmp_path)
    whole = '{"block":{"number":"0x1","timestamp":"0x1"},"historical_states":null}'
    state.path.write_text(whole)
    copied = shutil.copyfile

    def overtaken(source: Path, target: Path) -> Path:
        copied(source, target)
        os.utime(source, (1, 1))  # Anvil wrote the file again while it was copied
        return target

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", overtaken)
        assert not state.keep()
    assert not (tmp_path / "state.previous.json").exists()
    assert state.keep()
    assert (tmp_path / "state.previous.json").read_text() == whole
