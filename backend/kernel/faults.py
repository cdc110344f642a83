"""Named fault points: places where a crash test ends the process, as ``kill -9`` would.

A point does nothing until it is armed, and only a process on a development chain may be armed
(``TALLYSTICK_FAULTS``, refused by the settings elsewhere). A point is written ``NAME`` or
``NAME:N``: the process kills itself when it comes there for the Nth time. The names are those
of ``POINTS``, and three for every type of event: ``TYPE.decided`` (nothing is written),
``TYPE.inserted`` (written with its read models, not committed), ``TYPE.committed``.
"""

import os
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from backend.kernel.errors import DomainError, ErrorCode

POINTS: Mapping[str, str] = MappingProxyType(
    {
        "matching.committed": "the matching cursor moved with its effect",
        "settlement.instructing.committed": "the instructing cursor moved with its effect",
        "settlement.matching.committed": "the consents' cursor moved with its effect",
        "settlement.books.committed": "one side of a settlement is booked, the other not yet",
        "settlement.claimed": "a settlement is leased, nothing was looked at",
        "settlement.looked": "the chain was looked at, nothing is recorded",
        "settlement.broadcast": "the node has the transaction, the worker has no answer yet",
        "sequencer.moved": "events have positions, no checkpoint is signed, nothing is committed",
        "sequencer.signed": "the checkpoint is signed and not committed",
        "sequencer.committed": "the checkpoint is committed, no tile is written",
        "publication.tiles_half": "some of a batch's tiles are in place, the others are not",
        "publication.tiles_written": "all tiles are written, the head is not locked",
        "publication.locked": "the head is locked, the checkpoint is not published",
        "publication.published": "the checkpoint is published, the keys file may be old",
        "index.computed": "the stream index's root is computed, its event is not written",
        "anchor.broadcast": "the node has the anchor, its inclusion is not recorded",
        "anchor.evidence": "the evidence is on disk, the event that names it is not written",
    }
)
STAGES = ("decided", "inserted", "committed")
_FORM = re.compile(r"(?P<name>[a-z_]+(?:\.[a-z_]+)+)(?::(?P<nth>[1-9][0-9]{0,5}))?")


class FaultUnknown(DomainError):
    """No such fault point, or a malformed one."""

    code = ErrorCode.CONFIGURATION_INVALID


class Faults:
    """The armed points of one process, by name, with how often each may still be passed."""

    def __init__(self, die: Callable[[], None]) -> None:
        self._left: dict[str, int] = {}
        self._die = die

    def arm(self, text: str, event_types: Iterable[str]) -> None:
        """Arm the comma-separated points of ``text``. Raises FaultUnknown."""
        known = {*POINTS, *(f"{each}.{stage}" for each in event_types for stage in STAGES)}
        for item in filter(None, (each.strip() for each in text.split(","))):
            form = _FORM.fullmatch(item)
            if form is None or form["name"] not in known:
                raise FaultUnknown(f"There is no fault point {item[:80]!r}.")
            self._left[form["name"]] = int(form["nth"] or 1)

    def reach(self, name: str) -> None:
        """Come to a point: where it is armed and its turn has come, the process ends here."""
        if name not in self._left:
            return
        self._left[name] -= 1
        if self._left[name] == 0:
            self._die()

    def reach_all(self, event_types: Iterable[str], stage: str) -> None:
        """Come to a stage of each of these events; free of cost while nothing is armed."""
        if self._left:
            for each in event_types:
                self.reach(f"{each}.{stage}")


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS = Faults(_kill)
"""This process's own points. A crash is a property of a process, so this one thing is global."""
