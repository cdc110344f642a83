"""Contact persons: what the log says of them as read models, and their values, which can go.

``personal_values`` is exempt from replay and has no append-only trigger: a row is deleted in the
transaction of the event that says so. It has no CHECK either, since PostgreSQL puts the failing
row into the message. Who serves all tenants (the venue) may delete and compare, and neither read
a value nor a salt; the auditor has no access at all.
"""

from alembic import op

from backend.platform.migrations.support import CURRENT_TENANT, tenant_table

revision = "0013"
down_revision = "0012"

_CONTACTS = """
CREATE TABLE contacts (
  tenant_id uuid NOT NULL,
  contact_id text NOT NULL,
  purpose text NOT NULL,
  state text NOT NULL,
  recorded_at timestamptz NOT NULL,
  erasure_due_at timestamptz,
  erasure_reason text,
  PRIMARY KEY (tenant_id, contact_id)
);
CREATE INDEX contacts_id ON contacts (contact_id);
CREATE INDEX contacts_due ON contacts (erasure_due_at) WHERE erasure_due_at IS NOT NULL;
CREATE TABLE contact_commitments (
  tenant_id uuid NOT NULL,
  contact_id text NOT NULL,
  commitment text NOT NULL,
  field text NOT NULL,
  state text NOT NULL,
  event_id uuid NOT NULL,
  erasure_event_id uuid,
  PRIMARY KEY (tenant_id, contact_id, commitment)
);
"""
# Every deletion makes work for autovacuum: an erased row's place is free to be written over after
# its next round, and not when a fifth of the table is dead. No statistics of what must be erasable:
# ANALYZE would copy values into pg_statistic, where they would outlive their row.
_VALUES = """
CREATE TABLE personal_values (
  tenant_id uuid NOT NULL,
  subject_id text NOT NULL,
  field text NOT NULL,
  commitment text NOT NULL,
  salt bytea NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (tenant_id, subject_id, field)
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE personal_values ALTER COLUMN value SET STATISTICS 0,
  ALTER COLUMN salt SET STATISTICS 0;
"""


def upgrade() -> None:
    op.execute(_CONTACTS)
    for table in ("contacts", "contact_commitments"):
        tenant_table(table)
    op.execute(_VALUES)
    _guard_values()
    # Whose personal data a remembered request held: erasing it makes the request unrecognisable.
    op.execute("ALTER TABLE idempotency_keys ADD COLUMN subject_id text")
    op.execute(
        "CREATE INDEX idempotency_subject ON idempotency_keys (tenant_id, subject_id)"
        " WHERE subject_id IS NOT NULL"
    )


def _guard_values() -> None:
    op.execute("ALTER TABLE personal_values ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE personal_values FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY personal_values_app ON personal_values TO tally_app"
        f" USING (tenant_id = {CURRENT_TENANT}) WITH CHECK (tenant_id = {CURRENT_TENANT})"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON personal_values TO tally_app")
    for action in ("SELECT", "DELETE"):
        op.execute(
            f"CREATE POLICY personal_values_venue_{action.lower()} ON personal_values"
            f" FOR {action} TO tally_venue USING (true)"
        )
    op.execute(
        "GRANT SELECT (tenant_id, subject_id, field, commitment), DELETE"
        " ON personal_values TO tally_venue"
    )
    op.execute(
        "CREATE POLICY personal_values_backup ON personal_values FOR SELECT TO tally_backup"
        " USING (true)"
    )
    op.execute("GRANT SELECT ON personal_values TO tally_backup")


def downgrade() -> None:
    op.execute("DROP INDEX idempotency_subject")
    op.execute("ALTER TABLE idempotency_keys DROP COLUMN subject_id")
    for table in ("personal_values", "contact_commitments", "contacts"):
        op.execute(f"DROP TABLE {table}")
