"""Typed errors: one enum of stable codes, one base class; mapped to HTTP once, at the edge."""

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """Stable, documented codes; the value is the last part of the problem's ``type`` URI."""

    AMOUNT_INVALID = "amount-invalid"
    VALUE_INVALID = "value-invalid"
    CURRENCY_MISMATCH = "currency-mismatch"
    UNIT_MISMATCH = "unit-mismatch"
    REQUEST_MALFORMED = "request-malformed"
    REQUEST_TOO_LARGE = "request-too-large"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    CONCURRENCY_CONFLICT = "concurrency-conflict"
    IDEMPOTENCY_KEY_MISSING = "idempotency-key-missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    IDEMPOTENCY_KEY_IN_PROGRESS = "idempotency-key-in-progress"
    CURSOR_INVALID = "cursor-invalid"
    SECURITY_UNKNOWN = "security-unknown"
    SECURITY_DUPLICATE = "security-duplicate"
    CALENDAR_UNKNOWN = "calendar-unknown"
    BLOB_MISSING = "blob-missing"
    BLOB_CORRUPT = "blob-corrupt"
    IDENTIFIER_INVALID = "identifier-invalid"
    PRICE_UNAVAILABLE = "price-unavailable"
    PROVIDER_UNAVAILABLE = "provider-unavailable"
    PROVIDER_RESPONSE_INVALID = "provider-response-invalid"
    INSUFFICIENT_CASH = "insufficient-cash"
    INSUFFICIENT_UNITS = "insufficient-units"
    RESERVATION_EXCEEDED = "reservation-exceeded"
    POSITION_LIMIT_EXCEEDED = "position-limit-exceeded"
    PRICE_OUTSIDE_COLLAR = "price-outside-collar"
    CIRCUIT_BREAKER_OPEN = "circuit-breaker-open"
    COMPLIANCE_REJECTED = "compliance-rejected"
    ORDER_STATE_INVALID = "order-state-invalid"
    SETTLEMENT_STATE_INVALID = "settlement-state-invalid"
    SIGNATURE_INVALID = "signature-invalid"
    SIGNATURE_WRONG_SIGNER = "signature-wrong-signer"
    SIGNATURE_WRONG_DOMAIN = "signature-wrong-domain"
    DEADLINE_EXPIRED = "deadline-expired"
    ALREADY_SETTLED = "already-settled"
    WALLET_UNKNOWN = "wallet-unknown"
    DEPOSIT_UNPROVEN = "deposit-unproven"
    DEPOSIT_EVIDENCE_USED = "deposit-evidence-used"
    DATABASE_UNAVAILABLE = "database-unavailable"
    DATABASE_NOT_MIGRATED = "database-not-migrated"
    NODE_UNAVAILABLE = "node-unavailable"
    CHAIN_MISMATCH = "chain-mismatch"
    CHAIN_REWOUND = "chain-rewound"
    TRANSACTION_REVERTED = "transaction-reverted"
    CONFIGURATION_INVALID = "configuration-invalid"
    TOOL_MISSING = "tool-missing"
    KEY_UNAVAILABLE = "key-unavailable"
    TOO_MANY_STREAMS = "too-many-streams"
    OVERLOADED = "overloaded"
    LEASE_LOST = "lease-lost"
    LOG_INCONSISTENT = "log-inconsistent"
    PROOF_NOT_READY = "proof-not-ready"
    EVENT_UNREADABLE = "event-unreadable"
    INVARIANT_BROKEN = "invariant-broken"


class DomainError(Exception):
    """Base of every expected failure: a code, a sentence for a person, and context values.

    ``retryable`` says whether the same request may succeed later without being changed.
    """

    code: ClassVar[ErrorCode]
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class InvariantBroken(DomainError):
    """A state that the domain rules exclude was met; nothing is written."""

    code = ErrorCode.INVARIANT_BROKEN


class ValueInvalid(DomainError):
    """A value does not have the form or range its type demands."""

    code = ErrorCode.VALUE_INVALID


class AmountInvalid(ValueInvalid):
    """Not a plain decimal (no exponent, no NaN), or too many digits, or the wrong sign."""

    code = ErrorCode.AMOUNT_INVALID


class NotFound(DomainError):
    """No such object, or not visible to the caller (the two are not told apart)."""

    code = ErrorCode.NOT_FOUND


class Forbidden(DomainError):
    """The caller is known but may not do this."""

    code = ErrorCode.FORBIDDEN


class Conflict(DomainError):
    """The request contradicts what is already recorded."""

    code = ErrorCode.CONFLICT


class DatabaseUnavailable(DomainError):
    """The database does not answer, or closed the connection in the middle; nothing was kept."""

    code = ErrorCode.DATABASE_UNAVAILABLE
    retryable = True


class NodeUnavailable(DomainError):
    """The chain's node cannot be started or does not answer; nothing was done."""

    code = ErrorCode.NODE_UNAVAILABLE
    retryable = True


class ChainMismatch(DomainError):
    """A node answers, but for another chain, or without the contract that was configured."""

    code = ErrorCode.CHAIN_MISMATCH


class KeyUnavailable(DomainError):
    """A key file cannot be read or made, is open to others, or the password is wrong."""

    code = ErrorCode.KEY_UNAVAILABLE
