"""Starts the platform's processes, watches them, and ends them by pid.

Each child reads its standard input: when the supervisor is gone, however it died, the pipe
closes and the child stops by itself.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from backend.kernel.errors import DomainError, ErrorCode

STOP_SECONDS = 15.0


class ProcessDied(DomainError):
    """One of the platform's processes ended by itself."""

    code = ErrorCode.INVARIANT_BROKEN


class Supervisor:
    """Runs ``python -m backend NAME`` for each name, with output in a file of its own."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = {**os.environ, **environment}
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start a process; returns its pid. ``environment`` is for this one alone."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{name}.log").open("ab") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "backend", name, "--supervised", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self._environment, **(environment or {})},
                start_new_session=True,
            )
        self._children[name] = child
        return child.pid

    def check(self) -> None:
        """Raise ProcessDied with the end of its log when a process is gone."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ProcessDied(
                    f"The {name} process ended with code {child.returncode}:\n{self._tail(name)}"
                )

    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._children.items()}

    def stop(self) -> None:
        """End all: ask, wait, then kill what does not answer."""
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdin is not None:
                child.stdin.close()
        self._children.clear()

    def _tail(self, name: str) -> str:
        data = (self._logs / f"{name}.log").read_bytes()[-2_000:]
        return "\n".join(data.decode("utf-8", "replace").splitlines()[-12:])
