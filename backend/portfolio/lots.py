"""Tax lots: which of them a sale consumes, and what each slice costs and earns.

Order key is (acquisition date, order of booking) for FIFO, its reverse for LIFO, highest unit
cost first for HIFO (ties: FIFO). Pro-rata shares are booked one after another out of what is
left, so the last slice takes the remainder and nothing is lost to rounding.
"""

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction

import msgspec

from backend.kernel.money import Money, Quantity
from backend.portfolio.errors import InsufficientUnits, LotMethodUnsupported
from backend.portfolio.events import ClosedLot, LotMethod


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """An open lot: the units left of one acquisition and the cost left with them."""

    lot_id: str
    sequence: int
    acquired_on: date
    units: Quantity
    cost: Money


def _fifo(lot: Lot) -> tuple[int, int]:
    return (lot.acquired_on.toordinal(), lot.sequence)


def _lifo(lot: Lot) -> tuple[int, int]:
    return (-lot.acquired_on.toordinal(), -lot.sequence)


def _hifo(lot: Lot) -> tuple[Fraction, int, int]:
    return (-Fraction(lot.cost.amount) / Fraction(lot.units.units), *_fifo(lot))


_ORDER: dict[LotMethod, Callable[[Lot], tuple[Fraction | int, ...]]] = {
    LotMethod.FIFO: _fifo,
    LotMethod.LIFO: _lifo,
    LotMethod.HIFO: _hifo,
}


def supported(method: LotMethod) -> LotMethod:
    """``method`` if sales can be calculated with it, else LotMethodUnsupported."""
    if method not in _ORDER:
        raise LotMethodUnsupported("The lot method is not available yet.", method=method.value)
    return method


def consume(
    lots: Iterable[Lot], method: LotMethod, quantity: Quantity, net_proceeds: Money
) -> tuple[ClosedLot, ...]:
    """The slices of ``lots`` that selling ``quantity`` consumes, in order of consumption.

    ``net_proceeds`` is what the sale brings after fees, booked; the slices' proceeds add up to
    it exactly. Raises InsufficientUnits when the lots do not hold enough.
    """
    closed: list[ClosedLot] = []
    units_left, proceeds_left = quantity, net_proceeds
    for lot in sorted(lots, key=_ORDER[supported(method)]):
        if units_left.units == 0:
            break
        units = min(lot.units, units_left, key=lambda q: q.units)
        proceeds = proceeds_left.share(units.units, units_left.units)
        closed.append(_closed(lot, units, proceeds))
        units_left, proceeds_left = units_left - units, proceeds_left - proceeds
    if units_left.units > 0:
        raise InsufficientUnits(quantity - units_left, quantity)
    return tuple(closed)


def without(lots: Iterable[Lot], closed: Iterable[ClosedLot]) -> tuple[Lot, ...]:
    """The open lots that remain after the slices in ``closed`` are taken out."""
    taken = {slice_.lot_id: slice_ for slice_ in closed}
    left = (
        msgspec.structs.replace(
            lot, units=lot.units - taken[lot.lot_id].units, cost=lot.cost - taken[lot.lot_id].cost
        )
        if lot.lot_id in taken
        else lot
        for lot in lots
    )
    return tuple(lot for lot in left if lot.units.units > 0)


def _closed(lot: Lot, units: Quantity, proceeds: Money) -> ClosedLot:
    cost = lot.cost.share(units.units, lot.units.units)
    return ClosedLot(
        lot_id=lot.lot_id,
        acquired_on=lot.acquired_on,
        units=units,
        cost=cost,
        proceeds=proceeds,
        realised_gain=proceeds - cost,
    )
