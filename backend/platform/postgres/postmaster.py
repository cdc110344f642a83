"""What is known about a running server from outside: its lock file, its process, its answer."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from backend.platform.postgres.address import SUPERUSER, DatabaseAddress

_LINES = 8


@dataclass(frozen=True)
class Postmaster:
    """The contents of ``postmaster.pid`` (``src/include/utils/pidfile.h``)."""

    pid: int
    port: str
    socket_folder: Path
    ready: bool

    def address(self, user: str, dbname: str) -> DatabaseAddress:
        """The address of a database of this server."""
        return DatabaseAddress(user, dbname, {"host": str(self.socket_folder), "port": self.port})


def read_postmaster(data: Path) -> Postmaster | None:
    """The server that says it runs on ``data``; None while it has not written everything."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < _LINES or not lines[4]:
        return None
    return Postmaster(
        pid=int(lines[0]),
        port=lines[3].strip(),
        socket_folder=Path(lines[4]),
        ready=lines[7].strip() == "ready",
    )


def serves(postmaster: Postmaster, data: Path) -> bool:
    """Whether the server behind the socket answers, and its data directory is ``data``."""
    conninfo = postmaster.address(SUPERUSER, "postgres").conninfo()
    try:
        with psycopg.connect(conninfo, connect_timeout=2) as connection:
            row = connection.execute("show data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and os.path.realpath(row[0]) == os.path.realpath(data)


def processes_on(data: Path) -> list[psutil.Process]:
    """Every ``postgres`` process whose working directory is ``data``, as theirs all are."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and _same(process.cwd(), data):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def _same(left: str, right: Path) -> bool:
    return os.path.realpath(left) == os.path.realpath(right)
