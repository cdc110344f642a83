"""What trading refuses, typed."""

from backend.kernel.errors import AmountInvalid, Conflict, DomainError, ErrorCode, NotFound


class OrderUnknown(NotFound):
    """No such order in the caller's tenant."""


class IncrementInvalid(AmountInvalid):
    """A price or a quantity is not a whole multiple of the security's tick or lot."""


class OrderStateInvalid(DomainError):
    """The order's state does not allow this: it is filled, cancelled, rejected or cancelling."""

    code = ErrorCode.ORDER_STATE_INVALID


class ClientOrderIdUsed(Conflict):
    """The account has an order with this client order id already."""


class NotInBook(DomainError):
    """The order is not in the book: it never was, or it was filled or removed."""

    code = ErrorCode.ORDER_STATE_INVALID
