"""One way to serve an application: uvicorn, until told to stop."""

import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from backend.platform.settings import Settings

SHUTDOWN_SECONDS = 10


def serve_until(
    stop: threading.Event,
    app: FastAPI,
    settings: Settings,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Serve ``app`` on the host and port of ``settings``; requests under way are finished.

    ``before`` runs when it is time to stop: it ends what would never finish by itself.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level.value,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)

    def watch() -> None:
        stop.wait()
        before()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    server.run()
