"""Circuit breakers, limits and breaches over HTTP."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import StringConstraints

from backend.compliance import store
from backend.compliance.domain.breaker import Breaker, BreakerState
from backend.compliance.domain.limits import Limits
from backend.compliance.ids import checked_scope
from backend.compliance.service import ComplianceService
from backend.eventstore.scope import Scope
from backend.eventstore.store import EventStore, UnitOfWork, retrying
from backend.kernel.money import parse_decimal
from backend.web.auth import ROLES, Authenticator, Principal
from backend.web.models import DecimalOut, EdgeModel, Identifier, PositiveDecimalText
from backend.web.paging import MAX_LIMIT

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
BreakerScope = Annotated[
    str, Path(max_length=80, description="'venue' for everything, else a security's id")
]
Reader = Callable[..., Principal]


class BreakerChange(EdgeModel):
    """Why trading is stopped or goes on."""

    reason: Reason


class BreakerModel(EdgeModel):
    """A circuit breaker: ``open`` means that trading in the scope is stopped."""

    scope: str
    state: BreakerState
    reason: str | None
    actor: str | None = None
    changed_at: datetime | None = None


class NewLimit(EdgeModel):
    """Limits of a tenant; without account or security they hold for every one."""

    tenant_id: Identifier
    account_id: Identifier | None = None
    security_id: Identifier | None = None
    max_units: PositiveDecimalText | None = None
    max_notional: PositiveDecimalText | None = None
    max_weight: PositiveDecimalText | None = None
    reason: Reason


class LimitModel(EdgeModel):
    """A limit as set; ``*`` stands for every account or security."""

    account_id: str
    security_id: str
    max_units: DecimalOut | None
    max_notional: DecimalOut | None
    max_weight: DecimalOut | None
    reason: str
    actor: str
    set_at: datetime


class BreachModel(EdgeModel):
    """A limit that was exceeded after a fill."""

    account_id: str
    security_id: str
    order_id: str
    trade_id: str
    rule: str
    inputs: dict[str, str]
    breached_at: datetime


def router(service: ComplianceService, events: EventStore, auth: Authenticator) -> APIRouter:
    """The routes of compliance below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["compliance"])
    _add_breakers(routes, service, events, auth)
    _add_limits(routes, service, events, auth)
    return routes


def _add_breakers(
    routes: APIRouter, service: ComplianceService, events: EventStore, auth: Authenticator
) -> None:
    operator = auth.require("operator")

    @routes.get("/circuit-breakers")
    def list_breakers(
        who: Annotated[Principal, Depends(auth.require(*ROLES))],
    ) -> list[BreakerModel]:
        """The venue's breaker, and that of every security whose trading was ever stopped."""
        with events.database.transaction(who.scope) as db:
            return [BreakerModel(**row) for row in store.list_breakers(db)]

    @routes.post("/circuit-breakers/{scope}/trip")
    def trip_breaker(
        request: Request,
        scope: BreakerScope,
        body: BreakerChange,
        who: Annotated[Principal, Depends(operator)],
    ) -> BreakerModel:
        """Stop trading in a scope. 409 ``conflict`` when it is stopped already, without effect."""
        return _change(request, who, events, lambda uow: service.trip(uow, scope, body.reason))

    @routes.post("/circuit-breakers/{scope}/reset")
    def reset_breaker(
        request: Request,
        scope: BreakerScope,
        body: BreakerChange,
        who: Annotated[Principal, Depends(operator)],
    ) -> BreakerModel:
        """Let trading in a scope go on. 409 ``conflict`` when it is not stopped."""
        return _change(request, who, events, lambda uow: service.reset(uow, scope, body.reason))


def _change(
    request: Request,
    who: Principal,
    events: EventStore,
    change: Callable[[UnitOfWork], Breaker],
) -> BreakerModel:
    checked_scope(request.path_params["scope"])

    def work() -> BreakerModel:
        with events.transaction(Scope.venue(), who.caller(request)) as uow:
            breaker = change(uow)
            at = uow.now
        return BreakerModel(
            scope=breaker.scope,
            state=breaker.state,
            reason=breaker.reason,
            actor=who.actor,
            changed_at=at,
        )

    return retrying(work)


def _add_limits(
    routes: APIRouter, service: ComplianceService, events: EventStore, auth: Authenticator
) -> None:
    reader = auth.require("investor", "trader")

    @routes.get("/limits")
    def list_limits(who: Annotated[Principal, Depends(reader)]) -> list[LimitModel]:
        """The position limits set for the caller's tenant."""
        with events.database.transaction(who.scope) as db:
            return [LimitModel(**row) for row in store.list_limits(db, who.tenant_id)]

    @routes.put("/limits", status_code=204)
    def set_limit(
        request: Request,
        body: NewLimit,
        who: Annotated[Principal, Depends(auth.require("operator"))],
    ) -> None:
        """Set a participant's position limits: the venue's right, never the participant's own."""

        def work() -> None:
            with events.transaction(Scope.venue(), who.caller(request)) as uow:
                service.set_limit(
                    uow,
                    body.tenant_id,
                    body.account_id,
                    body.security_id,
                    _limits(body),
                    body.reason,
                )

        retrying(work)

    @routes.get("/limit-breaches")
    def list_breaches(
        who: Annotated[Principal, Depends(reader)],
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    ) -> list[BreachModel]:
        """The caller's newest limit breaches."""
        with events.database.transaction(who.scope) as db:
            return [BreachModel(**row) for row in store.list_breaches(db, who.tenant_id, limit)]


def _limits(body: NewLimit) -> Limits:
    texts = (body.max_units, body.max_notional, body.max_weight)
    return Limits(*(None if text is None else parse_decimal(text) for text in texts))
