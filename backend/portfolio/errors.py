"""What can go wrong in the books, typed."""

from backend.kernel.errors import Conflict, DomainError, ErrorCode, NotFound, ValueInvalid
from backend.kernel.money import Money, Quantity


class InsufficientCash(DomainError):
    """The free cash (balance less reservations) does not cover what is needed."""

    code = ErrorCode.INSUFFICIENT_CASH

    def __init__(self, available: Money, needed: Money) -> None:
        super().__init__(
            "The account does not have enough free cash.",
            available=format(available.amount, "f"),
            needed=format(needed.amount, "f"),
            currency=needed.currency,
        )
        self.available = available
        self.needed = needed


class InsufficientUnits(DomainError):
    """The free units (position less reservations) do not cover what is needed."""

    code = ErrorCode.INSUFFICIENT_UNITS

    def __init__(self, available: Quantity, needed: Quantity) -> None:
        super().__init__(
            "The account does not have enough free units.",
            available=format(available.units, "f"),
            needed=format(needed.units, "f"),
            security_id=needed.security_id,
        )
        self.available = available
        self.needed = needed


class AlreadyRecorded(Conflict):
    """The id of a deposit, reservation, release or trade was used with other content."""


class ReservationMismatch(Conflict):
    """A reservation of the other kind (cash for units or the reverse) was named."""


class ReservationUnknown(NotFound):
    """No such reservation was ever made in this account."""


class ReservationExceeded(DomainError):
    """More was to be released than the reservation still holds."""

    code = ErrorCode.RESERVATION_EXCEEDED


class EvidenceUsed(DomainError):
    """The on-chain transfer was already recorded as another deposit, somewhere here."""

    code = ErrorCode.DEPOSIT_EVIDENCE_USED


class DepositUnproven(DomainError):
    """The chain does not show the transfer that the deposit claims."""

    code = ErrorCode.DEPOSIT_UNPROVEN


class LotMethodUnsupported(ValueInvalid):
    """The lot method is in the schema, but the books do not calculate it yet."""


class PortfolioUnknown(NotFound):
    """No such portfolio in the caller's tenant."""


class AccountUnknown(NotFound):
    """No such account in the caller's tenant."""


class WalletUnknown(DomainError):
    """The wallet is not bound to the caller's tenant."""

    code = ErrorCode.WALLET_UNKNOWN
