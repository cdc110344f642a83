"""The watchdog's loop, beside the anchorer's: in its process, on a thread of its own.

The anchorer waits for blocks most of the time, so the hashing takes nothing from anybody. What
goes wrong here is said and tried again; it never ends the process or holds up an anchor.
"""

import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

from anchoring.errors import AnchoringError
from anchoring.tile_store import DirectoryStore
from backend.audit.watchdog import Watchdog, watchdog_lease
from backend.kernel.errors import DomainError
from backend.platform.bootstrap import Core
from backend.platform.processes.loop import Loop

IDLE_SECONDS = 0.5
JOIN_SECONDS = 10.0
STATE = "watchdog.state"


def beside(core: Core, stop: threading.Event, run: Callable[[Core, threading.Event], None]) -> None:
    """Run ``run`` until ``stop``, and beside it the watchdog."""
    state, pause = core.home.run / STATE, core.settings.watchdog_seconds
    lease = watchdog_lease(core.database, pause)
    dog = Watchdog(core.store, DirectoryStore(core.home.log), state, pause, lease=lease)
    log = structlog.get_logger(process="watchdog")

    def step() -> bool:
        try:
            return dog.step()
        except (DomainError, AnchoringError) as error:
            log.warning("waiting", detail=str(error))
            return False

    ended = threading.Event()
    loop = Loop("watchdog", ended, IDLE_SECONDS, core.home.pulse("watchdog"))
    thread = threading.Thread(target=loop.run, args=(step,), name="watchdog", daemon=True)
    thread.start()
    try:
        run(core, stop)
    finally:
        ended.set()
        thread.join(timeout=JOIN_SECONDS)
        with suppress(DomainError):  # a database that is away: the lease runs out by itself
            dog.release()
