"""Participants, their wallets, and API tokens (by hash: a token itself is never stored)."""

from alembic import op

from backend.platform.migrations.support import tenant_table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE participants (
          tenant_id uuid NOT NULL,
          participant_id text NOT NULL,
          name text NOT NULL,
          kind text NOT NULL,
          registered_at timestamptz NOT NULL,
          PRIMARY KEY (tenant_id, participant_id)
        )""")
    op.execute("""
        CREATE TABLE wallets (
          tenant_id uuid NOT NULL,
          participant_id text NOT NULL,
          address text NOT NULL,
          chain_id bigint NOT NULL,
          bound_at timestamptz NOT NULL,
          PRIMARY KEY (tenant_id, address, chain_id)
        )""")
    op.execute("""
        CREATE TABLE api_tokens (
          tenant_id uuid NOT NULL,
          token_hash bytea NOT NULL,
          participant_id text NOT NULL,
          label text NOT NULL,
          roles text[] NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now(),
          expires_at timestamptz,
          PRIMARY KEY (tenant_id, token_hash)
        )""")
    op.execute("CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (token_hash)")
    for table in ("participants", "wallets"):
        tenant_table(table)
        op.execute(
            f"CREATE POLICY {table}_identity ON {table} TO tally_identity"
            " USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO tally_identity")
    # Credentials are readable by the identity role alone: the app never sees a token's hash.
    op.execute("ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE api_tokens FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY api_tokens_identity ON api_tokens TO tally_identity"
        " USING (true) WITH CHECK (true)"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON api_tokens TO tally_identity")
    op.execute(
        "CREATE POLICY api_tokens_backup ON api_tokens FOR SELECT TO tally_backup USING (true)"
    )
    op.execute("GRANT SELECT ON api_tokens TO tally_backup")


def downgrade() -> None:
    for table in ("api_tokens", "wallets", "participants"):
        op.execute(f"DROP TABLE {table}")
