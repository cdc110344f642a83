"""Roles, database and migrations: from an empty server to the newest schema.

The caller's login must be able to create roles and a database (the embedded server's
superuser, or the user of ``DATABASE_URL``). Afterwards processes log in as ``tallystick``
(or as that user) and take one of the roles in each transaction.
"""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from backend.kernel.errors import DatabaseUnavailable, DomainError, ErrorCode

OWNER = "tally_owner"
ROLES = ("tally_app", "tally_venue", "tally_sequencer", "tally_identity", "tally_auditor")
BACKUP = "tally_backup"
LOGIN = "tallystick"

_SCRIPTS = Path(__file__).parent / "migrations"


class DatabaseNotMigrated(DomainError):
    """The schema is older or newer than this program; run the migrations, or update it."""

    code = ErrorCode.DATABASE_NOT_MIGRATED


def create_roles(admin: psycopg.Connection) -> None:
    """Create the roles of the design where they are missing; safe to race and to repeat."""
    for role in (OWNER, *ROLES, BACKUP):
        _create_role(admin, role, "NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
    _create_role(admin, LOGIN, "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT")
    user = admin.execute("SELECT current_user").fetchone()
    for role in ROLES:
        _grant(admin, role, LOGIN)
    for role in (OWNER, *ROLES):
        _grant(admin, role, str(user[0]) if user else LOGIN)


def create_database(admin: psycopg.Connection, name: str) -> bool:
    """Create the database owned by the migrations' role; False when it was there already."""
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
        return False
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
    )
    return True


def hand_over(admin: psycopg.Connection) -> None:
    """Let the migrations' role create tables in a database that somebody else made."""
    admin.execute(
        sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(sql.Identifier(OWNER))
    )


def migrate(conninfo: str) -> str:
    """Bring the schema to this program's newest revision, in one transaction; returns it."""
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool
    )
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7211820251120)")
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
            connection.exec_driver_sql(f"SET LOCAL ROLE {OWNER}")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.exec_driver_sql(
                f"GRANT SELECT ON alembic_version TO {', '.join((*ROLES, BACKUP))}"
            )
    except (psycopg.OperationalError, OperationalError) as error:
        raise DatabaseUnavailable("The database does not answer.") from error
    except DBAPIError as error:
        raise DatabaseNotMigrated(
            f"The schema could not be brought up to date, and was left as it was: {error.orig}"
        ) from error
    except CommandError as error:
        raise DatabaseNotMigrated(
            f"The database belongs to another version of the program: {error}."
        ) from error
    finally:
        engine.dispose()
    return head_revision()


def head_revision() -> str:
    """The newest revision this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise DatabaseNotMigrated("This installation came without its migrations.")
    return head


def check_migrated(conninfo: str) -> None:
    """Raise DatabaseNotMigrated unless the schema is exactly this program's.

    Raises DatabaseUnavailable when the server does not answer.
    """
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET ROLE tally_auditor")
            current = MigrationContext.configure(connection).get_current_revision()
    except (psycopg.OperationalError, OperationalError) as error:
        raise DatabaseUnavailable("The database does not answer.") from error
    finally:
        engine.dispose()
    if current != head_revision():
        raise DatabaseNotMigrated(
            "The database schema does not belong to this version of the program.",
            found=current or "none",
            needed=head_revision(),
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def _create_role(admin: psycopg.Connection, role: str, attributes: str) -> None:
    try:
        with admin.transaction():
            admin.execute(sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(role)))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return  # another starter made it first, or an earlier run did


def _grant(admin: psycopg.Connection, role: str, member: str) -> None:
    statement = sql.SQL("GRANT {} TO {}")
    try:
        with admin.transaction():
            admin.execute(statement.format(sql.Identifier(role), sql.Identifier(member)))
    except (psycopg.errors.InternalError, psycopg.errors.UniqueViolation):
        return  # granted by a racing starter
