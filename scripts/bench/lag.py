"""How long an event waits for the signed checkpoint that covers it, as a client sees it.

One client appends an event a commit, at a steady pace and then as fast as it can. A listener notes
when the database told of each signed head; an event's lag runs from the return of its commit to
the first head beyond its position.
"""

from bisect import bisect_right
from statistics import quantiles
from threading import Event, Thread
from time import perf_counter, sleep

import psycopg

from scripts.bench.events import World
from scripts.bench.report import Figure
from scripts.bench.world import database

EVENTS = 2_000
PACE_SECONDS = 0.01


class Heads(Thread):
    """Listens until told to stop; ``sizes`` and ``times`` run side by side."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(daemon=True)
        self._conninfo = conninfo
        self.ready = Event()
        self.stop = Event()
        self.sizes: list[int] = []
        self.times: list[float] = []

    def run(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute("LISTEN feed")
            self.ready.set()
            while not self.stop.is_set():
                for notice in connection.notifies(timeout=0.2):
                    self.times.append(perf_counter())
                    self.sizes.append(int(notice.payload))

    def covered_at(self, position: int) -> float:
        """When a signed head beyond ``position`` was told of."""
        while not self.sizes or self.sizes[-1] <= position:
            sleep(0.001)
        return self.times[bisect_right(self.sizes, position)]


def figures() -> list[Figure]:
    """The lag to the signed checkpoint: median and 99th percentile, paced and flat out."""
    found = []
    with database() as (pool, admin):
        world = World(pool)
        heads = Heads(admin)
        heads.start()
        heads.ready.wait()
        world.append("warm", 1)
        world.until(1)
        for name, pace in (
            ("one event every 10 ms", PACE_SECONDS),
            ("as fast as one client can", 0),
        ):
            lags = _lags(world, heads, name, pace)
            cuts = quantiles(lags, n=100)
            for label, value in (("median", cuts[49]), ("99th percentile", cuts[98])):
                title = f"commit to signed checkpoint, {name}, {label}"
                limit = "≤ 1,000 ms"
                found.append(Figure(title, value * 1e3, "ms", "", None, limit, value <= 1))
        heads.stop.set()
        heads.join()
        world.close()
    return found


def _lags(world: World, heads: Heads, name: str, pace: float) -> list[float]:
    first, committed = world.size(), []
    for number in range(EVENTS):
        world.append(f"{name}-{number % 50}", 1)
        committed.append(perf_counter())
        sleep(pace)
    heads.covered_at(first + EVENTS - 1)
    return [heads.covered_at(first + at) - moment for at, moment in enumerate(committed)]
