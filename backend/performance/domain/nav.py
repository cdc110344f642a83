"""Net asset value per calendar day, by trade date, from movements and raw closes.

Value = cash + units x last raw close on or before the day, each position booked half up to
the minor unit. A close that is not of the day is carried, and its age is told; a security
without any close so far is an error, never 0. Splits are not in the books of this slice:
raw closes fall at a split while the units stay, so an interval that holds a position across a
split shows a loss that is none. (C-19: adjusted closes are no way out, dividends would count
twice.)
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from backend.kernel.money import Money, Price, Quantity
from backend.performance.errors import IntervalInvalid, PriceMissing

MAX_DAYS = 366 * 50
_ZERO = Decimal(0)
PositionKey = tuple[str, str]


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """What one booking changed; amounts in the portfolio's currency, units per position.

    ``cost`` is the change of the book cost of open lots; ``brought_in`` the cost of units that
    came from outside, ``external_cash`` cash from (positive) or to the outside.
    """

    on: date
    cash: Decimal = _ZERO
    units: Mapping[PositionKey, Decimal] = {}
    cost: Decimal = _ZERO
    realised: Decimal = _ZERO
    fees: Decimal = _ZERO
    external_cash: Decimal = _ZERO
    external_units: bool = False


class Close(msgspec.Struct, frozen=True):
    """A raw close of a day."""

    on: date
    price: Price


class DayValue(msgspec.Struct, frozen=True, kw_only=True):
    """The portfolio at the end of a day, and what came in and went out on it.

    ``realised``, ``brought_in`` (unrealised gain that units in kind brought with them) and
    ``fees`` are of this day alone. ``oldest_close`` is the oldest price the value rests on.
    """

    on: date
    cash: Money
    securities: Money
    cost: Money
    inflow: Money
    outflow: Money
    realised: Money
    brought_in: Money
    fees: Money
    oldest_close: date | None

    @property
    def value(self) -> Money:
        """Cash and securities: the net asset value."""
        return self.cash + self.securities

    @property
    def unrealised(self) -> Money:
        """Market value less book cost of what is held."""
        return self.securities - self.cost

    @property
    def stale_days(self) -> int:
        """Age in days of the oldest close used; 0 when nothing is held."""
        return (self.on - self.oldest_close).days if self.oldest_close else 0


def daily_values(
    movements: Iterable[Movement],
    closes: Mapping[str, Sequence[Close]],
    currency: str,
    first: date,
    last: date,
) -> tuple[DayValue, ...]:
    """One value per calendar day from ``first`` to ``last``, both included.

    ``closes`` are ascending by day and reach back to before ``first``. Movements up to
    ``first`` make the opening. Raises IntervalInvalid, PriceMissing, CurrencyMismatch.
    """
    if not first <= last <= first + timedelta(days=MAX_DAYS):
        raise IntervalInvalid(
            f"The interval must not be empty, nor longer than {MAX_DAYS} days.",
            first=first.isoformat(),
            last=last.isoformat(),
        )
    by_day: dict[date, list[Movement]] = defaultdict(list)
    for movement in movements:
        by_day[max(movement.on, first)].append(movement)
    book = _Book(closes, currency)
    return tuple(book.day(on, by_day.get(on, []), opening=on == first) for on in _days(first, last))


class _Book:
    """The running totals of one valuation."""

    def __init__(self, closes: Mapping[str, Sequence[Close]], currency: str) -> None:
        self._closes = closes
        self._days = {name: [close.on for close in series] for name, series in closes.items()}
        self._currency = currency
        self._cash = self._cost = Money.zero(currency)
        self._units: dict[PositionKey, Decimal] = defaultdict(Decimal)

    def day(self, on: date, movements: Sequence[Movement], *, opening: bool) -> DayValue:
        """Apply a day's movements and value what is held then; an opening has no flows."""
        zero = Money.zero(self._currency)
        inflow, outflow, realised, brought_in, fees = zero, zero, zero, zero, zero
        for each in movements:
            self._apply(each)
            if opening:
                continue
            flow, brought = self._external(each, on)
            inflow, outflow = (inflow + flow, outflow) if flow >= zero else (inflow, outflow - flow)
            brought_in = brought_in + brought
            realised = realised + self._money(each.realised)
            fees = fees + self._money(each.fees)
        securities, oldest = self._securities(on)
        return DayValue(
            on=on,
            cash=self._cash,
            securities=securities,
            cost=self._cost,
            inflow=inflow,
            outflow=outflow,
            realised=realised,
            brought_in=brought_in,
            fees=fees,
            oldest_close=oldest,
        )

    def _apply(self, movement: Movement) -> None:
        self._cash = self._cash + self._money(movement.cash)
        self._cost = self._cost + self._money(movement.cost)
        for key, units in movement.units.items():
            self._units[key] += units
            if self._units[key] == 0:
                del self._units[key]

    def _external(self, movement: Movement, on: date) -> tuple[Money, Money]:
        """The external flow (units at market value) and the unrealised gain it brought."""
        cash = self._money(movement.external_cash)
        if not movement.external_units:
            return cash, Money.zero(self._currency)
        market = Money.zero(self._currency)
        for (_, security_id), units in movement.units.items():
            market = market + self._worth(security_id, units, on)[0]
        return cash + market, market - self._money(movement.cost)

    def _securities(self, on: date) -> tuple[Money, date | None]:
        total, oldest = Money.zero(self._currency), None
        for (_, security_id), units in self._units.items():
            worth, priced = self._worth(security_id, units, on)
            total = total + worth
            oldest = priced if oldest is None else min(oldest, priced)
        return total, oldest

    def _worth(self, security_id: str, units: Decimal, on: date) -> tuple[Money, date]:
        index = bisect_right(self._days.get(security_id, []), on)
        if index == 0:
            raise PriceMissing(
                "A held security has no price yet on this day.",
                security_id=security_id,
                on=on.isoformat(),
            )
        close = self._closes[security_id][index - 1]
        return close.price.times(Quantity(units, security_id)).booked(), close.on

    def _money(self, amount: Decimal) -> Money:
        return Money(amount, self._currency)


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
