"""Decimals as the integers the order book works with, and back, both exact."""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

from backend.kernel.money import checked

SCALE: Final = 6  # the engine's unit is 10^-6: no tick and no lot is finer (``rules``)
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])


def to_integer(value: Decimal) -> int:
    """``value`` in units of 10^-6. Raises AmountInvalid when it is finer than that."""
    return int(checked(value, max_scale=SCALE).scaleb(SCALE, context=_EXACT))


def to_decimal(integer: int) -> Decimal:
    """The decimal that ``integer`` units of 10^-6 are, without trailing zeros."""
    exact = Decimal(integer).scaleb(-SCALE, context=_EXACT)
    return checked(exact.normalize(context=_EXACT))
