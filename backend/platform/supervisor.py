"""Starts the platform's processes, watches them, and ends them by pid.

Each child reads its standard input: when the supervisor is gone, however it died, the pipe
closes and the child stops by itself. A program that is not ours to tell so has a lifeline instead.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from backend.kernel.errors import DomainError, ErrorCode
from backend.platform.lifeline import Lifeline

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
        self._lifelines: list[Lifeline] = []

    def start(
        self,
        name: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start a process; returns its pid. ``environment`` is for this one alone."""
        surroundings = {**self._environment, **(environment or {})}
        return self._spawn(name, [name, "--supervised", *arguments], surroundings)

    def start_alone(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> int:
        """Start a command that knows nothing of supervisors; returns its pid.

        ``environment`` is all that it gets: nothing of the platform's is added.
        """
        pid = self._spawn(name, arguments, environment)
        self._lifelines.append(Lifeline(pid, signal.SIGTERM))
        return pid

    def output(self, name: str) -> Path:
        """The file that a process's output is added to."""
        return self._logs / f"{name}.log"

    def _spawn(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.output(name).open("ab") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "backend", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
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
        for lifeline in self._lifelines:
            lifeline.cut()
        self._lifelines.clear()
        self._children.clear()

    def _tail(self, name: str) -> str:
        data = self.output(name).read_bytes()[-2_000:]
        return "\n".join(data.decode("utf-8", "replace").splitlines()[-12:])
