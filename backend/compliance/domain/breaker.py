"""A circuit breaker: closed lets trading flow, open (tripped) stops it. There is no override."""

from enum import StrEnum

import msgspec

from backend.compliance.errors import BreakerAlreadyClosed, BreakerAlreadyOpen
from backend.compliance.events import BreakerReset, BreakerTripped
from backend.compliance.ids import VENUE_SCOPE, checked_scope
from backend.kernel.errors import ValueInvalid

_MAX_REASON = 500


class BreakerState(StrEnum):
    """Closed is normal, as in the electrical one."""

    CLOSED = "closed"
    OPEN = "open"


class Breaker(msgspec.Struct, frozen=True):
    """One scope's breaker; one that was never touched is closed."""

    scope: str
    state: BreakerState
    reason: str


class Breakers(msgspec.Struct, frozen=True):
    """The two breakers that an order in one security must find closed."""

    security_id: str
    venue: BreakerState = BreakerState.CLOSED
    security: BreakerState = BreakerState.CLOSED

    @property
    def closed(self) -> bool:
        return self.venue is BreakerState.CLOSED and self.security is BreakerState.CLOSED

    @property
    def open_scope(self) -> str | None:
        """The widest scope that is stopped, None when trading flows."""
        if self.venue is BreakerState.OPEN:
            return VENUE_SCOPE
        return self.security_id if self.security is BreakerState.OPEN else None


def evolve(state: Breaker | None, event: BreakerTripped | BreakerReset) -> Breaker:
    """The breaker after the event."""
    tripped = isinstance(event, BreakerTripped)
    return Breaker(event.scope, BreakerState.OPEN if tripped else BreakerState.CLOSED, event.reason)


def trip(state: Breaker | None, scope: str, reason: str) -> list[BreakerTripped]:
    """Stop trading. Raises BreakerAlreadyOpen; ValueInvalid without scope or reason."""
    checked_scope(scope)
    if state is not None and state.state is BreakerState.OPEN:
        raise BreakerAlreadyOpen(
            "The circuit breaker is tripped already.", scope=scope, since=state.reason
        )
    return [BreakerTripped(scope=scope, reason=_checked_reason(reason))]


def reset(state: Breaker | None, scope: str, reason: str) -> list[BreakerReset]:
    """Let trading go on. Raises BreakerAlreadyClosed; ValueInvalid without scope or reason."""
    checked_scope(scope)
    if state is None or state.state is BreakerState.CLOSED:
        raise BreakerAlreadyClosed("The circuit breaker is not tripped.", scope=scope)
    return [BreakerReset(scope=scope, reason=_checked_reason(reason))]


def _checked_reason(reason: str) -> str:
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise ValueInvalid(f"A breaker needs a reason of 1 to {_MAX_REASON} characters.")
    return reason
