"""What can be wrong with reference data."""

from backend.kernel.errors import Conflict, DomainError, ErrorCode, ValueInvalid


class IdentifierInvalid(ValueInvalid):
    """Not an identifier of the named standard: wrong form or wrong check digit."""

    code = ErrorCode.IDENTIFIER_INVALID


class SecurityUnknown(DomainError):
    """No security (or cash token) is registered under this identifier."""

    code = ErrorCode.SECURITY_UNKNOWN


class DuplicateSecurity(Conflict):
    """The ISIN, or the ticker on that market, already belongs to a registered security."""

    code = ErrorCode.SECURITY_DUPLICATE


class TokenConflict(Conflict):
    """The security or currency has another token, or the token stands for something else."""


class CalendarUnknown(DomainError):
    """No calendar or settlement rule is known for this market on this date."""

    code = ErrorCode.CALENDAR_UNKNOWN
