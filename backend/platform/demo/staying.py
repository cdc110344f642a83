"""What the demonstration does while it stays up, so that a person can trade by hand.

A trade settles days later, and a chain without traffic makes no blocks. So blocks are mined
while something waits for them, and when all that a signed trade waits for is its settlement
date, the business clock goes there: an explicit act, told in the terminal, as is what hinders it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError
from backend.platform.bootstrap import Core
from backend.platform.demo.script import Play
from backend.settlement.iso20022 import Reason

_WAITING = """
SELECT EXISTS (SELECT 1 FROM anchors WHERE state <> 'FINAL') OR EXISTS
  (SELECT 1 FROM settlements WHERE state IN ('SIGNED', 'SUBMITTED', 'INCLUDED', 'REORGED'))
  AS waiting
"""
_OPEN = """
SELECT s.trade_id, s.state, s.reasons, s.deadline, (i.terms->>'valid_from')::bigint AS valid_from
FROM settlements AS s
JOIN instructions AS i ON i.trade_id = s.trade_id AND i.direction = 'DELI'
WHERE s.final_at IS NULL AND s.failed_at IS NULL AND s.deadline IS NOT NULL
ORDER BY valid_from, s.trade_id
"""
_NOT_YET = Reason.NOT_YET_VALID.name


class OpenTrade(msgspec.Struct, frozen=True):
    """A trade that has not ended; times in Unix seconds of business time."""

    trade_id: str
    state: str
    reasons: tuple[str, ...]
    deadline: int
    valid_from: int


class Plan(msgspec.Struct, frozen=True):
    """The trade whose settlement date comes next, and why others wait for theirs."""

    next: OpenTrade | None
    notes: tuple[str, ...]


def plan(trades: Sequence[OpenTrade]) -> Plan:
    """What the clock may do; ``trades`` are all that are open, by settlement date.

    It goes to the date of a trade that both parties have signed and that waits for nothing else,
    and never past the deadline of another one.
    """
    notes: list[str] = []
    for trade in trades:
        if trade.state != "SIGNED" or _NOT_YET not in trade.reasons:
            continue
        hindrance = _hindrance(trade, trades)
        if hindrance is None:
            return Plan(trade, tuple(notes))
        notes.append(f"The clock does not go to {_day(trade.valid_from)}: {hindrance}")
    return Plan(None, tuple(notes))


def _hindrance(trade: OpenTrade, trades: Sequence[OpenTrade]) -> str | None:
    others = [each for each in trade.reasons if each != _NOT_YET]
    if others:
        return f"trade {trade.trade_id} waits for more than its date ({', '.join(others)})."
    for each in trades:
        if each.trade_id != trade.trade_id and each.deadline < trade.valid_from:
            return (
                f"trade {each.trade_id} is open, and its deadline on {_day(each.deadline)}"
                " would pass. Sign it first."
            )
    return None


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


class Staying:
    """Looks twice a second at what waits."""

    def __init__(self, play: Play, core: Core) -> None:
        self._play = play
        self._core = core
        self._said: tuple[str, ...] = ()

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
            rows = connection.execute(_OPEN).fetchall()
        found = plan([OpenTrade(**{**row, "reasons": tuple(row["reasons"])}) for row in rows])
        for note in found.notes:
            if note not in self._said:
                self._play.telling.note(note)
        self._said = found.notes
        if found.next is None:
            return
        moment = datetime.fromtimestamp(found.next.valid_from, UTC)
        if moment > self._play.clock.now():
            self._play.telling.note(
                f"Business clock: {self._play.clock.now():%Y-%m-%d} -> {moment:%Y-%m-%d %H:%M} UTC,"
                f" the settlement date of trade {found.next.trade_id}, which both parties have"
                " signed."
            )
        self._play.advance(moment)

    def _is_waiting(self) -> bool:
        """Whether something on chain still needs blocks to become final."""
        with self._core.database.transaction(Scope.auditor()) as connection:
            row = connection.execute(_WAITING).fetchone()
        return bool(row and row["waiting"])
