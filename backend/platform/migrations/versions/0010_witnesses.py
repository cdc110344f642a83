"""What witnesses were asked and what they signed: bookkeeping of calls, exempt from replay."""

from alembic import op

from backend.platform.migrations.support import reference_table

revision = "0010"
down_revision = "0009"

_TABLES = """
CREATE TABLE witness_rounds (
  size bigint PRIMARY KEY,
  sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  quorum_at timestamptz
);
CREATE TABLE cosignatures (
  size bigint NOT NULL REFERENCES witness_rounds,
  witness text NOT NULL,
  key_id text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (size, witness, key_id)
);
CREATE TABLE witness_failures (
  witness text NOT NULL,
  reason text NOT NULL,
  failures bigint NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (witness, reason)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    for table in ("witness_rounds", "cosignatures", "witness_failures"):
        reference_table(table)
        # Cosignatures are added to checkpoints, which the sequencer's role alone may write.
        op.execute(
            f"CREATE POLICY {table}_sequencer ON {table} TO tally_sequencer"
            " USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tally_sequencer")


def downgrade() -> None:
    for table in ("cosignatures", "witness_failures", "witness_rounds"):
        op.execute(f"DROP TABLE {table}")
