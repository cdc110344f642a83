"""What every migration does alike: forced row-level security and grants for each table."""

from alembic import op

CURRENT_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"


def tenant_table(name: str) -> None:
    """Guard a table whose rows belong to a tenant: the app sees one tenant, the venue all."""
    _guard(name)
    op.execute(
        f"CREATE POLICY {name}_app ON {name} TO tally_app"
        f" USING (tenant_id = {CURRENT_TENANT}) WITH CHECK (tenant_id = {CURRENT_TENANT})"
    )
    op.execute(
        f"CREATE POLICY {name}_venue ON {name} TO tally_venue USING (true) WITH CHECK (true)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO tally_app, tally_venue")


def reference_table(name: str) -> None:
    """Guard a table without a tenant: all may read it, only the venue writes."""
    _guard(name)
    op.execute(f"CREATE POLICY {name}_read ON {name} FOR SELECT TO tally_app USING (true)")
    op.execute(
        f"CREATE POLICY {name}_venue ON {name} TO tally_venue USING (true) WITH CHECK (true)"
    )
    op.execute(f"GRANT SELECT ON {name} TO tally_app")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO tally_venue")


def venue_table(name: str) -> None:
    """Guard a table that only the venue works with: queues, nonces, work lists."""
    _guard(name)
    op.execute(
        f"CREATE POLICY {name}_venue ON {name} TO tally_venue USING (true) WITH CHECK (true)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO tally_venue")


def _guard(name: str) -> None:
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {name}_auditor ON {name} FOR SELECT TO tally_auditor USING (true)")
    op.execute(f"CREATE POLICY {name}_backup ON {name} FOR SELECT TO tally_backup USING (true)")
    op.execute(f"GRANT SELECT ON {name} TO tally_auditor, tally_backup")
