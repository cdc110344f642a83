"""Compliance's tables, each row written from events of one stream."""

from psycopg.types.json import Jsonb

from backend.compliance.domain.breaker import BreakerState
from backend.compliance.events import BreakerReset, BreakerTripped, LimitBreached, LimitSet
from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection

EVERY = "*"  # an id column's value where the limit holds for every account or security


def _on_tripped(db: Connection, e: Recorded[BreakerTripped]) -> None:
    _put_breaker(db, e, BreakerState.OPEN)


def _on_reset(db: Connection, e: Recorded[BreakerReset]) -> None:
    _put_breaker(db, e, BreakerState.CLOSED)


def _put_breaker(
    db: Connection, e: Recorded[BreakerTripped] | Recorded[BreakerReset], state: BreakerState
) -> None:
    db.execute(
        "INSERT INTO circuit_breakers (scope, state, reason, actor, changed_at)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (scope) DO UPDATE SET state = excluded.state,"
        " reason = excluded.reason, actor = excluded.actor, changed_at = excluded.changed_at",
        (e.event.scope, state.value, e.event.reason, e.actor, e.recorded_at),
    )


def _on_limit_set(db: Connection, e: Recorded[LimitSet]) -> None:
    db.execute(
        "INSERT INTO position_limits (tenant_id, account_id, security_id, max_units,"
        " max_notional, max_weight, reason, actor, set_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, account_id, security_id) DO UPDATE SET"
        " max_units = excluded.max_units, max_notional = excluded.max_notional,"
        " max_weight = excluded.max_weight, reason = excluded.reason, actor = excluded.actor,"
        " set_at = excluded.set_at",
        (
            e.tenant_id,
            e.event.account_id or EVERY,
            e.event.security_id or EVERY,
            e.event.max_units,
            e.event.max_notional,
            e.event.max_weight,
            e.event.reason,
            e.actor,
            e.recorded_at,
        ),
    )


def _on_breached(db: Connection, e: Recorded[LimitBreached]) -> None:
    db.execute(
        "INSERT INTO limit_breaches (tenant_id, order_id, trade_id, rule, account_id,"
        " security_id, inputs, breached_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            e.tenant_id,
            e.event.order_id,
            e.event.trade_id,
            e.event.check.name.value,
            e.event.account_id,
            e.event.security_id,
            Jsonb(e.event.check.inputs),
            e.recorded_at,
        ),
    )


PROJECTION = Projection(
    name="compliance",
    tables=("circuit_breakers", "position_limits", "limit_breaches"),
    handlers={
        BreakerTripped: _on_tripped,
        BreakerReset: _on_reset,
        LimitSet: _on_limit_set,
        LimitBreached: _on_breached,
    },
)
