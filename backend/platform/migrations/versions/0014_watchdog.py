"""How far the watchdog has checked the log, for figures and pages; its findings are events."""

from alembic import op

from backend.platform.migrations.support import venue_table

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE watchdog_status (
          id smallint PRIMARY KEY CHECK (id = 1),
          size bigint NOT NULL,
          findings integer NOT NULL,
          checked_at timestamptz NOT NULL
        )""")
    venue_table("watchdog_status")


def downgrade() -> None:
    op.execute("DROP TABLE watchdog_status")
