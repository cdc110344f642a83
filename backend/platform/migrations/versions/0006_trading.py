"""Trading: orders and executions in their owner's tenant, book and trades in the venue's."""

from alembic import op

from backend.platform.migrations.support import tenant_table

revision = "0006"
down_revision = "0005"

_ORDERS = """
CREATE TABLE orders (
  tenant_id uuid NOT NULL,
  order_id text NOT NULL,
  participant_id text NOT NULL,
  portfolio_id text NOT NULL,
  account_id text NOT NULL,
  security_id text NOT NULL,
  side text NOT NULL CHECK (side IN ('buy', 'sell')),
  quantity numeric NOT NULL CHECK (quantity > 0),
  limit_price numeric NOT NULL CHECK (limit_price > 0),
  currency text NOT NULL,
  client_order_id text NOT NULL,
  status text NOT NULL
    CHECK (status IN ('accepted', 'partially_filled', 'filled', 'cancelled', 'rejected')),
  filled_quantity numeric NOT NULL,
  leaves_quantity numeric NOT NULL CHECK (leaves_quantity >= 0),
  filled_value numeric NOT NULL,
  cancel_requested boolean NOT NULL,
  reject_code text,
  reject_reason text,
  cancel_reason text,
  checks jsonb NOT NULL,
  placed_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, order_id),
  CHECK (filled_quantity + leaves_quantity <= quantity)
);
CREATE UNIQUE INDEX orders_client_order_id ON orders (tenant_id, account_id, client_order_id);
CREATE INDEX orders_account ON orders (tenant_id, account_id, order_id);
"""
_EXECUTIONS = """
CREATE TABLE executions (
  tenant_id uuid NOT NULL,
  trade_id text NOT NULL,
  order_id text NOT NULL,
  account_id text NOT NULL,
  security_id text NOT NULL,
  side text NOT NULL CHECK (side IN ('buy', 'sell')),
  quantity numeric NOT NULL CHECK (quantity > 0),
  price numeric NOT NULL CHECK (price > 0),
  currency text NOT NULL,
  gross numeric NOT NULL,
  trade_date date NOT NULL,
  settlement_date date NOT NULL,
  executed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, trade_id, order_id)
);
CREATE INDEX executions_order ON executions (tenant_id, order_id, trade_id);
"""
_BOOK_ORDERS = """
CREATE TABLE book_orders (
  tenant_id uuid NOT NULL,
  order_id text NOT NULL,
  security_id text NOT NULL,
  owner_tenant_id text NOT NULL,
  account_id text NOT NULL,
  side text NOT NULL CHECK (side IN ('buy', 'sell')),
  price numeric NOT NULL,
  leaves numeric NOT NULL CHECK (leaves >= 0),
  state text NOT NULL CHECK (state IN ('resting', 'queued')),
  priority bigint NOT NULL,
  PRIMARY KEY (tenant_id, order_id)
);
CREATE INDEX book_orders_depth ON book_orders (tenant_id, security_id, side, price);
CREATE INDEX book_orders_queue ON book_orders (tenant_id, security_id) WHERE state = 'queued';
"""
_TRADES = """
CREATE TABLE trades (
  tenant_id uuid NOT NULL,
  trade_id text NOT NULL,
  security_id text NOT NULL,
  price numeric NOT NULL CHECK (price > 0),
  quantity numeric NOT NULL CHECK (quantity > 0),
  currency text NOT NULL,
  gross numeric NOT NULL,
  buyer_tenant_id text NOT NULL,
  buyer_account_id text NOT NULL,
  buyer_order_id text NOT NULL,
  seller_tenant_id text NOT NULL,
  seller_account_id text NOT NULL,
  seller_order_id text NOT NULL,
  maker_order_id text NOT NULL,
  trade_date date NOT NULL,
  settlement_date date NOT NULL,
  executed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, trade_id)
);
CREATE INDEX trades_security ON trades (tenant_id, security_id, trade_id);
"""

_TABLES = ("orders", "executions", "book_orders", "trades")


def upgrade() -> None:
    for statement in (_ORDERS, _EXECUTIONS, _BOOK_ORDERS, _TRADES):
        op.execute(statement)
    for table in _TABLES:
        tenant_table(table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
