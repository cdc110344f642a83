"""What can go wrong when performance is calculated."""

from backend.kernel.errors import DomainError, ErrorCode, ValueInvalid


class PriceMissing(DomainError):
    """A held security has no close on or before the day it must be valued on."""

    code = ErrorCode.PRICE_UNAVAILABLE


class IntervalInvalid(ValueInvalid):
    """The interval ends before it begins, or is too long."""
