"""Compliance's use cases. Every method works inside the caller's unit of work.

``pre_trade`` and ``breakers`` keep the circuit breakers as they are until the caller commits.
There is no way around a failed check: no role, no flag.
"""

from collections.abc import Callable, Sequence
from typing import Final

from backend.compliance import store
from backend.compliance.domain import breaker, limits
from backend.compliance.domain.checks import (
    Exposure,
    OrderIntent,
    Policy,
    first_failure,
    post_trade,
    pre_trade,
)
from backend.compliance.errors import CircuitBreakerOpen, SecurityUnknown
from backend.compliance.events import Check, LimitBreached, PostTradeChecked
from backend.compliance.ids import VENUE_SCOPE
from backend.compliance.ports import Breakers, SecurityRegister
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.store import UnitOfWork
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event
from backend.kernel.money import Price

LIMITS: Aggregate[limits.LimitTable] = Aggregate("limits", limits.evolve)
BreakerDecision = Callable[[breaker.Breaker | None, str, str], Sequence[Event]]
BREAKER: Aggregate[breaker.Breaker] = Aggregate("breaker", breaker.evolve)


def _next_check(count: int | None, event: Event) -> int:
    return (count or 0) + 1


DEFAULT_POLICY: Final = Policy()
# The checks made after the fills of one order; nothing is decided from them.
ORDER_CHECKS: Aggregate[int] = Aggregate("compliance", _next_check)


class ComplianceService:
    """Checks before and after trades, limits, and the circuit breakers."""

    def __init__(
        self, register: SecurityRegister, venue_tenant: str, policy: Policy = DEFAULT_POLICY
    ) -> None:
        self._register = register
        self._venue_tenant = venue_tenant
        self._policy = policy

    def breakers(self, uow: UnitOfWork, security_id: str) -> Breakers:
        """The breakers an order in this security depends on, held until ``uow`` ends."""
        store.hold_breakers(uow.connection)
        return store.read_breakers(uow.connection, security_id)

    def require_closed(self, uow: UnitOfWork, security_id: str) -> None:
        """Raise CircuitBreakerOpen when the venue or the security is stopped."""
        scope = self.breakers(uow, security_id).open_scope
        if scope is not None:
            raise CircuitBreakerOpen("Trading is stopped by a circuit breaker.", scope=scope)

    def pre_trade(
        self,
        uow: UnitOfWork,
        intent: OrderIntent,
        exposure: Exposure,
        reference: Price | None,
        *,
        tenant_id: str | None = None,
    ) -> tuple[Check, ...]:
        """All checks of a new order; the caller accepts it only when every one passed."""
        security_id = intent.quantity.security_id
        store.hold_breakers(uow.connection)
        tenant = tenant_id or uow.scope.tenant_id
        found, table = store.read_gate(uow.connection, tenant, intent.account_id, security_id)
        held = table.resolve(intent.account_id, security_id)
        return pre_trade(intent, exposure, held, found, reference, self._policy)

    def post_trade(
        self,
        uow: UnitOfWork,
        *,
        tenant_id: str,
        order_id: str,
        trade_id: str,
        exposure: Exposure,
        mark: Price,
    ) -> tuple[Check, ...]:
        """Hold one side's exposure after a fill against its limits, and record the outcome.

        Writes compliance.post_trade_checked, and compliance.limit_breached for each limit that
        is exceeded: a fill cannot be taken back, but it does not pass unseen (EVT-008).
        """
        security_id = exposure.units_held.security_id
        held = self._limits(uow, exposure.account_id, security_id, tenant_id)
        checks = post_trade(exposure, held, mark)
        about = {
            "order_id": order_id,
            "trade_id": trade_id,
            "account_id": exposure.account_id,
            "security_id": security_id,
        }
        events: list[Event] = [
            PostTradeChecked(**about, passed=first_failure(checks) is None, checks=checks)
        ]
        events += [LimitBreached(**about, check=each) for each in checks if not each.passed]
        uow.append(uow.load(ORDER_CHECKS, order_id, tenant_id=tenant_id), events)
        return checks

    def trip(self, uow: UnitOfWork, scope: str, reason: str) -> breaker.Breaker:
        """Stop the venue or one security, from this commit on. Venue scope only.

        Raises BreakerAlreadyOpen (409 conflict: nothing changes, so repeating is harmless).
        """
        return self._change(uow, scope, reason, breaker.trip)

    def reset(self, uow: UnitOfWork, scope: str, reason: str) -> breaker.Breaker:
        """Let the venue or one security go on. Raises BreakerAlreadyClosed. Venue scope only."""
        return self._change(uow, scope, reason, breaker.reset)

    def set_limit(
        self,
        uow: UnitOfWork,
        tenant_id: str,
        account_id: str | None,
        security_id: str | None,
        wanted: limits.Limits,
        reason: str,
    ) -> limits.Limits:
        """Set a tenant's position limits (venue scope: nobody sets one's own).

        Raises LimitInvalid, SecurityUnknown. Returns the entry as set.
        """
        events = limits.set_limit(tenant_id, account_id, security_id, wanted, reason)
        if security_id is not None:
            self._require_known(uow, security_id)
        uow.append(uow.load(LIMITS, tenant_id, tenant_id=tenant_id), events)
        return wanted

    def _change(
        self, uow: UnitOfWork, scope: str, reason: str, decide: BreakerDecision
    ) -> breaker.Breaker:
        store.change_breakers(uow.connection)
        loaded = uow.load(BREAKER, scope, tenant_id=self._venue_tenant)
        events = decide(loaded.state, scope, reason)
        if scope != VENUE_SCOPE:
            self._require_known(uow, scope)
        uow.append(loaded, events)
        if loaded.state is None:
            raise InvariantBroken("A breaker's change left no state.", scope=scope)
        return loaded.state

    def _require_known(self, uow: UnitOfWork, security_id: str) -> None:
        if not self._register.exists(uow, security_id):
            raise SecurityUnknown("No such security.", security_id=security_id)

    def _limits(
        self, uow: UnitOfWork, account_id: str, security_id: str, tenant_id: str | None
    ) -> limits.Limits:
        tenant = tenant_id or uow.scope.tenant_id
        table = uow.load(LIMITS, tenant, tenant_id=tenant).state or limits.LimitTable({})
        return table.resolve(account_id, security_id)
