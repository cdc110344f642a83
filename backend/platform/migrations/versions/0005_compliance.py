"""Compliance: circuit breakers (all may read them), position limits, limit breaches."""

from alembic import op

from backend.platform.migrations.support import reference_table, tenant_table

revision = "0005"
down_revision = "0004"

_BREAKERS = """
CREATE TABLE circuit_breakers (
  scope text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('closed', 'open')),
  reason text NOT NULL,
  actor text NOT NULL,
  changed_at timestamptz NOT NULL
);
"""
_LIMITS = """
CREATE TABLE position_limits (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  security_id text NOT NULL,
  max_units numeric CHECK (max_units > 0),
  max_notional numeric CHECK (max_notional > 0),
  max_weight numeric CHECK (max_weight > 0 AND max_weight <= 1),
  reason text NOT NULL,
  actor text NOT NULL,
  set_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, security_id)
);
"""
_BREACHES = """
CREATE TABLE limit_breaches (
  tenant_id uuid NOT NULL,
  order_id text NOT NULL,
  trade_id text NOT NULL,
  rule text NOT NULL,
  account_id text NOT NULL,
  security_id text NOT NULL,
  inputs jsonb NOT NULL,
  breached_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, order_id, trade_id, rule)
);
CREATE INDEX limit_breaches_newest ON limit_breaches (tenant_id, breached_at DESC);
"""


def upgrade() -> None:
    op.execute(_BREAKERS)
    op.execute(_LIMITS)
    op.execute(_BREACHES)
    reference_table("circuit_breakers")
    tenant_table("position_limits")
    tenant_table("limit_breaches")


def downgrade() -> None:
    for table in ("limit_breaches", "position_limits", "circuit_breakers"):
        op.execute(f"DROP TABLE {table}")
