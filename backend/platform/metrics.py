"""Figures for Prometheus, read from the database when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError

_GAUGES = {
    "tallystick_log_size": (
        "Entries in the log",
        "SELECT coalesce(max(size), 0) AS v FROM log_head",
    ),
    "tallystick_anchored_size": (
        "Entries covered by the last final anchor",
        "SELECT coalesce(max(size), 0) AS v FROM anchors WHERE state = 'FINAL'",
    ),
    "tallystick_settlements_open": (
        "Settlements that are neither final nor failed",
        "SELECT count(*) AS v FROM settlements WHERE state NOT IN ('FINAL', 'FAILED')",
    ),
    "tallystick_book_orders": (
        "Orders resting in the books",
        "SELECT count(*) AS v FROM book_orders WHERE state = 'resting'",
    ),
    "tallystick_breakers_open": (
        "Circuit breakers that are tripped",
        "SELECT count(*) AS v FROM circuit_breakers WHERE state = 'open'",
    ),
}


class PlatformCollector(Collector):
    """Reads each gauge in one transaction; ``tallystick_up`` says whether that worked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        return []  # registering must not need a database

    def collect(self) -> Iterator[Metric]:
        try:
            with self._database.transaction(Scope.auditor()) as connection:
                for name, (text, query) in _GAUGES.items():
                    row = connection.execute(query).fetchone()
                    yield GaugeMetricFamily(name, text, value=float(row["v"]) if row else 0.0)
        except DomainError:
            yield GaugeMetricFamily("tallystick_up", "Whether the database answers", value=0)
            return
        yield GaugeMetricFamily("tallystick_up", "Whether the database answers", value=1)
