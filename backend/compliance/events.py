"""What compliance records: every check with its inputs, limits, breaches, breaker changes."""

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import msgspec

from backend.kernel.errors import ErrorCode
from backend.kernel.events import Event


class CheckName(StrEnum):
    """The rules an order or an exposure is held against."""

    BREAKER_VENUE = "circuit-breaker-venue"
    BREAKER_SECURITY = "circuit-breaker-security"
    CASH_AVAILABLE = "cash-available"
    UNITS_AVAILABLE = "units-available"
    POSITION_UNITS = "position-limit-units"
    POSITION_NOTIONAL = "position-limit-notional"
    POSITION_WEIGHT = "position-limit-weight"
    PRICE_COLLAR = "price-collar"
    LOTS_PER_SALE = "lots-per-sale"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, what it was given (decimals as strings) and whether it held.

    ``code`` is the reason for a refusal: None exactly when the check passed.
    """

    name: CheckName
    passed: bool
    inputs: dict[str, str]
    code: ErrorCode | None = None


class LimitSet(Event, frozen=True):
    """Position limits for a tenant, one of its accounts, one security, or both.

    None for ``account_id`` or ``security_id`` means every one; None for a maximum leaves it to
    the less specific entry. ``max_notional`` is in the traded security's currency, ``max_weight``
    a fraction of the account's net asset value.
    """

    type: ClassVar[str] = "limit.set"

    tenant_id: str
    account_id: str | None
    security_id: str | None
    max_units: Decimal | None
    max_notional: Decimal | None
    max_weight: Decimal | None
    reason: str


class PostTradeChecked(Event, frozen=True):
    """The exposure that one side has after a fill was held against its limits."""

    type: ClassVar[str] = "compliance.post_trade_checked"

    order_id: str
    trade_id: str
    account_id: str
    security_id: str
    passed: bool
    checks: tuple[Check, ...]


class LimitBreached(Event, frozen=True):
    """An exposure exceeds a limit after a fill (EVT-008): one event for each broken limit."""

    type: ClassVar[str] = "compliance.limit_breached"

    order_id: str
    trade_id: str
    account_id: str
    security_id: str
    check: Check


class BreakerTripped(Event, frozen=True):
    """Trading in the scope stops: ``venue`` is everything, else one security's id."""

    type: ClassVar[str] = "breaker.tripped"

    scope: str
    reason: str


class BreakerReset(Event, frozen=True):
    """Trading in the scope goes on."""

    type: ClassVar[str] = "breaker.reset"

    scope: str
    reason: str


EVENTS: tuple[type[Event], ...] = (
    LimitSet,
    PostTradeChecked,
    LimitBreached,
    BreakerTripped,
    BreakerReset,
)
