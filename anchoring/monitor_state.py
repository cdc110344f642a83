"""What a monitor remembers between rounds: one JSON file, replaced as a whole.

Beside it lie the state of the walk over the entries (``NAME.walk``) and the evidence of what went
wrong, named by kind and content so that the same finding is written once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from anchoring.errors import MalformedInput, StorageError
from anchoring.findings import Finding, Kind

MAX_SIGHTINGS = 1_000


class OpenAlert(msgspec.Struct):
    """A finding that has not cleared. ``told``: the receiver has the message of its state."""

    kind: str
    subject: str
    message: str
    evidence: list[str]
    first_seen: int
    told: bool = False
    is_cleared: bool = False

    def finding(self) -> Finding:
        """Return the finding."""
        return Finding(Kind(self.kind), self.subject, self.message, tuple(self.evidence))


class MonitorState(msgspec.Struct, forbid_unknown_fields=True):
    """``checkpoint`` is the last one that was consistent with all before it, ``seen_at`` when it
    was first seen, ``sightings`` when which size was first seen (seconds since 1970),
    ``witnessed_at`` when a head with the quorum was last seen.
    """

    version: int = 1
    origin: str = ""
    checkpoint: bytes = b""
    seen_at: int = 0
    witnessed_at: int = 0
    keys: bytes = b""
    sightings: list[tuple[int, int]] = msgspec.field(default_factory=list)
    alerts: list[OpenAlert] = msgspec.field(default_factory=list)

    def sight(self, size: int, now: int) -> None:
        """Remember when the log was first seen to have ``size`` entries."""
        if not self.sightings or size > self.sightings[-1][0]:
            self.sightings.append((size, now))
        if len(self.sightings) > MAX_SIGHTINGS:
            # The oldest stays: it is how long the oldest entry has waited.
            self.sightings = [self.sightings[0], *self.sightings[1::2]]

    def forget(self, size: int) -> None:
        """Drop the sightings that an anchor of ``size`` entries has caught up with."""
        self.sightings = [item for item in self.sightings if item[0] > size]

    def seen_since(self, size: int) -> int | None:
        """Return when the log was first seen to have more than ``size`` entries."""
        return next((time for known, time in self.sightings if known > size), None)


class StateFile:
    """The file; held by one monitor at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def walk_path(self) -> Path:
        """Return where the walk over the entries keeps its own state."""
        return self.path.with_name(f"{self.path.name}.walk")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other monitors away; raises StorageError when one is there."""
        try:
            with self.path.with_name(f"{self.path.name}.lock").open("ab") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise StorageError(f"another monitor uses {self.path}") from error
                yield
        except OSError as error:
            raise StorageError(f"cannot use {self.path}: {error.strerror}") from error

    def load(self) -> MonitorState:
        """Return what was saved last; raises MalformedInput when it cannot be read."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=MonitorState)
        except FileNotFoundError:
            return MonitorState()
        except OSError as error:
            raise StorageError(f"cannot read {self.path}: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise MalformedInput(f"{self.path} is not a monitor's state: {error}") from error

    def save(self, state: MonitorState) -> None:
        """Replace the file; a crash leaves the old one or the new one. Raises StorageError."""
        self._write(self.path, msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")

    def keep_evidence(self, kind: Kind, what: str, data: bytes) -> str:
        """Keep ``data`` beside the state; returns the file's name."""
        digest = hashlib.sha256(data).hexdigest()[:12]
        path = self.path.with_name(f"{self.path.name}.{kind.value}-{digest}.{what}")
        if not path.exists():
            self._write(path, data)
        return path.name

    def keep_checkpoints(self, kind: Kind, *checkpoints: bytes) -> tuple[str, ...]:
        """Keep checkpoints as evidence; returns the files' names."""
        return tuple(self.keep_evidence(kind, "checkpoint", data) for data in checkpoints)

    def _write(self, path: Path, data: bytes) -> None:
        draft = path.with_name(f"{path.name}~")
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
