"""Securities and market data: reference tables, written by the venue, readable by all."""

from alembic import op

from backend.platform.migrations.support import reference_table

revision = "0003"
down_revision = "0002"

_SECURITIES = """
CREATE TABLE securities (
  security_id text PRIMARY KEY,
  isin text NOT NULL,
  ticker text NOT NULL,
  name text NOT NULL,
  currency text NOT NULL,
  asset_class text NOT NULL,
  mic text NOT NULL,
  chain_id bigint,
  token_address text,
  decimals smallint,
  CHECK (num_nulls(chain_id, token_address, decimals) IN (0, 3))
);
CREATE UNIQUE INDEX securities_isin ON securities (isin);
CREATE UNIQUE INDEX securities_listing ON securities (ticker, mic);
CREATE UNIQUE INDEX securities_token ON securities (chain_id, token_address);
CREATE TABLE cash_tokens (
  currency text PRIMARY KEY,
  chain_id bigint NOT NULL,
  token_address text NOT NULL,
  decimals smallint NOT NULL
);
CREATE UNIQUE INDEX cash_tokens_token ON cash_tokens (chain_id, token_address);
"""

# imported_event is a UUIDv7: where two data sets know the same day, the later import counts.
_DATASETS = """
CREATE TABLE datasets (
  dataset_id text PRIMARY KEY,
  kind text NOT NULL,
  source text NOT NULL,
  licence text NOT NULL,
  method text NOT NULL,
  sha256 text NOT NULL,
  rows bigint NOT NULL,
  first_date date,
  last_date date,
  imported_event uuid NOT NULL,
  imported_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX datasets_content ON datasets (kind, sha256);
"""

_SERIES = """
CREATE TABLE prices (
  security_id text NOT NULL,
  series text NOT NULL CHECK (series IN ('raw', 'adjusted')),
  price_date date NOT NULL,
  dataset_id text NOT NULL,
  close numeric NOT NULL CHECK (close > 0),
  currency text NOT NULL,
  PRIMARY KEY (security_id, series, price_date, dataset_id)
);
CREATE TABLE rates (
  currency text NOT NULL,
  rate_date date NOT NULL,
  dataset_id text NOT NULL,
  per_euro numeric NOT NULL CHECK (per_euro > 0),
  PRIMARY KEY (currency, rate_date, dataset_id)
);
CREATE TABLE splits (
  security_id text NOT NULL,
  ex_date date NOT NULL,
  dataset_id text NOT NULL,
  new_units bigint NOT NULL CHECK (new_units > 0),
  old_units bigint NOT NULL CHECK (old_units > 0),
  PRIMARY KEY (security_id, ex_date, dataset_id)
);
CREATE TABLE dividends (
  security_id text NOT NULL,
  ex_date date NOT NULL,
  dataset_id text NOT NULL,
  amount numeric NOT NULL CHECK (amount > 0),
  currency text NOT NULL,
  PRIMARY KEY (security_id, ex_date, dataset_id)
);
"""

_TABLES = ("securities", "cash_tokens", "datasets", "prices", "rates", "splits", "dividends")


def upgrade() -> None:
    for statements in (_SECURITIES, _DATASETS, _SERIES):
        op.execute(statements)
    for table in _TABLES:
        reference_table(table)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
