"""Two servers for one load: the platform's API, and a bare FastAPI + psycopg insert.

Each runs in a process of its own, under the same uvicorn (uvloop, httptools), on a free port.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from psycopg_pool import ConnectionPool

from backend.platform.bootstrap import open_core
from backend.platform.processes.api import application
from backend.platform.settings import Settings
from backend.trading.api import NewOrder

POOL = 10  # connections of either server
_START_SECONDS = 30.0


@contextmanager
def served(kind: str, *arguments: str) -> Iterator[int]:
    """The port of a server of ``kind`` ("platform" or "bare") in a process that ends with this."""
    port = _free_port()
    command = [sys.executable, "-m", "scripts.bench.serving", kind, str(port), *arguments]
    process = subprocess.Popen(command)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def bench_settings(home: Path) -> Settings:
    """Settings of a platform whose chain nobody asks."""
    return Settings(
        home=home, chain_rpc_url="http://127.0.0.1:9", log_origin="localhost/bench",
        database_pool_size=POOL,
    )  # fmt: skip


def bare(conninfo: str, size: int) -> FastAPI:
    """What accepting costs at the least: parse the same body, insert one row, commit, answer."""
    pool = ConnectionPool(conninfo, min_size=1, max_size=POOL, open=True)
    app, row = FastAPI(), b"x" * size

    @app.post("/orders", status_code=201)
    def insert(body: NewOrder) -> dict[str, Any]:
        with pool.connection() as connection:
            connection.execute(
                "INSERT INTO bare_orders (client_order_id, entry) VALUES (%s, %s)",
                (body.client_order_id, row),
            )
        return {"order_id": body.client_order_id, "status": "accepted"}

    return app


def main(kind: str, port: str, *arguments: str) -> None:
    """Serve until terminated."""
    if kind == "bare":
        _serve(bare(arguments[0], int(arguments[1])), int(port))
        return
    conninfo, home = arguments
    with open_core(bench_settings(Path(home)), "api", conninfo) as core:
        _serve(application(core), int(port))


def _serve(app: FastAPI, port: int) -> None:
    uvicorn.run(
        app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("The server did not start.")


if __name__ == "__main__":
    main(*sys.argv[1:])
