"""The platform's processes under a supervisor that restarts whatever ends, as operators' do."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from scripts.crash import child

KINDS = ("api", "sequencer", "worker", "anchorer")
# A process that begins while a server is away says so and ends; it is simply begun again.
EXPECTED_ENDS = ("database-unavailable", "node-unavailable", "lease-lost")
STOP_SECONDS = 20.0
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Running:
    """One process. ``armed`` is the fault point it was started with."""

    name: str
    process: BaseProcess
    lifeline: Connection
    armed: str | None
    log_begins: int
    killed: bool = False

    @property
    def kind(self) -> str:
        return self.name.split("-")[0]


@dataclass(frozen=True)
class Ended:
    """How a process ended. ``point`` is set when it killed itself there."""

    name: str
    kind: str
    exit_code: int
    killed: bool
    point: str | None
    words: str

    @property
    def is_expected(self) -> bool:
        """Killed, or gone with a typed error about something that passes."""
        if self.killed or self.point is not None:
            return True
        said = [line.partition(":")[0] for line in self.words.splitlines()]
        return "Traceback" not in self.words and any(each in EXPECTED_ENDS for each in said)


class Company:
    """Starts, kills and restarts processes. ``arms`` chooses the fault point of each start."""

    def __init__(
        self,
        environment: Mapping[str, str],
        logs: Path,
        port: int,
        ended: Callable[[Ended], None],
        arms: Callable[[str], str | None] = lambda kind: None,
    ) -> None:
        self._environment = {**os.environ, **environment}
        self._logs = logs
        self._ended = ended
        self._arms = arms
        self._context = child.context()
        self._running: dict[str, Running] = {}
        self._patches: dict[str, str] = {}
        self._lock = threading.RLock()
        self._paused = threading.Event()
        self._closing = threading.Event()
        self._arguments = {
            "api": ("serve", "--port", str(port)),
            "sequencer": ("sequencer",),
            "worker": ("worker",),
            "anchorer": ("anchorer",),
        }
        logs.mkdir(parents=True, exist_ok=True)
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

    def start(self, name: str, armed: str | None = None, patch: str | None = None) -> None:
        """Start ``name`` (its kind, or kind-NUMBER); ``patch`` stays for its restarts."""
        if patch is not None:
            self._patches[name] = patch
        kind = name.split("-")[0]
        environment = dict(self._environment)
        if armed is not None:
            environment["TALLYSTICK_FAULTS"] = armed
        theirs, ours = self._context.Pipe(duplex=False)
        log = self._logs / f"{name}.log"
        begins = log.stat().st_size if log.exists() else 0
        process = self._context.Process(
            target=child.run,
            args=(
                (*self._arguments[kind], "--supervised"),
                environment,
                str(log),
                theirs,
                self._patches.get(name),
            ),
            name=name,
        )
        with self._lock:
            process.start()
            theirs.close()
            self._running[name] = Running(name, process, ours, armed, begins)

    def replace(self, name: str, armed: str | None = None, patch: str | None = None) -> None:
        """End ``name`` at once and start it anew, armed or patched; without a patch, mended."""
        with self._lock:
            running = self._running.pop(name)
            running.process.kill()
            running.process.join()
            running.lifeline.close()
            self._patches.pop(name, None)
            self.start(name, armed, patch)

    def rearm(self, name: str, point: str) -> None:
        """End ``name`` in good order, so that its leases are free, and start it armed."""
        with self._lock:
            running = self._running.pop(name)
            running.process.terminate()
            running.process.join(STOP_SECONDS)
            running.lifeline.close()
            self.start(name, point)

    def names(self) -> list[str]:
        with self._lock:
            return list(self._running)

    def armed(self) -> dict[str, str]:
        """The points that processes carry now, by process."""
        with self._lock:
            return {name: each.armed for name, each in self._running.items() if each.armed}

    def kill(self, name: str) -> bool:
        """SIGKILL; False when it was not running."""
        with self._lock:
            running = self._running.get(name)
            if running is None or running.process.pid is None or not running.process.is_alive():
                return False
            running.killed = True
            os.kill(running.process.pid, signal.SIGKILL)
            return True

    def pause(self) -> None:
        """Restart nothing while a server is away on purpose."""
        self._paused.set()

    def go_on(self) -> None:
        self._paused.clear()

    def stop(self) -> None:
        """SIGTERM to all, then what does not answer is killed."""
        self._closing.set()
        self._watcher.join()
        with self._lock:
            for each in self._running.values():
                each.process.terminate()
            end = time.monotonic() + STOP_SECONDS
            for each in self._running.values():
                each.process.join(max(0.1, end - time.monotonic()))
                if each.process.is_alive():
                    each.process.kill()
                    each.process.join()
                each.lifeline.close()
            self._running.clear()

    def _watch(self) -> None:
        while not self._closing.wait(0.05):
            if self._paused.is_set():
                continue
            with self._lock:
                gone = [each for each in self._running.values() if not each.process.is_alive()]
                for each in gone:
                    self._restart(each)

    def _restart(self, running: Running) -> None:
        running.lifeline.close()
        code = running.process.exitcode or 0
        by_point = code == -signal.SIGKILL and not running.killed and running.armed is not None
        self._ended(
            Ended(
                running.name,
                running.kind,
                code,
                running.killed,
                running.armed.split(":")[0] if by_point and running.armed else None,
                self._last_words(running),
            )
        )
        unmet = None if by_point else running.armed  # it ended before it came to its point
        self.start(running.name, self._arms(running.kind) or unmet)

    def _last_words(self, running: Running) -> str:
        path = self._logs / f"{running.name}.log"
        if not path.exists():
            return ""
        said = path.read_bytes()[running.log_begins :][-3_000:]
        return "\n".join(_ANSI.sub("", said.decode("utf-8", "replace")).splitlines()[-6:])
