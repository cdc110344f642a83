"""File locks between processes, released by the kernel however a process ends.

A pid written to a file outlives the process that wrote it (and the pid is given to another one
later); a ``flock`` does not. So "who uses this server" is a shared lock, and "am I the last"
is the question whether that lock can be made exclusive.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.02


@contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock file alone for the length of the block.

    Waits up to ``timeout`` seconds, then raises ``TimeoutError``.
    """
    descriptor = _open(path)
    try:
        _acquire(descriptor, path, timeout)
        yield
    finally:
        os.close(descriptor)


class Holders:
    """The processes that use one server, as shared holders of one lock file.

    ``join`` and ``leave`` belong inside an ``exclusive`` block of another lock, so that nobody
    can join between "I am the last" and the stop that follows it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def join(self) -> None:
        """Become a holder; joining twice changes nothing."""
        if self._descriptor is None:
            descriptor = _open(self._path)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            self._descriptor = descriptor

    def leave(self) -> bool:
        """Stop being a holder; True if nobody else holds it now. False if we never held it."""
        if self._descriptor is None:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _acquire(descriptor: int, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{path} was still locked after {timeout:g} s") from None
            time.sleep(_POLL_SECONDS)
