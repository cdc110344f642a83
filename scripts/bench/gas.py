"""Gas of whole transactions, beside what DESIGN §6 allows, the floor and the nearest peer.

``scripts.gas`` measures on a new chain; here its rows become figures. The settlement is shown
beside the floor contract of the same run, everything else beside the peer's figure where there is
one. Less is better: a ratio below 1 is cheaper than what it stands beside.
"""

import re
from collections.abc import Sequence

from scripts.bench.report import Figure
from scripts.gas import Row, measure

SETTLE = "settle, both sign, relayed, warm"
FIRST = "settle, both sign, first of a pair"
FLOORS = {
    SETTLE: "floor: two transfers, two signatures, bit, event",
    FIRST: "floor, first of a pair",
}
_PEER = re.compile(r"(?P<name>.*?) (?P<gas>[0-9]{1,3}(?:,[0-9]{3})+)")


def figures() -> list[Figure]:
    """One figure a case; the settlements, which have a floor, stand beside it as well."""
    return from_rows(measure())


def from_rows(rows: Sequence[Row]) -> list[Figure]:
    """The rows as figures. A row without a target has no verdict."""
    gas = {row.case: row.gas for row in rows}
    found = []
    for row in rows:
        found.append(_figure(row, *_peer(row)))
        if row.case in FLOORS:
            found.append(_figure(row, "floor, same run", gas[FLOORS[row.case]]))
    return found


def _figure(row: Row, beside: str, reference: float | None) -> Figure:
    aim = f"≤ {row.target:,}" if row.target is not None else ""
    met = None if row.target is None else row.gas <= row.target
    return Figure(row.case, row.gas, "gas", beside, reference, aim, met)


def _peer(row: Row) -> tuple[str, float | None]:
    """The peer's name and gas, where the row states both to the unit."""
    found = _PEER.fullmatch(row.peer)
    if found is None:
        return row.peer, None
    return found["name"], float(found["gas"].replace(",", ""))
