"""The chain's state file, and a second copy of it.

Anvil rewrites the file in place at every state interval, so whoever kills it in that moment
leaves half a file, and Anvil does not start from half a file. We keep the last complete version
beside it and put it back when needed. A chain that cannot be read is an error, never a reason to
begin a new one: anchors of the log lie in it.
"""

import json
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.kernel.errors import NodeUnavailable

# The last member of the document (Anvil 1.7): present in the tail only when all was written.
_LAST_MEMBER = b'"historical_states":'
_TAIL_BYTES = 64


@dataclass(frozen=True)
class ChainHead:
    """Number and time (seconds since 1970) of the newest block in a state file."""

    number: int
    timestamp: int


class StateFile:
    """``state.json`` of one chain and ``state.previous.json``, its last complete version."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.json"
        self._previous = folder / "state.previous.json"
        self._kept_size = -1

    def restore(self) -> ChainHead | None:
        """Make ``path`` readable for Anvil and return its head; None when there is no chain yet.

        Raises ``NodeUnavailable`` when there is a chain and neither version can be read.
        """
        present = [path for path in (self.path, self._previous) if path.exists()]
        if not present:
            return None
        for candidate in present:
            head = _read_head(candidate)
            if head is not None:
                if candidate != self.path:
                    _replace(candidate, self.path)
                return head
        raise NodeUnavailable(
            "The state file of the chain is damaged, and so is its copy. Restore it from a "
            "backup; the log's anchors are in that chain, so no new one is begun silently.",
            path=str(self.path),
        )

    def keep(self) -> bool:
        """Copy the file if it is complete and has changed; whether a copy was made."""
        with suppress(FileNotFoundError):
            before = self.path.stat()
            if before.st_size != self._kept_size and _is_complete(self.path):
                if not _replace(self.path, self._previous, expected=before):
                    return False  # Anvil wrote meanwhile; the next turn copies what it wrote
                self._kept_size = before.st_size
                return True
        return False


class StateKeeper:
    """A thread that calls ``StateFile.keep`` every ``interval`` seconds until stopped."""

    def __init__(self, state: StateFile, interval: float) -> None:
        self._state = state
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chain-state", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            self._state.keep()


def _read_head(path: Path) -> ChainHead | None:
    try:
        block = json.loads(path.read_bytes())["block"]
        return ChainHead(int(block["number"], 16), int(block["timestamp"], 16))
    except (ValueError, KeyError, TypeError):
        return None


def _is_complete(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    return _LAST_MEMBER in tail and tail.endswith(b"}")


def _replace(source: Path, target: Path, expected: os.stat_result | None = None) -> bool:
    """Copy by rename, so that ``target`` is always whole; False if ``source`` moved on."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, draft)
    now = source.stat()
    changed = expected is not None and (now.st_size, now.st_mtime_ns) != (
        expected.st_size,
        expected.st_mtime_ns,
    )
    if changed:
        draft.unlink()
    else:
        draft.replace(target)
    return not changed
