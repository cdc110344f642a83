"""Commitments to the index of streams: nobody's tenant data, readable by all.

A commitment has no position when its row is written; ``stream_version`` finds it in the feed.
"""

from alembic import op

from backend.platform.migrations.support import reference_table

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE index_commitments (
          size bigint PRIMARY KEY,
          root text NOT NULL,
          streams bigint NOT NULL,
          stream_version bigint NOT NULL UNIQUE,
          event_id uuid NOT NULL
        )""")
    reference_table("index_commitments")


def downgrade() -> None:
    op.execute("DROP TABLE index_commitments")
