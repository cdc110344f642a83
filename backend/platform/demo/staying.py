"""What the demonstration does while it stays up, so that a person can trade by hand.

A trade settles days later, and a chain without traffic makes no blocks. So blocks are mined
while something waits for them, and when all that a signed trade waits for is its settlement
date, the business clock goes there: an explicit act, told in the terminal.
"""

from datetime import UTC, datetime

from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError
from backend.platform.bootstrap import Core
from backend.platform.demo.script import Play

_WAITING = """
SELECT EXISTS (SELECT 1 FROM anchors WHERE state <> 'FINAL') OR EXISTS
  (SELECT 1 FROM settlements WHERE state IN ('SIGNED', 'SUBMITTED', 'INCLUDED', 'REORGED'))
  AS waiting
"""
# Both parties have signed, and the settlement date is the only reason left.
_NEXT_DATE = """
SELECT s.trade_id, (i.terms->>'valid_from')::bigint AS valid_from
FROM settlements AS s
JOIN instructions AS i ON i.trade_id = s.trade_id AND i.direction = 'DELI'
WHERE s.state = 'SIGNED' AND s.reasons = ARRAY['NOT_YET_VALID']
ORDER BY valid_from LIMIT 1
"""


class Staying:
    """Looks twice a second at what waits."""

    def __init__(self, play: Play, core: Core) -> None:
        self._play = play
        self._core = core

    def look(self) -> None:
        """Do what there is to do now. Raises ProcessDied when a process is gone.

        A database or node that is away is waited for: the processes do the same.
        """
        self._play.check_processes()
        try:
            self._open_next_date()
            if self._is_waiting():
                self._play.chain.mine()
        except DomainError as error:
            if not error.retryable:
                raise

    def _open_next_date(self) -> None:
        with self._core.database.transaction(Scope.auditor()) as connection:
            row = connection.execute(_NEXT_DATE).fetchone()
        if row is None:
            return
        moment = datetime.fromtimestamp(row["valid_from"], UTC)
        if moment > self._play.clock.now():
            trade = row["trade_id"]
            self._play.telling.note(
                f"Business clock: {self._play.clock.now():%Y-%m-%d} -> {moment:%Y-%m-%d %H:%M} UTC,"
                f" the settlement date of trade {trade}, which both parties have signed."
            )
        self._play.advance(moment)

    def _is_waiting(self) -> bool:
        """Whether something on chain still needs blocks to become final."""
        with self._core.database.transaction(Scope.auditor()) as connection:
            row = connection.execute(_WAITING).fetchone()
        return bool(row and row["waiting"])
