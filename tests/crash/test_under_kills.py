"""The real platform under SIGKILL: nothing lost, nothing doubled; and broken ones are caught.

The tests of this module share one platform and run in order: first the healthy one is killed
and looked at, then one thing after another is broken on purpose and has to be found.
"""

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.crash import checks
from scripts.crash.campaign import Campaign
from scripts.crash.tally import Tally
from scripts.crash.troubles import SETTLING, TRADING, Scene, Troubles

pytestmark = [pytest.mark.db, pytest.mark.chain]

SEED = 3
SCRIPT = (
    Scene("arm anchorer", TRADING, "anchor.submitted.committed"),
    Scene("arm worker", TRADING, "trade.executed.inserted"),
    Scene("arm api", TRADING, "order.accepted.committed"),
    Scene("arm sequencer", TRADING, "publication.tiles_half"),
    Scene("kill postgres-session", TRADING),
    Scene("kill api", TRADING),
    Scene("arm worker", SETTLING, "settlement.submitted.committed"),
    Scene("accept-then-drop", SETTLING),
    Scene("drop", SETTLING),
    Scene("reorganise", SETTLING),
    Scene("arm worker", SETTLING, "settlement.included.decided"),
    Scene("kill anvil", SETTLING),
    Scene("replace", SETTLING),
    Scene("arm sequencer", SETTLING, "sequencer.moved"),
    Scene("kill api", SETTLING),
    Scene("arm worker", SETTLING, "settlement.books.committed"),
    Scene("kill postgres", SETTLING),
    Scene("kill worker", SETTLING),
    Scene("kill worker", SETTLING),
    Scene("kill api", SETTLING),
)
KINDS = {"api", "sequencer", "worker", "anchorer", "postgres", "postgres session", "anvil"}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """A platform on servers of its own, with a script of troubles that is not yet begun."""
    home = Path(tmp_path_factory.getbasetemp().parent / f"crash-{time.time_ns()}")
    home.mkdir()
    home.chmod(0o711)
    troubles = Troubles(
        Tally(seed=SEED), random.Random(SEED), (0.1, 0.35), script=SCRIPT, by_chance=False
    )
    made = Campaign(home, troubles.tally, troubles, random.Random(SEED))
    try:
        yield made
    finally:
        made.close()
        made.world.database.destroy()
        shutil.rmtree(home)


@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_or_created(campaign: Campaign) -> None:
    tally = campaign.tally
    for pairs in (20, 8, 8):
        findings = campaign.round(pairs)
        assert findings.violations == ()
        if campaign.troubles.played and tally.settlements >= 20:
            break
    assert campaign.troubles.played, "not every trouble could be caused"
    assert tally.settlements >= 20
    assert set(tally.kills) == KINDS
    assert tally.total_kills >= 15
    assert len(tally.points) >= 5, tally.points
    assert sum(tally.reorganisations.values()) == 1
    assert set(tally.troubles) >= {"dropped", "replaced outside", "accept-then-drop"}
    assert findings.anchors >= 2


@pytest.mark.parametrize(
    ("broken", "armed", "caught"),
    [
        (
            ("reuses_nonces", "applies_late", "books_twice"),
            None,
            {checks.NONCE, checks.REPLAY, checks.DOUBLED, checks.CONSERVATION},
        ),
        (
            ("sends_first", "forgets_itself"),
            "settlement.submitted.inserted",
            {checks.UNKNOWN_TRANSACTION, checks.LOST},
        ),
    ],
)
def test_what_is_broken_on_purpose_is_caught(
    campaign: Campaign, broken: tuple[str, ...], armed: str | None, caught: set[str]
) -> None:
    """Each kind of finding belongs to one of the broken parts, and none was there before."""
    assert not caught & campaign.examiner.look().kinds()
    patch = ",".join(f"tests.crash.broken.{each}" for each in broken)
    campaign.world.company.replace("worker", armed, patch)
    campaign.traffic.trade(3)
    campaign.traffic.open_settlement_date()
    campaign.traffic.settle()
    found = campaign.look(patience=3)
    assert caught <= found.kinds(), found.violations
    campaign.world.company.replace("worker")


def test_an_anchorer_stops_when_a_final_anchor_is_gone(campaign: Campaign) -> None:
    """The chain comes back from a state file of before the last anchors: typed, and for good."""
    campaign.world.chain.rewind()
    campaign.traffic.trade(1)
    end = time.monotonic() + 30
    words = ""
    while "chain-rewound" not in words:
        assert time.monotonic() < end, campaign.troubles.ended_by_itself
        words = " ".join(each.words for each in campaign.troubles.ended_by_itself)
        time.sleep(0.1)
