"""One way to run a step again and again: promptly when busy, patiently when something is down."""

import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from anchoring.errors import AnchoringError, FenceLost, RpcError
from backend.kernel.errors import DomainError

MAX_PAUSE_SECONDS = 5.0


class Loop:
    """Runs steps until it is told to stop. A step returns whether it found work.

    Before each one the file ``pulse`` is touched, so that others see that it goes round.
    """

    def __init__(
        self, name: str, stop: threading.Event, idle_seconds: float, pulse: Path | None = None
    ) -> None:
        self._log = structlog.get_logger(process=name)
        self._stop = stop
        self._idle = idle_seconds
        self._pulse = pulse
        self._failures = 0

    def run(self, step: Callable[[], bool]) -> None:
        """Until ``stop``. What may pass by itself is waited out with full jitter.

        Any other error (a broken invariant, a log that contradicts itself) ends the process:
        going on would hide it.
        """
        while not self._stop.is_set():
            self._beat()
            try:
                busy = step()
            except (DomainError, AnchoringError) as error:
                if not _passes(error):
                    raise
                self._wait_out(error)
                continue
            if self._failures:
                self._log.info("recovered", failures=self._failures)
                self._failures = 0
            if not busy:
                self._stop.wait(self._idle)

    def _beat(self) -> None:
        """A sign of life; a disk that takes none ends no process."""
        if self._pulse is not None:
            with suppress(OSError):
                self._pulse.touch()

    def _wait_out(self, error: Exception) -> None:
        self._failures += 1
        if self._failures in (1, 10, 100) or self._failures % 1_000 == 0:
            code = getattr(error, "code", type(error).__name__)
            self._log.warning("waiting", code=str(code), detail=str(error), times=self._failures)
        ceiling = min(MAX_PAUSE_SECONDS, 0.05 * 2 ** min(self._failures, 10))
        self._stop.wait(random.uniform(0, ceiling))  # noqa: S311 - jitter, not a secret


def _passes(error: Exception) -> bool:
    if isinstance(error, DomainError):
        return error.retryable
    return isinstance(error, RpcError | FenceLost)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set, so that a step always finishes."""
    stop = threading.Event()

    def request_stop(_number: int, _frame: Any) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    return stop
