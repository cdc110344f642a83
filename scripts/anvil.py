"""A throw-away Anvil chain for tests and measurements.

Started from the native binary on a free port, killed by pid when the context ends.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from web3 import HTTPProvider, Web3

from scripts.forge import native_tool

# Osaka is mainnet's fork; with --enable-tx-gas-limit Anvil refuses what EIP-7825 refuses there.
HARDFORK = "osaka"
# Fixed, so that calldata, and with it gas, is the same in every run: 2027-01-15T08:00:00Z.
GENESIS_TIME = 1_800_000_000
START_TIMEOUT_SECONDS = 20.0


class AnvilFailed(RuntimeError):
    """Anvil ended, or did not answer in time; the message carries what it printed."""


def free_port() -> int:
    """A TCP port that was free a moment ago (Anvil cannot say which port it chose itself)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_anvil() -> Iterator[Web3]:
    """A connection to a new chain; `finalized` is two blocks behind the latest.

    Raises:
        AnvilFailed: it did not come up.
        FileNotFoundError: npm has not installed it.
    """
    port = free_port()
    command = [str(native_tool("anvil")), "--port", str(port), "--hardfork", HARDFORK, "--quiet"]
    command += [
        "--slots-in-an-epoch",
        "1",
        "--enable-tx-gas-limit",
        "--timestamp",
        str(GENESIS_TIME),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        web3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}", request_kwargs={"timeout": 60}))
        _await_answer(web3, process)
        yield web3
    finally:
        process.kill()
        process.communicate()


def _await_answer(web3: Web3, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START_TIMEOUT_SECONDS
    while not web3.is_connected():
        if process.poll() is not None:
            raise AnvilFailed(f"anvil ended with {process.returncode}: {process.communicate()[1]}")
        if time.monotonic() > end:
            raise AnvilFailed(f"anvil did not answer within {START_TIMEOUT_SECONDS:.0f} s")
        time.sleep(0.02)
