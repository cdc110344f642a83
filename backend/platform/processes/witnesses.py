"""The loop that asks witnesses, beside the anchorer's: in its process, on a thread of its own.

What it enforces is the policy that the sequencer published beside the log: the same bytes that
readers get. Nothing that goes wrong here ends the process, or holds up the log or an anchor.
"""

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from anchoring.errors import AnchoringError
from anchoring.policy import Policy, parse_policy
from anchoring.tile_store import DirectoryStore
from backend.audit.witnessing import Witnessing, WitnessLoop
from backend.eventstore.lease import Lease, holder_name
from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError
from backend.platform.bootstrap import Core
from backend.platform.processes.loop import Loop
from backend.platform.witness_policy import configured_policy

IDLE_SECONDS = 0.5
LEASE_SECONDS = 60.0


class WitnessProcess:
    """Steps the loop over the published policy; built anew when that policy changes."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._policy = b""
        self._loop: WitnessLoop | None = None
        self._said = ""

    def step(self) -> bool:
        """Ask once; False when there was nothing, or when what is needed is away for now."""
        try:
            loop = self._current()
            busy = False if loop is None else loop.step()
        except (DomainError, AnchoringError) as error:
            self._say(str(error))
            return False
        self._say("")
        return busy

    def close(self) -> None:
        """Give the lease back."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def _current(self) -> WitnessLoop | None:
        try:
            published = (self._core.home.log / "policy.txt").read_bytes()
        except FileNotFoundError:
            return None
        if self._loop is None or published != self._policy:
            self.close()
            self._loop = self._build(parse_policy(published))
            self._policy = published
        return self._loop

    def _build(self, policy: Policy) -> WitnessLoop:
        core, settings = self._core, self._core.settings
        ttl = timedelta(seconds=LEASE_SECONDS)
        lease = Lease(core.database, "witnesses", holder_name(), ttl, Scope.sequencer())
        age = timedelta(seconds=settings.witness_max_age)
        config = Witnessing(policy, age, settings.witness_timeout)
        return WitnessLoop(core.store, DirectoryStore(core.home.log), config, lease)

    def _say(self, problem: str) -> None:
        """Each problem once, not at every step."""
        if problem != self._said and problem:
            structlog.get_logger(process="witnesses").warning("waiting", detail=problem)
        self._said = problem


def beside(core: Core, stop: threading.Event, run: Callable[[Core, threading.Event], None]) -> None:
    """Run ``run`` until ``stop``, and beside it the witnesses' loop where witnesses are configured.

    Raises ConfigurationInvalid for a policy file that cannot be used.
    """
    if configured_policy(core.settings) is None:
        run(core, stop)
        return
    process = WitnessProcess(core)
    ended = threading.Event()
    loop = Loop("witnesses", ended, IDLE_SECONDS, core.home.pulse("witnesses"))
    thread = threading.Thread(target=loop.run, args=(process.step,), name="witnesses", daemon=True)
    thread.start()
    try:
        run(core, stop)
    finally:
        ended.set()
        thread.join(timeout=4 * core.settings.witness_timeout)
        process.close()
