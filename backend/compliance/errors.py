"""What compliance refuses, typed."""

from backend.kernel.errors import Conflict, DomainError, ErrorCode, NotFound, ValueInvalid


class CircuitBreakerOpen(DomainError):
    """Trading in the scope is stopped; the same request may pass after a reset."""

    code = ErrorCode.CIRCUIT_BREAKER_OPEN
    retryable = True


class BreakerAlreadyOpen(Conflict):
    """The breaker is tripped already: nothing is recorded, and it stays tripped."""


class BreakerAlreadyClosed(Conflict):
    """The breaker is not tripped: nothing is recorded."""


class LimitInvalid(ValueInvalid):
    """A limit is not positive, or a weight is above one."""


class SecurityUnknown(NotFound):
    """No such security: a breaker or limit cannot be set for it."""

    code = ErrorCode.SECURITY_UNKNOWN
