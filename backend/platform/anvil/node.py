"""The development chain: started when nobody has, shared by all, stopped by the last to leave."""

import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from backend.kernel.errors import ChainMismatch, NodeUnavailable
from backend.platform import jsonrpc
from backend.platform.anvil.binary import find_anvil
from backend.platform.anvil.process import (
    HOST,
    NodeProcess,
    find_node,
    free_port,
    is_alive,
    listens,
)
from backend.platform.anvil.state import ChainHead, StateFile, StateKeeper
from backend.platform.lifeline import Lifeline
from backend.platform.locks import Holders, exclusive

_POLL_SECONDS = 0.01
_STOP_SECONDS = 30
_LOST_PORTS = 4


@dataclass(frozen=True)
class ChainOptions:
    """What kind of chain to run.

    ``timestamp`` is the time of the genesis block (seconds since 1970; the wall clock if None).
    ``block_time`` mines a block every so many seconds in addition to one per transaction; without
    it the chain rests until a transaction or ``mine`` (an idle chain that mines every second adds
    150 MB of state a day). ``finalized`` lies ``2 * slots_in_an_epoch`` blocks behind the head.
    """

    chain_id: int = 31_337
    timestamp: int | None = None
    block_time: int | None = None
    slots_in_an_epoch: int = 1
    hardfork: str = "osaka"
    state_interval: int = 1


class Anvil:
    """Anvil below ``home``, on the loopback interface only.

    ``start`` adopts a node that already runs on the same state file or starts one; ``close``
    stops it if no other process uses it, and its state is written. After a restart the chain's
    time continues from its last block. With ``disposable`` nothing is kept and the node ends
    with this process (for tests).
    """

    def __init__(
        self,
        home: Path,
        options: ChainOptions | None = None,
        *,
        port: int | None = None,
        disposable: bool = False,
        start_timeout: float = 30.0,
    ) -> None:
        self._folder = home.absolute() / "chain"
        self._options = options or ChainOptions()
        self._port = port
        self._disposable = disposable
        self._start_timeout = start_timeout
        self._state = StateFile(self._folder)
        self._holders: Holders | None = None
        self._node: NodeProcess | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._lifeline: Lifeline | None = None
        self._keeper: StateKeeper | None = None

    def start(self) -> Self:
        """Return with the node answering; calling it again changes nothing.

        Raises ``NodeUnavailable``, ``ToolMissing``, or ``ChainMismatch`` when the chain of this
        home has another id.
        """
        if self._node is not None:
            return self
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with exclusive(self._folder / "start.lock", self._start_timeout):
                holders = Holders(self._folder / "users.lock")
                self._node = self._adopt() or self._launch()
                holders.join()
                self._holders = holders
        except OSError as error:
            raise NodeUnavailable(
                f"The chain node could not be started: {error}", folder=str(self._folder)
            ) from error
        if not self._disposable:
            self._keeper = StateKeeper(self._state, self._options.state_interval)
        return self

    def close(self) -> None:
        """Leave the node; it is stopped if nobody else uses it. May be called twice."""
        if self._holders is None:
            return
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper = None
        with exclusive(self._folder / "start.lock", self._start_timeout):
            if self._holders.leave():
                self._stop()
        self._holders = None
        self._node = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The node's JSON-RPC address."""
        return f"http://{HOST}:{self._running().port}"

    @property
    def pid(self) -> int:
        """The process id of the node."""
        return self._running().process.pid

    @property
    def adopted(self) -> bool:
        """Whether the node was already running when we came."""
        self._running()
        return self._child is None

    def call(self, method: str, *parameters: object, timeout: float = 10.0) -> Any:
        """The result of one JSON-RPC call; ``NodeUnavailable`` if it fails."""
        return jsonrpc.call(self.url, method, *parameters, timeout=timeout)

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks, one second apart."""
        self.call("anvil_mine", hex(blocks), "0x1", timeout=10.0 + blocks / 100)

    def finalize(self) -> None:
        """Mine until what is now the newest block counts as finalized."""
        self.mine(2 * self._options.slots_in_an_epoch)

    def advance_to(self, timestamp: int) -> None:
        """Mine a block at ``timestamp`` (seconds since 1970); later blocks follow from there.

        Raises ``NodeUnavailable`` if the chain is past it already.
        """
        self.call("evm_setNextBlockTimestamp", timestamp)
        self.call("evm_mine")

    def snapshot(self) -> str:
        """Remember the chain as it is; the id is for ``revert``, once."""
        return str(self.call("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Put the chain back; ``NodeUnavailable`` if there is no such snapshot."""
        if self.call("evm_revert", snapshot) is not True:
            raise NodeUnavailable("The chain has no such snapshot.", snapshot=snapshot)

    def _running(self) -> NodeProcess:
        if self._node is None:
            raise NodeUnavailable("The chain node was not started.", folder=str(self._folder))
        return self._node

    def _adopt(self) -> NodeProcess | None:
        node = None if self._disposable else find_node(self._state.path)
        if node is None:
            return None
        try:
            self._await(node)
        except NodeUnavailable:
            if is_alive(node.process):
                raise
            return None
        return node

    def _launch(self) -> NodeProcess:
        head = None if self._disposable else self._state.restore()
        if self._port is not None:
            return self._launch_on(self._port, head)
        for _ in range(_LOST_PORTS):
            with suppress(_PortTaken):
                return self._launch_on(free_port(), head)
        return self._launch_on(free_port(), head)

    def _launch_on(self, port: int, head: ChainHead | None) -> NodeProcess:
        child = self._spawn(port, head)
        node = NodeProcess(psutil.Process(child.pid), port)
        try:
            self._await(node, child)
        except BaseException:
            _end(child)
            raise
        self._child = child
        if self._disposable:
            self._lifeline = Lifeline(child.pid, signal.SIGTERM)
        return node

    def _spawn(self, port: int, head: ChainHead | None) -> subprocess.Popen[bytes]:
        command = [str(find_anvil()), *self._arguments(port, head)]
        with (self._folder / "anvil.log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                # Anvil keeps caches below HOME; they belong to this chain.
                env={"HOME": str(self._folder), "PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _arguments(self, port: int, head: ChainHead | None) -> list[str]:
        options = self._options
        arguments = ["--host", HOST, "--port", str(port), "--quiet", "--no-cors"]
        arguments += ["--chain-id", str(options.chain_id), "--hardfork", options.hardfork]
        arguments += ["--slots-in-an-epoch", str(options.slots_in_an_epoch)]
        if options.block_time is not None:
            arguments += ["--block-time", str(options.block_time), "--mixed-mining"]
        timestamp = _start_time(options.timestamp, head)
        if timestamp is not None:
            arguments += ["--timestamp", str(timestamp)]
        if not self._disposable:
            arguments += ["--state", str(self._state.path)]
            arguments += ["--state-interval", str(options.state_interval)]
        return arguments

    def _await(self, node: NodeProcess, child: subprocess.Popen[bytes] | None = None) -> None:
        """Return when the node answers for our chain."""
        deadline = time.monotonic() + self._start_timeout
        while (found := _chain_id(node)) is None:
            ended = child.poll() is not None if child else not is_alive(node.process)
            if ended or time.monotonic() > deadline:
                words = self._last_words()
                # Somebody took the free port before Anvil did.
                kind = _PortTaken if ended and "in use" in words else NodeUnavailable
                raise kind(
                    f"The chain node did not start: {words}", log=str(self._folder / "anvil.log")
                )
            time.sleep(_POLL_SECONDS)
        if found != self._options.chain_id:
            raise ChainMismatch(
                f"The chain of this home has id {found}, not {self._options.chain_id}.",
                folder=str(self._folder),
            )

    def _last_words(self) -> str:
        log = self._folder / "anvil.log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        lines = [line for line in text.splitlines() if line.strip()]
        return next((line for line in lines if "rror" in line), lines[-1] if lines else "no output")

    def _stop(self) -> None:
        """SIGTERM, on which Anvil writes its state and ends."""
        if self._lifeline is not None:
            self._lifeline.cut()
            self._lifeline = None
        process = self._running().process
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        while is_alive(process):
            if time.monotonic() > deadline:
                raise NodeUnavailable("The chain node did not stop.", pid=process.pid)
            time.sleep(_POLL_SECONDS)
        if self._child is not None:
            self._child.wait()
            self._child = None
        if not self._disposable:
            self._state.keep()


class _PortTaken(NodeUnavailable):
    """The port we chose was no longer free; another one will do."""


def _chain_id(node: NodeProcess) -> int | None:
    """The chain id once this very process answers; another one may have taken the port."""
    try:
        answer = jsonrpc.call(f"http://{HOST}:{node.port}", "eth_chainId")
        return int(answer, 16) if listens(node) else None
    except NodeUnavailable:
        return None


def _start_time(wanted: int | None, head: ChainHead | None) -> int | None:
    """The ``--timestamp`` to start with.

    Anvil counts from it even when it loads a state, so repeating the genesis time would let the
    chain's clock jump back, and leaving it out would let a historical chain jump to today.
    """
    if head is None:
        return wanted
    if wanted is None and head.timestamp < time.time():
        return None
    return head.timestamp + 1


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.kill()
    child.wait()
