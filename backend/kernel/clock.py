"""Time comes in as a parameter: a clock that tells business time, always aware UTC."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Business time. In production it is real time; a demonstration may run in the past."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, UTC."""
        ...


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ShiftedClock:
    """Another clock moved by a fixed offset that may be advanced."""

    def __init__(self, base: Clock, offset: timedelta) -> None:
        self._base = base
        self.offset = offset

    def now(self) -> datetime:
        return self._base.now() + self.offset


class FixedClock:
    """A clock that stands still until it is set: for tests and replays."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def timestamp(moment: datetime) -> str:
    """RFC 3339 UTC with exactly six fractional digits, as events carry it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def today(clock: Clock) -> date:
    """The business date in UTC."""
    return clock.now().date()
