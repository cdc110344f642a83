"""The platform as `make run` starts it, on a home and port of its own: for tests, benchmarks."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from backend.platform.anvil.process import find_node

CHECKOUT = Path(__file__).resolve().parents[1]
START_SECONDS = 180
STOP_SECONDS = 60
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# A browser that needs no screen and looks nothing up on its own.
BROWSER_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


class NotRunning(Exception):
    """The platform ended, or was not ready in time; the message ends with what it said."""


@dataclass(frozen=True)
class Platform:
    """A running platform with the demonstration's day behind it."""

    url: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def demo(self) -> Path:
        """The demonstration's folder: cast, wallets, proofs."""
        return self.home / "demo"

    def cast(self) -> dict[str, Any]:
        """Participants with their ids and API tokens, by ``operator``, ``alder``, ``birch``."""
        found: dict[str, Any] = json.loads((self.demo / "cast.json").read_text("utf-8"))
        return found

    @property
    def chain_url(self) -> str:
        """The development chain's node. Raises NotRunning."""
        node = find_node(self.home / "chain" / "state.json")
        if node is None:
            raise NotRunning("the chain node is gone")
        return f"http://127.0.0.1:{node.port}"

    def api(self, who: str) -> httpx.Client:
        """The API as one of the cast; close it after use."""
        headers = {"Authorization": f"Bearer {self.cast()[who]['token']}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30)


@contextmanager
def running_platform() -> Iterator[Platform]:
    """``tally demo``, ready when its play is over; ended and removed at the end.

    Raises NotRunning.
    """
    home = Path(tempfile.mkdtemp(prefix="tally-run-"))
    if os.geteuid() == 0:
        home.chmod(0o711)
    running = _start(home)
    try:
        _await_end_of_play(running)
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        try:
            running.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.process.kill()
        shutil.rmtree(home, ignore_errors=True)


def find_chromium() -> str | None:
    """The browser named by ``CHROMIUM``, or the first one on the path."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM)), None)


def _start(home: Path) -> Platform:
    port, log = _free_port(), home / "demo.out"
    # Nothing of the caller's own platform may leak in.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "CHAIN_RPC_URL") and not name.startswith("TALLYSTICK_")
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend", "demo", "--port", str(port)],
            cwd=CHECKOUT,
            env={**environment, "TALLYSTICK_HOME": str(home), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Platform(f"http://localhost:{port}", home, log, process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_end_of_play(running: Platform) -> None:
    deadline, said = time.monotonic() + START_SECONDS, ""
    while time.monotonic() < deadline:
        said = running.log.read_text("utf-8", "replace")
        if running.process.poll() is not None:
            code = running.process.returncode
            raise NotRunning(f"the platform ended with {code}:\n{said[-3000:]}")
        if "Done." in said:
            return
        time.sleep(0.25)
    raise NotRunning(f"the platform was not ready after {START_SECONDS} s:\n{said[-3000:]}")
