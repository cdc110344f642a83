"""What can be wrong with market data or with who provides it."""

from backend.kernel.errors import DomainError, ErrorCode


class PriceUnavailable(DomainError):
    """No price or rate is known for the day, or the last one is older than was allowed."""

    code = ErrorCode.PRICE_UNAVAILABLE


class ProviderUnavailable(DomainError):
    """The provider did not answer in time, refused for now, or is not installed."""

    code = ErrorCode.PROVIDER_UNAVAILABLE
    retryable = True


class ProviderResponseInvalid(DomainError):
    """The provider answered, but the answer cannot be used; nothing of it is kept."""

    code = ErrorCode.PROVIDER_RESPONSE_INVALID


class SymbolUnknown(ProviderResponseInvalid):
    """The provider has no such symbol, or nothing of it in the period."""


class BlobMissing(DomainError):
    """The bytes of a recorded hash are not in the store; restore them before replaying."""

    code = ErrorCode.BLOB_MISSING


class BlobCorrupt(DomainError):
    """The stored bytes do not have the recorded hash, or are not what the event says."""

    code = ErrorCode.BLOB_CORRUPT
