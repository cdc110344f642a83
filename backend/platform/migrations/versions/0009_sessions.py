"""Browser sessions: only the hash of a session's secret is kept; exempt from replay."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE sessions (
          tenant_id uuid NOT NULL,
          session_hash bytea NOT NULL,
          participant_id text NOT NULL,
          roles text[] NOT NULL,
          token_hash bytea,
          created_at timestamptz NOT NULL DEFAULT now(),
          last_used_at timestamptz NOT NULL DEFAULT now(),
          expires_at timestamptz NOT NULL,
          PRIMARY KEY (tenant_id, session_hash)
        )""")
    op.execute("CREATE UNIQUE INDEX sessions_hash ON sessions (session_hash)")
    op.execute("CREATE INDEX sessions_ended ON sessions (expires_at)")
    # Like API tokens: readable by the identity role alone, and by a backup.
    op.execute("ALTER TABLE sessions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE sessions FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY sessions_identity ON sessions TO tally_identity"
        " USING (true) WITH CHECK (true)"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO tally_identity")
    op.execute("CREATE POLICY sessions_backup ON sessions FOR SELECT TO tally_backup USING (true)")
    op.execute("GRANT SELECT ON sessions TO tally_backup")


def downgrade() -> None:
    op.execute("DROP TABLE sessions")
