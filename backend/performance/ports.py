"""What performance needs from outside: the books' history, and raw closes."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from backend.performance.domain.nav import Close
from backend.portfolio.ports import Histories

__all__ = ["Close", "CloseSeries", "Histories"]


class CloseSeries(Protocol):
    """Raw (unadjusted) closes, since the books hold then-current units (C-19)."""

    def closes(self, security_id: str, first: date, last: date) -> Sequence[Close]:
        """The closes up to ``last``, ascending, from the last one on or before ``first`` on.

        Empty when there is none: whether that matters is decided where a value is needed.
        """
        ...
