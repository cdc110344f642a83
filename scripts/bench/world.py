"""A real server and a migrated database for one benchmark, removed afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from backend.eventstore.database import Database
from backend.platform import schema
from backend.platform.postgres import EmbeddedPostgres

NAME = "bench"


@contextmanager
def database() -> Iterator[tuple[Database, str]]:
    """The open pool of the application's login, and the superuser's conninfo."""
    home = Path(tempfile.mkdtemp(prefix="tally-bench-"))
    if os.geteuid() == 0:
        home.chmod(0o711)
    server = EmbeddedPostgres(home, disposable=True).start()
    try:
        with psycopg.connect(server.address().conninfo(), autocommit=True) as admin:
            schema.create_roles(admin)
            schema.create_database(admin, NAME)
        schema.migrate(server.address(dbname=NAME).conninfo())
        pool = Database(server.address("tallystick", NAME).conninfo(), max_size=20)
        pool.open()
        yield pool, server.address(dbname=NAME).conninfo()
        pool.close()
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)
