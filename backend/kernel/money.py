"""Money, Quantity and Price: frozen decimals with their unit. Float never touches them.

Amounts are plain decimals: at most 18 decimal places and 20 integer digits, so that every
amount fits a uint128 of 18-decimal token units and survives JSON as a string.
"""

import re
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from typing import Self

import msgspec

from backend.kernel.errors import AmountInvalid, DomainError, ErrorCode, ValueInvalid

MAX_SCALE = 18
MAX_INTEGER_DIGITS = 20
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
_WIDE = Context(prec=80)

# ISO 4217 minor units of the currencies the packaged rates know; others are refused.
MINOR_UNITS = {
    "AUD": 2, "BGN": 2, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CYP": 2, "CZK": 2, "DKK": 2,
    "EEK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HRK": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2,
    "ISK": 0, "JPY": 0, "KRW": 0, "LTL": 2, "LVL": 2, "MTL": 2, "MXN": 2, "MYR": 2, "NOK": 2,
    "NZD": 2, "PHP": 2, "PLN": 2, "ROL": 2, "RON": 2, "RUB": 2, "SEK": 2, "SGD": 2, "SIT": 2,
    "SKK": 2, "THB": 2, "TRL": 0, "TRY": 2, "USD": 2, "ZAR": 2,
}  # fmt: skip


class CurrencyMismatch(DomainError):
    """Two amounts of different currencies met in one operation."""

    code = ErrorCode.CURRENCY_MISMATCH


class UnitMismatch(DomainError):
    """Quantities of different securities met in one operation."""

    code = ErrorCode.UNIT_MISMATCH


def parse_decimal(text: str, *, max_scale: int = MAX_SCALE) -> Decimal:
    """The decimal that ``text`` writes plainly: no exponent, sign only ``-``, no leading zeros.

    Raises AmountInvalid for anything else, including ``1e5``, ``NaN``, ``+1`` and ``.5``.
    """
    if _PLAIN.fullmatch(text) is None:
        raise AmountInvalid("The amount is not a plain decimal number.", value=text[:64])
    return checked(Decimal(text), max_scale=max_scale)


def checked(value: Decimal, *, max_scale: int = MAX_SCALE) -> Decimal:
    """``value`` without exponent notation, or AmountInvalid when it is outside the limits."""
    if not value.is_finite():
        raise AmountInvalid("The amount is not a finite number.", value=str(value))
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > max_scale:
        raise AmountInvalid(
            f"The amount has more than {max_scale} decimal places.", value=format(value, "f")[:64]
        )
    if value.adjusted() >= MAX_INTEGER_DIGITS:
        raise AmountInvalid(f"The amount has more than {MAX_INTEGER_DIGITS} integer digits.")
    if exponent > 0:
        return value.quantize(Decimal(1), context=_EXACT)
    return value if value != 0 or not value.is_signed() else abs(value)


def minor_unit(currency: str) -> Decimal:
    """The smallest booked amount of a currency (USD: 0.01), by ISO 4217."""
    try:
        return Decimal(1).scaleb(-MINOR_UNITS[currency])
    except KeyError:
        raise ValueInvalid("The currency is not known.", currency=str(currency)[:16]) from None


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount of one currency, exact. Round with ``booked`` where money is booked."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        minor_unit(self.currency)
        msgspec.structs.force_setattr(self, "amount", checked(self.amount))

    @classmethod
    def of(cls, text: str, currency: str) -> Self:
        """Money from plain decimal text. Raises AmountInvalid or ValueInvalid."""
        return cls(parse_decimal(text), currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(Decimal(0), currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(_WIDE.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(_WIDE.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def booked(self) -> "Money":
        """Rounded half up to the currency's minor unit: only at booking (C-18)."""
        unit = minor_unit(self.currency)
        return Money(self.amount.quantize(unit, ROUND_HALF_UP, context=_WIDE), self.currency)

    def share(self, part: Decimal, whole: Decimal) -> "Money":
        """``self × part / whole``, booked. The caller gives the last slice the remainder."""
        if whole <= 0:
            raise InvalidShare("A share needs a positive whole.", whole=str(whole))
        exact = _WIDE.divide(_WIDE.multiply(self.amount, part), whole)
        unit = minor_unit(self.currency)
        return Money(exact.quantize(unit, ROUND_HALF_UP, context=_WIDE), self.currency)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(
                "Amounts of different currencies cannot be combined.",
                left=self.currency,
                right=other.currency,
            )
        return other.amount


class InvalidShare(ValueInvalid):
    """A proportional share of nothing was asked for."""


class Quantity(msgspec.Struct, frozen=True, order=False):
    """Units of one security, exact, with at most ``SCALE`` decimal places (fractional shares)."""

    SCALE = 6

    units: Decimal
    security_id: str

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "units", checked(self.units, max_scale=6))

    @classmethod
    def of(cls, text: str, security_id: str) -> Self:
        """A quantity from plain decimal text. Raises AmountInvalid."""
        return cls(parse_decimal(text, max_scale=6), security_id)

    @classmethod
    def zero(cls, security_id: str) -> Self:
        return cls(Decimal(0), security_id)

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.units + self._same(other), self.security_id)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.units - self._same(other), self.security_id)

    def __neg__(self) -> "Quantity":
        return Quantity(-self.units, self.security_id)

    def __lt__(self, other: "Quantity") -> bool:
        return self.units < self._same(other)

    def __le__(self, other: "Quantity") -> bool:
        return self.units <= self._same(other)

    def __gt__(self, other: "Quantity") -> bool:
        return self.units > self._same(other)

    def __ge__(self, other: "Quantity") -> bool:
        return self.units >= self._same(other)

    def _same(self, other: "Quantity") -> Decimal:
        if other.security_id != self.security_id:
            raise UnitMismatch(
                "Quantities of different securities cannot be combined.",
                left=self.security_id,
                right=other.security_id,
            )
        return other.units


class Price(msgspec.Struct, frozen=True, order=False):
    """Money per unit of a security, at most 6 decimal places, greater than zero."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        minor_unit(self.currency)
        msgspec.structs.force_setattr(self, "amount", checked(self.amount, max_scale=6))
        if self.amount <= 0:
            raise AmountInvalid("A price must be greater than zero.", value=str(self.amount))

    @classmethod
    def of(cls, text: str, currency: str) -> Self:
        """A price from plain decimal text. Raises AmountInvalid or ValueInvalid."""
        return cls(parse_decimal(text, max_scale=6), currency)

    def times(self, quantity: Quantity) -> Money:
        """What ``quantity`` is worth at this price, unrounded."""
        return Money(_WIDE.multiply(self.amount, quantity.units), self.currency)
