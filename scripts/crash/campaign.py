"""One home from its first block to its last look: rounds of trading and settling under troubles."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import AnchoringError
from scripts.crash.checks import ENDED, Examiner, Findings, Violation
from scripts.crash.parties import Unanswered
from scripts.crash.tally import Tally
from scripts.crash.traffic import NotSettled, Traffic
from scripts.crash.troubles import SETTLING, TRADING, Troubles
from scripts.crash.world import World

REST_SECONDS = 120.0
NOT_SETTLED = "not-settled"

# Rows that say that something is still under way; all must be empty for a while.
_UNDER_WAY = """
SELECT
  (SELECT count(*) FROM settlement_work) AS work,
  (SELECT count(*) FROM unsequenced) AS outbox,
  (SELECT count(*) FROM cursors, (SELECT coalesce(max(position) + 1, 0) AS size FROM feed) AS log
   WHERE next_position < log.size) AS subscriptions,
  (SELECT count(*) FROM anchors WHERE state NOT IN ('FINAL', 'FAILED')) AS anchors,
  (SELECT count(*) FROM feed WHERE type NOT LIKE 'anchor.%' AND type NOT LIKE 'index.%'
     AND position >= (SELECT coalesce(max(size), 0) FROM anchors WHERE state = 'FINAL'))
   AS unanchored,
  (SELECT count(*) FROM feed WHERE type NOT LIKE 'index.%' AND position >=
     (SELECT coalesce(max(size), 0) FROM index_commitments)) AS unindexed,
  (SELECT coalesce(max(size), 0) FROM log_head) AS size
"""


class Campaign:
    """A world with its traffic, its troubles and its examiner. ``close`` ends the world."""

    def __init__(
        self, home: Path, tally: Tally, troubles: Troubles, rng: random.Random, workers: int = 1
    ) -> None:
        self.tally = tally
        self.troubles = troubles
        self.world = World(home, troubles.ended, troubles.point_for, workers)
        troubles.world = self.world
        self.traffic = Traffic(self.world, rng)
        self.examiner = Examiner(self.world, self.traffic.ledger)
        self.examiner.outside = troubles.outside
        self._counted = Findings((), 0, 0, 0)
        self._orders = 0

    def close(self) -> None:
        self.world.close()

    def round(self, pairs: int, meanwhile: Callable[[], None] = lambda: None) -> Findings:
        """Trade, consent and settle under troubles; then rest, and look at everything.

        A platform that does not come to rest is a finding too.
        """
        begun = time.monotonic()
        stuck: list[Violation] = []
        try:
            self.troubles.begin(TRADING)
            self.traffic.trade(pairs)
            self.traffic.open_settlement_date()
            self.troubles.begin(SETTLING)
            self.traffic.settle(meanwhile)
        except (NotSettled, Unanswered) as error:
            stuck.append(Violation(NOT_SETTLED, str(error)))
        finally:
            self.troubles.end()
        findings = self.look(stuck)
        self._count(findings, time.monotonic() - begun)
        return findings

    def look(
        self, already: list[Violation] | None = None, patience: float = REST_SECONDS
    ) -> Findings:
        """Wait for rest and look; what is not at rest is reported beside the rest."""
        found = list(already or [])
        try:
            self.rest(patience)
        except NotSettled as error:
            found.append(Violation(NOT_SETTLED, str(error)))
        for process in self.troubles.ended_by_itself:
            text = f"{process.name} ended with code {process.exit_code}: {process.words}"
            found.append(Violation(ENDED, text))
        self.troubles.ended_by_itself.clear()
        findings = self.examiner.look()
        return Findings(
            (*found, *findings.violations), findings.settlements, findings.events, findings.anchors
        )

    def rest(self, seconds: float = REST_SECONDS) -> None:
        """Until nothing is under way and the published log is all there is. Raises NotSettled."""
        end = time.monotonic() + seconds
        quiet, last = 0, None
        while quiet < 3:
            state = self._under_way()
            quiet = quiet + 1 if state is not None and state == last and _is_quiet(state) else 0
            last = state
            if time.monotonic() > end:
                raise NotSettled(f"not at rest after {seconds:.0f} s: {state}")
            time.sleep(0.2)

    def _under_way(self) -> dict[str, int] | None:
        try:
            with psycopg.connect(self.world.database.admin) as connection:
                cursor = connection.execute(_UNDER_WAY)
                names = [column.name for column in cursor.description or ()]
                state = dict(zip(names, cursor.fetchone() or (), strict=True))
        except psycopg.Error:
            return None
        state["unpublished"] = state["size"] - self._published()
        return state

    def _published(self) -> int:
        try:
            data = (self.world.home.log / "checkpoint").read_bytes()
            return parse_checkpoint(data)[0].size
        except (OSError, AnchoringError):
            return 0

    def _count(self, findings: Findings, seconds: float) -> None:
        tally, before = self.tally, self._counted
        tally.rounds += 1
        tally.seconds += seconds
        tally.settlements += findings.settlements - before.settlements
        tally.events += findings.events - before.events
        tally.anchors += findings.anchors - before.anchors
        orders = len(self.traffic.ledger.orders)
        tally.orders += orders - self._orders
        self._orders, self._counted = orders, findings
        for spoil, count in self.world.chain.proxy.spoiled.items():
            if count:
                tally.troubles[spoil.value] += count
                self.world.chain.proxy.spoiled[spoil] = 0
        for participant in self.world.participants:
            tally.repeated_requests += participant.api.repeated
            participant.api.repeated = 0
        tally.violations.update(each.kind for each in findings.violations)


def _is_quiet(state: dict[str, int]) -> bool:
    return all(count == 0 for name, count in state.items() if name != "size")
