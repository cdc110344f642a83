"""PostgreSQL and the chain as servers that can be killed and come back where they were."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg

from backend.kernel.errors import DomainError
from backend.platform.anvil import Anvil, ChainOptions
from backend.platform.postgres import SUPERUSER, EmbeddedPostgres
from backend.platform.postgres.postmaster import processes_on
from backend.platform.schema import LOGIN
from backend.platform.settings import DEVELOPMENT_CHAIN
from backend.platform.stage import DATABASE
from scripts.crash.proxy import RpcProxy

SLOTS = 4
FINALITY = 2 * SLOTS
"""Blocks from the head to the newest final one."""
_WAIT_SECONDS = 30.0
_NUMBER_BYTES = 80


class ServerStuck(Exception):
    """A killed server is still there, or a new one does not come up."""


def _until(what: str, done: Callable[[], bool], seconds: float = _WAIT_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise ServerStuck(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)


class DatabaseServer:
    """The home's embedded server: durable, so that a kill may lose nothing that was committed."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = EmbeddedPostgres(home).start()
        self._lock = threading.Lock()

    @property
    def conninfo(self) -> str:
        """The platform's login."""
        return self._server.address(LOGIN, DATABASE).conninfo()

    @property
    def admin(self) -> str:
        """The superuser, who sees every tenant's rows."""
        return self._server.address(SUPERUSER, DATABASE).conninfo()

    @property
    def server_admin(self) -> str:
        return self._server.address().conninfo()

    def kill(self) -> None:
        """SIGKILL to the postmaster; returns once the server is back."""
        with self._lock:
            old, data = self._server, self._server.data_directory
            os.kill(old.pid, signal.SIGKILL)
            _until("PostgreSQL's processes to end", lambda: not processes_on(data))
            old.close()
            self._server = EmbeddedPostgres(self._home).start()

    def kill_backend(self, chosen: Callable[[list[int]], int]) -> bool:
        """SIGKILL to one session of the platform: the server then restarts all by itself."""
        with self._lock:
            pids = [
                child.pid
                for child in psutil.Process(self._server.pid).children()
                if LOGIN in " ".join(_command(child))
            ]
            if not pids:
                return False
            os.kill(chosen(pids), signal.SIGKILL)
            _until("PostgreSQL's recovery", self._answers)
            return True

    def close(self) -> None:
        self._server.close()

    def destroy(self) -> None:
        self._server.destroy()

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.admin, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
            return True
        except psycopg.Error:
            return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


class ChainServer:
    """Anvil with a state file, behind a proxy, and a producer that mines a block now and then.

    A killed node comes back with the blocks of its last state file, so the newest ones are gone:
    a reorganisation. What is final must never be among them, so no block is mined that would
    make one final which the state file does not hold yet.
    """

    def __init__(self, home: Path, genesis: int, pace: float = 0.2) -> None:
        self._home = home
        self._options = ChainOptions(
            DEVELOPMENT_CHAIN, timestamp=genesis, slots_in_an_epoch=SLOTS, state_interval=1
        )
        self._pace = pace
        self._first = b""
        self._kept = home / "chain" / "state.previous.json"
        self._forked: tuple[int, str] | None = None  # a reorganisation the state file may lack
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._producer: threading.Thread | None = None
        self.proxy = RpcProxy()
        self.node = Anvil(home, self._options).start()
        self.proxy.lead_to(self.node.url)
        self.depths: list[int] = []

    def produce(self) -> None:
        """From now on transactions wait for the producer's next block."""
        head = self.head()
        _until("the first state file", lambda: _kept_head(self._kept) >= head)
        self._first = self._kept.read_bytes()
        self.call("evm_setAutomine", False)
        self._producer = threading.Thread(target=self._produce, name="producer", daemon=True)
        self._producer.start()

    def call(self, method: str, *parameters: object) -> Any:
        """Past the proxy. Raises NodeUnavailable."""
        with self._lock:
            return self.node.call(method, *parameters)

    def head(self) -> int:
        return int(self.call("eth_blockNumber"), 16)

    def kill(self) -> int:
        """SIGKILL, restart from the state file; returns how many blocks were lost."""
        with self._lock:
            before = self.head()
            self.proxy.lead_to(None)
            os.kill(self.node.pid, signal.SIGKILL)
            self.node.close()
            self.node = Anvil(self._home, self._options).start()
            self._forked = None  # both files hold the branch that it came back with
            if self._producer is not None:
                self.node.call("evm_setAutomine", False)
            self.proxy.lead_to(self.node.url)
            lost = before - self.head()
            self.depths.append(lost)
            return lost

    def rewind(self) -> None:
        """Kill the node and let it come back as it was when the producer began: a lost chain."""
        with self._lock:
            self.proxy.lead_to(None)
            os.kill(self.node.pid, signal.SIGKILL)
            self.node.close()
            for name in ("state.json", "state.previous.json"):
                (self._home / "chain" / name).write_bytes(self._first)
            self.node = Anvil(self._home, self._options).start()
            self._forked = None
            self.proxy.lead_to(self.node.url)

    def reorganise(self, depth: int) -> bool:
        """Replace the newest blocks by empty ones; their transactions are gone.

        False where the node cannot: it was restarted and has no state that far back.
        """
        with self._lock:
            head = self.head()
            base = head - depth
            if base < 1 or not self._may_fork(base):
                return False
            try:
                self.node.call("anvil_reorg", depth, [])
            except DomainError:
                return False
            block = self.node.call("eth_getBlockByNumber", hex(base + 1), False)
            self._forked = (base, str(block["hash"]))
            return True

    def pending(self) -> list[dict[str, Any]]:
        """The transactions that wait for a block."""
        content = self.call("txpool_content")
        found = [*content["pending"].values(), *content["queued"].values()]
        return [transaction for by_nonce in found for transaction in by_nonce.values()]

    def close(self) -> None:
        self._stop.set()
        if self._producer is not None:
            self._producer.join()
        self.node.close()
        self.proxy.close()

    def _produce(self) -> None:
        while not self._stop.wait(self._pace):
            with self._lock:
                try:
                    if self._next_final() <= self._durable():
                        self.node.call("evm_mine")
                except DomainError:
                    continue  # it is being killed, or slow: the next turn comes soon

    def _next_final(self) -> int:
        """The block that becomes final with the next one mined."""
        return self.head() + 1 - FINALITY

    def _durable(self) -> int:
        """The newest block that every state the node may come back with has."""
        kept = _kept_head(self._kept)
        if self._forked is None:
            return kept
        base, first = self._forked
        if kept > base + 1 and first.encode() in self._kept.read_bytes():
            self._forked = None  # the file has the new branch
            return kept
        return min(kept, base)

    def _may_fork(self, base: int) -> bool:
        """Only above what is final, with room to mine on before the file has caught up."""
        return self._forked is None and base >= self._next_final() + 2


def _kept_head(path: Path) -> int:
    """The head in a state file: ``{"block":{"number":"0x…"`` is how it begins (Anvil 1.7)."""
    try:
        with path.open("rb") as file:
            start = file.read(_NUMBER_BYTES).decode("ascii", "replace")
        return int(start.split('"number":"', 1)[1].split('"', 1)[0], 16)
    except (FileNotFoundError, IndexError, ValueError):
        return -1
