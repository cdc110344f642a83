"""The migrated database that test databases are copied from."""

import psycopg

from backend.platform import schema
from backend.platform.postgres import SUPERUSER, EmbeddedPostgres

TEMPLATE = "template_tallystick"


def make_template(server: EmbeddedPostgres) -> str:
    """Create the roles and a migrated database once a session; returns its name."""
    with psycopg.connect(server.address(SUPERUSER).conninfo(), autocommit=True) as admin:
        schema.create_roles(admin)
        schema.create_database(admin, TEMPLATE)
    schema.migrate(server.address(SUPERUSER, TEMPLATE).conninfo())
    return TEMPLATE
