"""Figures about witnesses for Prometheus, read from the database when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.kernel.errors import DomainError

_COSIGNATURES = "SELECT witness, count(*) AS v FROM cosignatures GROUP BY witness ORDER BY witness"
_FAILURES = "SELECT witness, reason, failures AS v FROM witness_failures ORDER BY witness, reason"
# A round is missed once a later one began without its quorum.
_MISSED = """
SELECT count(*) AS v FROM witness_rounds
WHERE quorum_at IS NULL AND size < (SELECT max(size) FROM witness_rounds)
"""
_SINCE = """
SELECT extract(epoch FROM clock_timestamp() - max(quorum_at))::float8 AS v FROM witness_rounds
"""


class WitnessCollector(Collector):
    """Cosignatures, failures by reason, quorums missed, and the seconds since the last one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        return []  # registering must not need a database

    def collect(self) -> Iterator[Metric]:
        cosignatures = CounterMetricFamily(
            "tallystick_cosignatures", "Cosignatures received", labels=["witness"]
        )
        failures = CounterMetricFamily(
            "tallystick_witness_failures",
            "Calls of witnesses that failed",
            labels=["witness", "reason"],
        )
        try:
            with self._database.transaction(Scope.auditor()) as connection:
                for row in connection.execute(_COSIGNATURES):
                    cosignatures.add_metric([row["witness"]], float(row["v"]))
                for row in connection.execute(_FAILURES):
                    failures.add_metric([row["witness"], row["reason"]], float(row["v"]))
                missed = connection.execute(_MISSED).fetchone()
                since = connection.execute(_SINCE).fetchone()
        except DomainError:
            return  # tallystick_up says so
        yield cosignatures
        yield failures
        yield CounterMetricFamily(
            "tallystick_witness_quorum_missed",
            "Rounds that ended without the quorum",
            value=float(missed["v"]) if missed else 0.0,
        )
        if since is not None and since["v"] is not None:
            yield GaugeMetricFamily(
                "tallystick_witness_quorum_age_seconds",
                "Seconds since a checkpoint last got its quorum",
                value=float(since["v"]),
            )
