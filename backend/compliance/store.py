"""Reads of compliance's tables."""

from collections.abc import Mapping
from typing import Any

from backend.compliance.domain.breaker import Breakers, BreakerState
from backend.compliance.domain.limits import Limits, LimitTable
from backend.compliance.ids import VENUE_SCOPE
from backend.compliance.projections import EVERY
from backend.eventstore.scope import Connection

# One key for all breakers: whoever relies on one being closed holds it shared until commit, so
# when a trip has returned, no transaction is under way that saw the breaker closed before.
_BREAKER_LOCK = 4_715_083_311
_GATE = """
SELECT scope, state, NULL::text AS account_id, NULL::text AS security_id,
  NULL::numeric AS max_units, NULL::numeric AS max_notional, NULL::numeric AS max_weight
FROM circuit_breakers WHERE scope = ANY(%s)
UNION ALL
SELECT NULL, NULL, account_id, security_id, max_units, max_notional, max_weight
FROM position_limits
WHERE tenant_id = %s AND account_id = ANY(%s) AND security_id = ANY(%s)
"""


def hold_breakers(db: Connection) -> None:
    """Keep every breaker as it is until this transaction ends (shared with others who do)."""
    db.execute("SELECT pg_advisory_xact_lock_shared(%s)", (_BREAKER_LOCK,))


def change_breakers(db: Connection) -> None:
    """Wait for those who hold the breakers, and keep new ones out until this transaction ends."""
    db.execute("SELECT pg_advisory_xact_lock(%s)", (_BREAKER_LOCK,))


def read_breakers(db: Connection, security_id: str) -> Breakers:
    """The venue's breaker and this security's; one that has no row was never tripped."""
    rows = db.execute(
        "SELECT scope, state FROM circuit_breakers WHERE scope = ANY(%s)",
        ([VENUE_SCOPE, security_id],),
    ).fetchall()
    return _breakers(security_id, {row["scope"]: BreakerState(row["state"]) for row in rows})


def read_gate(
    db: Connection, tenant_id: str, account_id: str, security_id: str
) -> tuple[Breakers, LimitTable]:
    """Both breakers, and the tenant's limits that may concern this account and security.

    One statement for what every order needs; ``hold_breakers`` comes before it.
    """
    rows = db.execute(
        _GATE,
        (
            [VENUE_SCOPE, security_id],
            tenant_id,
            [EVERY, account_id],
            [EVERY, security_id],
        ),
    ).fetchall()
    states = {row["scope"]: BreakerState(row["state"]) for row in rows if row["scope"] is not None}
    entries = {
        (_specific(row["account_id"]), _specific(row["security_id"])): Limits(
            row["max_units"], row["max_notional"], row["max_weight"]
        )
        for row in rows
        if row["scope"] is None
    }
    return _breakers(security_id, states), LimitTable(entries)


def list_breakers(db: Connection) -> list[dict[str, Any]]:
    """Every breaker that was ever tripped, the venue's always among them, by scope."""
    rows = db.execute(
        "SELECT scope, state, reason, actor, changed_at FROM circuit_breakers ORDER BY scope"
    ).fetchall()
    if any(row["scope"] == VENUE_SCOPE for row in rows):
        return rows
    venue = {"scope": VENUE_SCOPE, "state": BreakerState.CLOSED.value}
    return [{**venue, "reason": None, "actor": None, "changed_at": None}, *rows]


def list_limits(db: Connection, tenant_id: str) -> list[dict[str, Any]]:
    """The limits set for one tenant, the least specific first."""
    return db.execute(
        "SELECT account_id, security_id, max_units, max_notional, max_weight, reason, actor, set_at"
        " FROM position_limits WHERE tenant_id = %s ORDER BY account_id, security_id",
        (tenant_id,),
    ).fetchall()


def list_breaches(db: Connection, tenant_id: str, limit: int) -> list[dict[str, Any]]:
    """The newest limit breaches of one tenant, newest first."""
    return db.execute(
        "SELECT account_id, security_id, order_id, trade_id, rule, inputs, breached_at"
        " FROM limit_breaches WHERE tenant_id = %s"
        " ORDER BY breached_at DESC, order_id, trade_id, rule LIMIT %s",
        (tenant_id, limit),
    ).fetchall()


def _breakers(security_id: str, states: Mapping[str, BreakerState]) -> Breakers:
    return Breakers(
        security_id,
        states.get(VENUE_SCOPE, BreakerState.CLOSED),
        states.get(security_id, BreakerState.CLOSED),
    )


def _specific(stored: str) -> str | None:
    return None if stored == EVERY else stored
