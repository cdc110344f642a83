"""The checks themselves: pure, every input recorded, none skipped after the first refusal.

Before the trade: both circuit breakers, cash or units, the position limits, the price collar
(the fat-finger check of ESMA's guidelines on automated trading and of SEC rule 15c3-5).
After each fill: the position limits again, with the exposure the account really has. What a
check cannot judge because an input is missing, it refuses.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_UP, Context, Decimal
from typing import TypeVar

import msgspec

from backend.compliance.domain.breaker import Breakers, BreakerState
from backend.compliance.domain.limits import Limits
from backend.compliance.events import Check, CheckName
from backend.compliance.ids import VENUE_SCOPE
from backend.kernel.errors import ErrorCode
from backend.kernel.money import CurrencyMismatch, Money, Price, Quantity, minor_unit
from backend.portfolio.events import Side

_WIDE = Context(prec=80)
M = TypeVar("M", Money, Price)
MAX_LOTS_PER_SALE = 150
"""About 300 bytes a lot: an event holds at most 65,535 bytes, so some 210 lots, with room for
lots that are opened between the order and its booking."""


class Policy(msgspec.Struct, frozen=True):
    """Rules of the venue for all: the collar is the largest distance from the reference price,
    as a fraction of it; None switches the collar off.
    """

    price_collar: Decimal | None = Decimal("0.20")


class OrderIntent(msgspec.Struct, frozen=True):
    """What somebody wants to trade, before it is an order."""

    account_id: str
    side: Side
    quantity: Quantity
    limit_price: Price

    @property
    def cash_needed(self) -> Money:
        """Limit price × quantity, rounded up to the minor unit: what a buy reserves."""
        exact = self.limit_price.times(self.quantity)
        unit = minor_unit(exact.currency)
        return Money(exact.amount.quantize(unit, ROUND_UP, context=_WIDE), exact.currency)


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has and owes in one security, as the books show it now.

    ``units_held`` are booked; ``units_incoming`` may still come from open or unsettled purchases
    (what their reservations cover). ``nav`` is the account's net asset value at last prices,
    None where a price is missing. ``open_lots`` are the units of each open lot, in the
    order in which sales close them.
    """

    account_id: str
    portfolio_id: str
    cash_available: Money
    units_available: Quantity
    units_held: Quantity
    units_incoming: Quantity
    nav: Money | None
    open_lots: tuple[Decimal, ...] = ()


def pre_trade(
    intent: OrderIntent,
    exposure: Exposure,
    limits: Limits,
    breakers: Breakers,
    reference: Price | None,
    policy: Policy,
) -> tuple[Check, ...]:
    """Every check an order must pass, in the order in which the first failure gives the code.

    ``reference`` is the last close. Raises CurrencyMismatch when account, price and reference
    are not in one currency.
    """
    checks = [*_breakers(breakers), _funds(intent, exposure)]
    if intent.side is Side.BUY:
        projected = exposure.units_held + exposure.units_incoming + intent.quantity
        mark = intent.limit_price if reference is None else reference
        checks += _position(projected, mark, exposure.nav, limits)
    elif len(exposure.open_lots) > MAX_LOTS_PER_SALE:
        checks.append(_lots(intent, exposure))
    if policy.price_collar is not None:
        checks.append(_collar(intent.limit_price, reference, policy.price_collar))
    return tuple(checks)


def post_trade(exposure: Exposure, limits: Limits, mark: Price) -> tuple[Check, ...]:
    """The position limits against what the account holds and has coming, at price ``mark``."""
    return tuple(
        _position(exposure.units_held + exposure.units_incoming, mark, exposure.nav, limits)
    )


def first_failure(checks: Iterable[Check]) -> Check | None:
    """The check that decides the refusal, None when all passed."""
    return next((check for check in checks if not check.passed), None)


def _breakers(breakers: Breakers) -> list[Check]:
    named = (
        (CheckName.BREAKER_VENUE, VENUE_SCOPE, breakers.venue),
        (CheckName.BREAKER_SECURITY, breakers.security_id, breakers.security),
    )
    return [
        _check(
            name,
            state is BreakerState.CLOSED,
            ErrorCode.CIRCUIT_BREAKER_OPEN,
            {"scope": scope, "state": state.value},
        )
        for name, scope, state in named
    ]


def _funds(intent: OrderIntent, exposure: Exposure) -> Check:
    if intent.side is Side.BUY:
        needed = intent.cash_needed
        return _check(
            CheckName.CASH_AVAILABLE,
            exposure.cash_available >= needed,
            ErrorCode.INSUFFICIENT_CASH,
            {
                "available": _text(exposure.cash_available.amount),
                "currency": needed.currency,
                "needed": _text(needed.amount),
            },
        )
    return _check(
        CheckName.UNITS_AVAILABLE,
        exposure.units_available >= intent.quantity,
        ErrorCode.INSUFFICIENT_UNITS,
        {
            "available": _text(exposure.units_available.units),
            "needed": _text(intent.quantity.units),
        },
    )


def _lots(intent: OrderIntent, exposure: Exposure) -> Check:
    """A sale is one event that names every lot it closes, and an event has a bounded size."""
    spanned = lots_spanned(exposure.open_lots, intent.quantity.units)
    return _check(
        CheckName.LOTS_PER_SALE,
        spanned <= MAX_LOTS_PER_SALE,
        ErrorCode.COMPLIANCE_REJECTED,
        {"limit": str(MAX_LOTS_PER_SALE), "spanned": str(spanned)},
    )


def lots_spanned(lots: Sequence[Decimal], units: Decimal) -> int:
    """The most lots that a sale of ``units`` can touch, wherever earlier sales left off."""
    most, first, inner = 0, 0, Decimal(0)  # inner: units of the lots strictly between the ends
    for last in range(len(lots)):
        if last - first >= 2:
            inner += lots[last - 1]
        while last - first >= 2 and inner >= units:
            first += 1
            inner -= lots[first]
        most = max(most, last - first + 1)
    return most


def _position(projected: Quantity, mark: Price, nav: Money | None, limits: Limits) -> list[Check]:
    value = mark.times(projected)
    checks = []
    if limits.max_units is not None:
        inputs = {"limit": _text(limits.max_units), "projected": _text(projected.units)}
        checks.append(_limit(CheckName.POSITION_UNITS, projected.units <= limits.max_units, inputs))
    if limits.max_notional is not None:
        inputs = {
            "currency": value.currency,
            "limit": _text(limits.max_notional),
            "price": _text(mark.amount),
            "projected": _text(value.amount),
        }
        passed = value.amount <= limits.max_notional
        checks.append(_limit(CheckName.POSITION_NOTIONAL, passed, inputs))
    if limits.max_weight is not None:
        checks.append(_weight(value, nav, limits.max_weight))
    return checks


def _weight(value: Money, nav: Money | None, limit: Decimal) -> Check:
    inputs = {"limit": _text(limit), "projected": _text(value.amount)}
    if nav is None:
        return _check(
            CheckName.POSITION_WEIGHT,
            False,
            ErrorCode.PRICE_UNAVAILABLE,
            {**inputs, "nav": "unavailable"},
        )
    # Multiplied, not divided: exact, and a worthless account needs no case of its own.
    allowed = _WIDE.multiply(_in(value.currency, nav).amount, limit)
    inputs = {**inputs, "currency": nav.currency, "nav": _text(nav.amount)}
    return _limit(CheckName.POSITION_WEIGHT, value.amount <= allowed, inputs)


def _collar(price: Price, reference: Price | None, collar: Decimal) -> Check:
    inputs = {"collar": _text(collar), "price": _text(price.amount)}
    if reference is None:
        return _check(
            CheckName.PRICE_COLLAR,
            False,
            ErrorCode.PRICE_UNAVAILABLE,
            {**inputs, "reference": "unavailable"},
        )
    reference = _in(price.currency, reference)
    distance = abs(_WIDE.subtract(price.amount, reference.amount))
    passed = distance <= _WIDE.multiply(reference.amount, collar)
    return _check(
        CheckName.PRICE_COLLAR,
        passed,
        ErrorCode.PRICE_OUTSIDE_COLLAR,
        {**inputs, "currency": reference.currency, "reference": _text(reference.amount)},
    )


def _in(currency: str, amount: M) -> M:
    if amount.currency != currency:
        raise CurrencyMismatch(
            "Account, price and reference are not in one currency.",
            left=currency,
            right=amount.currency,
        )
    return amount


def _limit(name: CheckName, passed: bool, inputs: dict[str, str]) -> Check:
    return _check(name, passed, ErrorCode.POSITION_LIMIT_EXCEEDED, inputs)


def _check(name: CheckName, passed: bool, code: ErrorCode, inputs: dict[str, str]) -> Check:
    return Check(name=name, passed=passed, inputs=inputs, code=None if passed else code)


def _text(value: Decimal) -> str:
    return format(value, "f")
