"""Figures for Prometheus, read from the database when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
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
    "tallystick_unanchored_entries": (
        "Entries of the log beyond the last final anchor",
        "SELECT coalesce((SELECT max(size) FROM log_head), 0)"
        " - coalesce((SELECT max(size) FROM anchors WHERE state = 'FINAL'), 0) AS v",
    ),
    "tallystick_anchor_lag_seconds": (
        "For how long the oldest event has waited for a final anchor",
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT sequenced_at FROM feed"
        " WHERE position >= (SELECT coalesce(max(size), 0) FROM anchors WHERE state = 'FINAL')"
        " AND type NOT LIKE 'anchor.%' AND type NOT LIKE 'index.%' ORDER BY position LIMIT 1)), 0)"
        " AS v",
    ),
    "tallystick_anchor_gas": (
        "Gas of the newest mined anchor",
        "SELECT coalesce((SELECT gas_used FROM anchor_fees"
        " ORDER BY stream_version DESC LIMIT 1), 0) AS v",
    ),
    "tallystick_anchor_pending_replaced": (
        "How often the anchor under way was sent again for more",
        "SELECT coalesce(max(replaced), 0) AS v FROM anchoring_status",
    ),
    "tallystick_anchor_deferred": (
        "1 while an anchor waits because it would pass a limit of cost",
        "SELECT count(deferred) AS v FROM anchoring_status",
    ),
    "tallystick_anchor_lagging": (
        "1 while events wait longer for their anchor than the limit",
        "SELECT count(*) FILTER (WHERE lagging) AS v FROM anchoring_status",
    ),
    "tallystick_audited_size": (
        "Entries of the log that the watchdog's last round found in order",
        "SELECT coalesce(max(size), 0) AS v FROM watchdog_status",
    ),
    "tallystick_audit_findings": (
        "What the watchdog found wrong and is not over",
        "SELECT coalesce(max(findings), 0) AS v FROM watchdog_status",
    ),
    "tallystick_audit_age_seconds": (
        "Seconds since the watchdog's last round",
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - max(checked_at)), 0) AS v"
        " FROM watchdog_status",
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
_COUNTERS = {
    "tallystick_anchor_fees_wei": (
        "Wei paid for anchors that are in the chain",
        "SELECT coalesce(sum(fee), 0) AS v FROM anchor_fees",
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
                for name, (text, query) in _COUNTERS.items():
                    row = connection.execute(query).fetchone()
                    yield CounterMetricFamily(name, text, value=float(row["v"]) if row else 0.0)
        except DomainError:
            yield GaugeMetricFamily("tallystick_up", "Whether the database answers", value=0)
            return
        yield GaugeMetricFamily("tallystick_up", "Whether the database answers", value=1)
