"""Event keys and anchors: nobody's tenant data, readable by all."""

from alembic import op

from backend.platform.migrations.support import reference_table

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE event_keys (
          key_id text PRIMARY KEY,
          public_key text NOT NULL,
          process text NOT NULL,
          first_position bigint NOT NULL
        )""")
    op.execute("""
        CREATE TABLE anchors (
          size bigint PRIMARY KEY,
          root text NOT NULL,
          state text NOT NULL,
          transaction_hash text NOT NULL,
          block_number bigint,
          block_hash text,
          gas_used bigint,
          evidence_block bigint,
          evidence_block_hash text,
          evidence_sha256 text,
          submitted_at timestamptz NOT NULL,
          finalised_at timestamptz
        )""")
    for table in ("event_keys", "anchors"):
        reference_table(table)
        op.execute(
            f"CREATE POLICY {table}_sequencer ON {table} FOR SELECT TO tally_sequencer USING (true)"
        )
        op.execute(f"GRANT SELECT ON {table} TO tally_sequencer")


def downgrade() -> None:
    op.execute("DROP TABLE anchors")
    op.execute("DROP TABLE event_keys")
