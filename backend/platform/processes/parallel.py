"""Several loops in one process: when one fails for good, all stop and the failure is raised."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from backend.platform.processes.loop import Loop

Step = Callable[[], bool]


def run_loops(
    steps: Mapping[str, Step],
    stop: threading.Event,
    idle_seconds: float,
    pulse: Callable[[str], Path | None] = lambda _: None,
) -> None:
    """Run each named step in a thread of its own until ``stop`` or the first failure.

    ``pulse`` gives the file that a loop touches before each step.
    """
    failures: list[BaseException] = []

    def run(name: str, step: Step) -> None:
        try:
            Loop(name, stop, idle_seconds, pulse(name)).run(step)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            failures.append(error)
            stop.set()

    threads = [
        threading.Thread(target=run, args=each, name=each[0], daemon=True) for each in steps.items()
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if failures:
        raise failures[0]
