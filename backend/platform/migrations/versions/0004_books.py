"""The books: portfolios, accounts, balances, positions, lots and the double-entry ledger.

No foreign keys between the tables: each is a projection that a replay fills by itself. The
checks repeat the invariants of the domain, so a wrong projection cannot commit.
"""

from alembic import op

from backend.platform.migrations.support import tenant_table

revision = "0004"
down_revision = "0003"

_ACCOUNTS = """
CREATE TABLE portfolios (
  tenant_id uuid NOT NULL,
  portfolio_id text NOT NULL,
  name text NOT NULL,
  base_currency text NOT NULL,
  opened_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, portfolio_id)
);
CREATE TABLE accounts (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  portfolio_id text NOT NULL,
  name text NOT NULL,
  currency text NOT NULL,
  wallet_address text NOT NULL,
  lot_method text NOT NULL,
  opened_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id)
);
CREATE INDEX accounts_portfolio ON accounts (tenant_id, portfolio_id, account_id);
CREATE TABLE cash_balances (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  currency text NOT NULL,
  balance numeric NOT NULL,
  reserved numeric NOT NULL,
  CHECK (reserved >= 0 AND reserved <= balance),
  PRIMARY KEY (tenant_id, account_id, currency)
);
"""

# One on-chain transfer is one deposit, whichever tenant records it: so this one unique index
# goes without the tenant. It tells a stranger nothing but that the transfer is recorded.
_DEPOSITS = """
CREATE TABLE deposits (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  deposit_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('cash', 'units')),
  commodity text NOT NULL,
  amount numeric NOT NULL CHECK (amount > 0),
  cost numeric NOT NULL,
  currency text NOT NULL,
  acquired_on date NOT NULL,
  trade_date date NOT NULL,
  settlement_date date NOT NULL,
  chain_id bigint,
  tx_hash text,
  log_index bigint,
  CHECK (num_nulls(chain_id, tx_hash, log_index) IN (0, 3)),
  PRIMARY KEY (tenant_id, account_id, deposit_id)
);
CREATE UNIQUE INDEX deposits_evidence ON deposits (chain_id, tx_hash, log_index)
  WHERE chain_id IS NOT NULL;
"""

_POSITIONS = """
CREATE TABLE positions (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  security_id text NOT NULL,
  units numeric NOT NULL,
  reserved numeric NOT NULL,
  cost numeric NOT NULL CHECK (cost >= 0),
  realised_gain numeric NOT NULL,
  currency text NOT NULL,
  closed_on date,
  CHECK (reserved >= 0 AND reserved <= units),
  CHECK ((units = 0) = (closed_on IS NOT NULL)),
  PRIMARY KEY (tenant_id, account_id, security_id)
);
CREATE TABLE lots (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  lot_id text NOT NULL,
  security_id text NOT NULL,
  sequence bigint NOT NULL,
  acquired_on date NOT NULL,
  units_opened numeric NOT NULL CHECK (units_opened > 0),
  units_open numeric NOT NULL CHECK (units_open >= 0 AND units_open <= units_opened),
  cost_opened numeric NOT NULL,
  cost_open numeric NOT NULL CHECK (cost_open >= 0),
  currency text NOT NULL,
  closed_on date,
  CHECK ((units_open = 0) = (closed_on IS NOT NULL)),
  PRIMARY KEY (tenant_id, account_id, lot_id)
);
CREATE INDEX lots_open ON lots (tenant_id, account_id, security_id, acquired_on, sequence)
  WHERE closed_on IS NULL;
CREATE TABLE lot_closings (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  trade_id text NOT NULL,
  lot_id text NOT NULL,
  security_id text NOT NULL,
  acquired_on date NOT NULL,
  closed_on date NOT NULL,
  units numeric NOT NULL CHECK (units > 0),
  cost numeric NOT NULL,
  proceeds numeric NOT NULL,
  realised_gain numeric NOT NULL,
  currency text NOT NULL,
  CHECK (realised_gain = proceeds - cost),
  PRIMARY KEY (tenant_id, account_id, trade_id, lot_id)
);
"""

_LEDGER = """
CREATE TABLE booked_trades (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  trade_id text NOT NULL,
  order_id text,
  side text NOT NULL CHECK (side IN ('buy', 'sell')),
  security_id text NOT NULL,
  quantity numeric NOT NULL,
  price numeric NOT NULL,
  gross numeric NOT NULL,
  fees numeric NOT NULL,
  currency text NOT NULL,
  trade_date date NOT NULL,
  settlement_date date NOT NULL CHECK (settlement_date >= trade_date),
  PRIMARY KEY (tenant_id, account_id, trade_id)
);
CREATE INDEX booked_trades_date ON booked_trades (tenant_id, account_id, trade_date DESC);
CREATE TABLE ledger_entries (
  tenant_id uuid NOT NULL,
  account_id text NOT NULL,
  sequence bigint NOT NULL,
  line smallint NOT NULL,
  entry_id text NOT NULL,
  kind text NOT NULL,
  trade_date date NOT NULL,
  settlement_date date NOT NULL,
  ledger_account text NOT NULL,
  commodity text NOT NULL,
  amount numeric NOT NULL CHECK (amount <> 0),
  lot_id text,
  PRIMARY KEY (tenant_id, account_id, sequence, line)
);
CREATE INDEX ledger_entries_date
  ON ledger_entries (tenant_id, account_id, trade_date, sequence, line);
"""

_TABLES = (
    "portfolios", "accounts", "cash_balances", "deposits", "positions", "lots", "lot_closings",
    "booked_trades", "ledger_entries",
)  # fmt: skip


def upgrade() -> None:
    for statements in (_ACCOUNTS, _DEPOSITS, _POSITIONS, _LEDGER):
        op.execute(statements)
    for table in _TABLES:
        tenant_table(table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
