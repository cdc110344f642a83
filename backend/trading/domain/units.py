"""Decimals as the integers the order book works with, and back, both exact."""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

from backend.kernel.errors import AmountInvalid
from backend.kernel.money import checked

SCALE: Final = 6  # one tick and one lot are 10^-6: finer than any price or quantity allowed
PRICE_DECIMALS: Final = 4
QUANTITY_DECIMALS: Final = 6
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])


def to_integer(value: Decimal) -> int:
    """``value`` in units of 10^-6. Raises AmountInvalid when it is finer than that."""
    return int(checked(value, max_scale=SCALE).scaleb(SCALE, context=_EXACT))


def to_decimal(integer: int) -> Decimal:
    """The decimal that ``integer`` units of 10^-6 are, without trailing zeros."""
    exact = Decimal(integer).scaleb(-SCALE, context=_EXACT)
    return checked(exact.normalize(context=_EXACT))


def checked_quantity(value: Decimal) -> Decimal:
    """A quantity that may be ordered. Raises AmountInvalid unless positive, 6 decimals at most."""
    return _positive(value, QUANTITY_DECIMALS, "quantity")


def checked_price(value: Decimal) -> Decimal:
    """A price that may be ordered at. Raises AmountInvalid unless positive, 4 decimals at most."""
    return _positive(value, PRICE_DECIMALS, "price")


def _positive(value: Decimal, decimals: int, what: str) -> Decimal:
    plain = checked(value, max_scale=decimals)
    if plain <= 0:
        raise AmountInvalid(f"The {what} must be greater than zero.", value=format(plain, "f"))
    return plain
