"""What can go wrong between the platform and its event store."""

from backend.kernel.errors import DomainError, ErrorCode


class ConcurrencyConflict(DomainError):
    """Someone else appended to the stream first; load it again and decide again."""

    code = ErrorCode.CONCURRENCY_CONFLICT
    retryable = True


class LeaseLost(DomainError):
    """Another process holds the lease now; everything of this batch is rolled back."""

    code = ErrorCode.LEASE_LOST
    retryable = True


class LogInconsistent(DomainError):
    """The feed, the tree or a published checkpoint contradict each other."""

    code = ErrorCode.LOG_INCONSISTENT
