"""The increments of a security's market: tick and lot, such that no fill is ever rounded.

A fill's price is the limit of a resting order and its quantity the smaller of two remainders, so
both are whole multiples of tick and lot once every order's are. Where tick × lot is a whole
number of minor units, price × quantity of every possible fill is therefore exact in the currency:
what a buy reserves (limit × quantity) is the sum of the shares of its fills, no fill can cost
more than its share, and none can be worth nothing.

Reference terms: Regulation NMS rule 612 (17 CFR 242.612) sets the least pricing increment of US
equities, 0.01 for prices of 1.00 and more and 0.0001 below; shares trade in round and odd lots of
whole shares (17 CFR 242.600, "round lot", "odd-lot"). This slice uses the smallest rule that holds
for every fill: one minor unit and one share. It is coarser than rule 612 below 1.00, which a
venue may be; a finer tick needs a lot that makes up for it, and ``TradingRules`` demands one.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, Self

import msgspec

from backend.kernel.errors import AmountInvalid, ValueInvalid
from backend.kernel.money import Price, Quantity, checked, minor_unit
from backend.trading.errors import IncrementInvalid

_EXACT: Final = Context(prec=80, traps=[Inexact, InvalidOperation])
_ONE_UNIT: Final = Decimal(1)


class TradingRules(msgspec.Struct, frozen=True, kw_only=True):
    """What prices and quantities of one security may be: whole multiples of tick and lot.

    ``tick`` in the security's currency per unit, ``lot`` in units. Raises ValueInvalid unless
    both are positive and tick × lot is a whole number of the currency's minor units.
    """

    currency: str
    tick: Decimal
    lot: Decimal

    def __post_init__(self) -> None:
        least = minor_unit(self.currency)
        for name, value in (("tick", self.tick), ("lot", self.lot)):
            if checked(value, max_scale=6) <= 0:
                raise ValueInvalid("An increment is greater than zero.", field=name)
        if not _is_multiple(_EXACT.multiply(self.tick, self.lot), least):
            raise ValueInvalid(
                "A fill of one lot at one tick would not be whole minor units.",
                tick=_text(self.tick),
                lot=_text(self.lot),
                minor_unit=_text(least),
            )

    @classmethod
    def standard(cls, currency: str) -> Self:
        """One minor unit of the currency and one share. Raises ValueInvalid (currency)."""
        return cls(currency=currency, tick=minor_unit(currency), lot=_ONE_UNIT)

    def price(self, amount: Decimal) -> Price:
        """A price that may be ordered at. Raises AmountInvalid, IncrementInvalid."""
        return Price(_increments(amount, self.tick, "price"), self.currency)

    def quantity(self, units: Decimal, security_id: str) -> Quantity:
        """A quantity that may be ordered. Raises AmountInvalid, IncrementInvalid."""
        return Quantity(_increments(units, self.lot, "quantity"), security_id)


def _increments(value: Decimal, increment: Decimal, what: str) -> Decimal:
    plain = checked(value)
    if plain <= 0:
        raise AmountInvalid(f"The {what} must be greater than zero.", value=_text(plain))
    if not _is_multiple(plain, increment):
        raise IncrementInvalid(
            f"The {what} must be a whole multiple of {_text(increment)}.",
            field=what,
            value=_text(plain)[:64],
            increment=_text(increment),
        )
    return plain


def _is_multiple(value: Decimal, increment: Decimal) -> bool:
    return _EXACT.remainder(value, increment) == 0


def _text(value: Decimal) -> str:
    return format(value, "f")
