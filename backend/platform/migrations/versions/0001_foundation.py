"""The event store: streams, outbox, feed, log head, leases, cursors, idempotency, clock."""

from alembic import op

from backend.platform.migrations.support import CURRENT_TENANT, tenant_table

revision = "0001"
down_revision = None

_EVENTS = """
CREATE TABLE events (
  tenant_id uuid NOT NULL,
  stream_id text NOT NULL,
  stream_version bigint NOT NULL CHECK (stream_version >= 1),
  event_id uuid NOT NULL,
  type text NOT NULL,
  entry bytea NOT NULL CHECK (octet_length(entry) <= 65535),
  leaf_hash bytea NOT NULL CHECK (leaf_hash = sha256('\\x00'::bytea || entry)),
  recorded_at timestamptz NOT NULL,
  insert_id bigint GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT events_pkey PRIMARY KEY (tenant_id, stream_id, stream_version)
);
CREATE UNIQUE INDEX events_event_id ON events (tenant_id, event_id);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the table % is append-only', TG_TABLE_NAME USING ERRCODE = '55000'; END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# A commit's events leave the outbox together: rows are taken by transaction, never by count.
# Only this trigger fills it, so that no row can stand there without its event.
_OUTBOX = """
CREATE TABLE unsequenced (
  insert_id bigint PRIMARY KEY,
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  tenant_id uuid NOT NULL,
  stream_id text NOT NULL,
  stream_version bigint NOT NULL,
  event_id uuid NOT NULL,
  type text NOT NULL,
  leaf_hash bytea NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION enqueue_for_sequencing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO unsequenced
    (insert_id, tenant_id, stream_id, stream_version, event_id, type, leaf_hash)
  SELECT insert_id, tenant_id, stream_id, stream_version, event_id, type, leaf_hash FROM added;
  RETURN NULL;
END $$;
CREATE TRIGGER events_outbox AFTER INSERT ON events REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION enqueue_for_sequencing();
ALTER TABLE unsequenced SET
  (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
"""

_FEED = """
CREATE TABLE feed (
  position bigint PRIMARY KEY,
  tenant_id uuid NOT NULL,
  stream_id text NOT NULL,
  stream_version bigint NOT NULL,
  event_id uuid NOT NULL,
  type text NOT NULL,
  leaf_hash bytea NOT NULL,
  sequenced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX feed_tenant ON feed (tenant_id, position);
CREATE UNIQUE INDEX feed_stream ON feed (tenant_id, stream_id, stream_version);
CREATE TRIGGER feed_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON feed
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TABLE log_head (
  origin text PRIMARY KEY,
  size bigint NOT NULL,
  frontier bytea NOT NULL,
  root bytea NOT NULL
);
CREATE TABLE checkpoints (
  size bigint PRIMARY KEY,
  root bytea NOT NULL,
  note bytea NOT NULL,
  signed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE leases (
  name text PRIMARY KEY,
  holder text NOT NULL,
  fence bigint NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE TABLE cursors (
  name text PRIMARY KEY,
  next_position bigint NOT NULL
);
CREATE TABLE business_clock (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  offset_microseconds bigint NOT NULL
);
INSERT INTO business_clock (offset_microseconds) VALUES (0);
"""

_IDEMPOTENCY = """
CREATE TABLE idempotency_keys (
  tenant_id uuid NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  status smallint,
  body bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, route, key)
);
"""


def upgrade() -> None:
    op.execute(_EVENTS)
    op.execute(_OUTBOX)
    op.execute(_FEED)
    op.execute(_IDEMPOTENCY)
    _guard_events()
    _guard_outbox()
    _guard_log()
    tenant_table("idempotency_keys")


def _guard_events() -> None:
    tenant_table("events")
    op.execute("REVOKE UPDATE, DELETE ON events FROM tally_app, tally_venue")
    op.execute("CREATE POLICY events_sequencer ON events TO tally_sequencer USING (true)")
    op.execute("GRANT SELECT ON events TO tally_sequencer")
    op.execute(  # a participant exists before it can act in its own tenant
        "CREATE POLICY events_identity ON events TO tally_identity"
        " USING (stream_id LIKE 'participant-%') WITH CHECK (stream_id LIKE 'participant-%')"
    )
    op.execute("GRANT SELECT, INSERT ON events TO tally_identity")


def _guard_outbox() -> None:
    op.execute("ALTER TABLE unsequenced ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE unsequenced FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY unsequenced_owner ON unsequenced FOR INSERT TO tally_owner WITH CHECK (true)"
    )
    op.execute("CREATE POLICY unsequenced_sequencer ON unsequenced TO tally_sequencer USING (true)")
    op.execute(
        "CREATE POLICY unsequenced_backup ON unsequenced FOR SELECT TO tally_backup USING (true)"
    )
    op.execute("GRANT SELECT, DELETE ON unsequenced TO tally_sequencer")
    op.execute("GRANT SELECT ON unsequenced TO tally_backup")


def _guard_log() -> None:
    for table in ("feed", "log_head", "checkpoints", "leases", "cursors", "business_clock"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY {table}_read ON {table} FOR SELECT"
            " TO tally_venue, tally_auditor, tally_backup, tally_sequencer USING (true)"
        )
        op.execute(f"GRANT SELECT ON {table} TO tally_venue, tally_auditor, tally_backup")
    op.execute(
        "CREATE POLICY feed_app ON feed FOR SELECT TO tally_app"
        f" USING (tenant_id = {CURRENT_TENANT})"
    )
    op.execute("GRANT SELECT ON feed TO tally_app")
    for table in ("log_head", "checkpoints", "business_clock"):  # no tenant's data is in them
        op.execute(f"CREATE POLICY {table}_app ON {table} FOR SELECT TO tally_app USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO tally_app")
    for table in ("feed", "log_head", "checkpoints", "leases"):
        op.execute(
            f"CREATE POLICY {table}_sequencer ON {table} TO tally_sequencer"
            " USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tally_sequencer")
    for table in ("leases", "cursors", "business_clock"):
        op.execute(
            f"CREATE POLICY {table}_venue ON {table} TO tally_venue USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tally_venue")


def downgrade() -> None:
    for table in (
        "idempotency_keys", "business_clock", "cursors", "leases", "checkpoints", "log_head",
        "feed", "unsequenced", "events",
    ):  # fmt: skip
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION enqueue_for_sequencing()")
