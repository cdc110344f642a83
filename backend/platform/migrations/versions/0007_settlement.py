"""Settlement: instructions per party, the venue's processes, transactions, work list, nonces."""

from alembic import op

from backend.platform.migrations.support import tenant_table, venue_table

revision = "0007"
down_revision = "0006"

_INSTRUCTIONS = """
CREATE TABLE instructions (
  tenant_id uuid NOT NULL,
  instruction_id text NOT NULL,
  trade_id text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('DELI', 'RECE')),
  status text NOT NULL,
  participant_id text NOT NULL,
  account_id text NOT NULL,
  order_id text NOT NULL,
  security_id text NOT NULL,
  quantity numeric NOT NULL CHECK (quantity > 0),
  price numeric NOT NULL CHECK (price > 0),
  currency text NOT NULL,
  amount numeric NOT NULL,
  trade_date date NOT NULL,
  settlement_date date NOT NULL,
  terms jsonb,
  tokens jsonb,
  digest text,
  signer text,
  advice text NOT NULL,
  reason text,
  narrative text NOT NULL,
  settlement_state text NOT NULL,
  transaction_hash text,
  block_number bigint,
  received_at timestamptz,
  signed_at timestamptz,
  settled_at timestamptz,
  failed_at timestamptz,
  PRIMARY KEY (tenant_id, instruction_id)
);
CREATE UNIQUE INDEX instructions_trade ON instructions (tenant_id, trade_id, direction);
"""

_SETTLEMENTS = """
CREATE TABLE settlements (
  tenant_id uuid NOT NULL,
  trade_id text NOT NULL,
  state text NOT NULL,
  security_id text NOT NULL,
  quantity numeric NOT NULL,
  price numeric NOT NULL,
  currency text NOT NULL,
  amount numeric NOT NULL,
  trade_date date NOT NULL,
  settlement_date date NOT NULL,
  seller_tenant uuid NOT NULL,
  buyer_tenant uuid NOT NULL,
  number bigint,
  chain_id numeric,
  contract text,
  deadline bigint,
  digest text,
  reasons text[] NOT NULL,
  cause text,
  transaction_hash text,
  block_number bigint,
  block_hash text,
  gas_used bigint,
  safe boolean NOT NULL,
  entered_at timestamptz NOT NULL,
  matched_at timestamptz,
  final_at timestamptz,
  failed_at timestamptz,
  PRIMARY KEY (tenant_id, trade_id)
);
CREATE INDEX settlements_state ON settlements (tenant_id, state, trade_id);
CREATE TABLE settlement_transactions (
  tenant_id uuid NOT NULL,
  trade_id text NOT NULL,
  transaction_hash text NOT NULL,
  sender text NOT NULL,
  nonce bigint NOT NULL,
  raw_transaction text NOT NULL,
  gas_limit bigint NOT NULL,
  max_fee_per_gas numeric NOT NULL,
  max_priority_fee_per_gas numeric NOT NULL,
  status text NOT NULL,
  signed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, trade_id, transaction_hash)
);
"""

# Jobs, exempt from replay: when to look at a settlement next, and who is looking now.
_WORK = """
CREATE TABLE settlement_work (
  tenant_id uuid NOT NULL,
  trade_id text NOT NULL,
  due_at timestamptz NOT NULL,
  lease_owner text,
  lease_until timestamptz,
  fence bigint NOT NULL,
  attempts integer NOT NULL,
  last_error text,
  sent_at timestamptz,
  PRIMARY KEY (tenant_id, trade_id)
);
CREATE INDEX settlement_work_due ON settlement_work (due_at);
CREATE TABLE chain_nonces (
  tenant_id uuid NOT NULL,
  chain_id numeric NOT NULL,
  sender text NOT NULL,
  next_nonce bigint NOT NULL,
  PRIMARY KEY (tenant_id, chain_id, sender)
);
CREATE SEQUENCE settlement_numbers AS bigint START 1;
GRANT USAGE ON SEQUENCE settlement_numbers TO tally_venue;
"""


def upgrade() -> None:
    op.execute(_INSTRUCTIONS)
    op.execute(_SETTLEMENTS)
    op.execute(_WORK)
    for table in ("instructions", "settlements", "settlement_transactions"):
        tenant_table(table)
    for table in ("settlement_work", "chain_nonces"):
        venue_table(table)


def downgrade() -> None:
    op.execute("DROP SEQUENCE settlement_numbers")
    for table in (
        "chain_nonces",
        "settlement_work",
        "settlement_transactions",
        "settlements",
        "instructions",
    ):
        op.execute(f"DROP TABLE {table}")
