"""Keys that retire, what anchors cost, and which registry each of them is in."""

from alembic import op

from backend.platform.migrations.support import reference_table

revision = "0012"
down_revision = "0011"

_TABLES = ("log_keys", "anchoring_status", "anchor_fees")
# Where the log was anchored before this migration: the one registry that was ever adopted.
_BACKFILL = """
INSERT INTO anchoring_status (log, chain_id, registry)
SELECT 'log', (adopted ->> 'chain_id')::bigint, adopted ->> 'registry'
FROM (SELECT convert_from(entry, 'UTF8')::jsonb #> '{event,payload}' AS adopted
      FROM events WHERE type = 'registry.adopted') AS found
"""


def upgrade() -> None:
    op.execute("ALTER TABLE event_keys ADD COLUMN last_position bigint")
    op.execute("""
        CREATE TABLE log_keys (
          vkey text PRIMARY KEY,
          first_size bigint NOT NULL,
          last_size bigint,
          announced_as bigint NOT NULL
        )""")
    op.execute("""
        CREATE TABLE anchoring_status (
          log text PRIMARY KEY,
          chain_id bigint NOT NULL,
          registry text NOT NULL,
          deferred text,
          lagging boolean NOT NULL DEFAULT false,
          replaced integer NOT NULL DEFAULT 0
        )""")
    op.execute("""
        CREATE TABLE anchor_fees (
          stream_version bigint PRIMARY KEY,
          size bigint NOT NULL,
          block_hash text,
          gas_used bigint NOT NULL,
          fee numeric NOT NULL
        )""")
    _say_where_anchors_are()
    for table in _TABLES:
        reference_table(table)
    op.execute(
        "CREATE POLICY log_keys_sequencer ON log_keys FOR SELECT TO tally_sequencer USING (true)"
    )
    op.execute("GRANT SELECT ON log_keys TO tally_sequencer")


def _say_where_anchors_are() -> None:
    """Under FORCE the owner would read and update no row, silently: it is lifted meanwhile."""
    op.execute("ALTER TABLE anchors ADD COLUMN chain_id bigint, ADD COLUMN registry text")
    for table in ("events", "anchors"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_BACKFILL)
    op.execute(
        "UPDATE anchors SET chain_id = status.chain_id, registry = status.registry"
        " FROM anchoring_status AS status"
    )
    for column in ("chain_id", "registry"):
        op.execute(f"ALTER TABLE anchors ALTER COLUMN {column} SET NOT NULL")
    for table in ("events", "anchors"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE anchors DROP COLUMN chain_id, DROP COLUMN registry")
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE event_keys DROP COLUMN last_position")
