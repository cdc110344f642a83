"""A timeline never goes back: what is done stays done, and branches only get more."""

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.settlement.domain.saga import decide, evolve
from backend.settlement.domain.timeline import (
    BranchKind,
    Outcome,
    Seen,
    StepName,
    StepState,
    derive,
)
from backend.settlement.events import SettlementRefused
from backend.settlement.iso20022 import Direction
from tests.settlement import samples as e
from tests.settlement.test_saga import FAILED, FINAL, IN_BLOCK, SENT, SIGNED
from tests.settlement.test_steps_model import ACTIONS, Driver, ModelChain, act

# A step may move to the right only.
RANK = {
    StepState.UPCOMING: 0, StepState.CURRENT: 1, StepState.SKIPPED: 2,
    StepState.DONE: 3, StepState.FAILED: 3,
}  # fmt: skip


def seen(events):
    """The events with ids and positions of their own, a second apart."""
    return [
        Seen(event, e.AT + timedelta(seconds=n), f"event-{n}", n) for n, event in enumerate(events)
    ]


def timeline(events):
    return derive(e.TRADE_ID, seen(events))


def states(events):
    return [step.state.value for step in timeline(events).steps]


DONE, CURRENT, UPCOMING, BAD, SKIPPED = "done", "current", "upcoming", "failed", "skipped"


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], [CURRENT] + [UPCOMING] * 7),
        ([e.INSTRUCTED], [DONE, CURRENT, CURRENT] + [UPCOMING] * 5),
        ([e.INSTRUCTED, e.BUYER_SIGNED], [DONE, CURRENT, DONE] + [UPCOMING] * 5),
        ([e.INSTRUCTED, e.BUYER_SIGNED, e.SELLER_SIGNED], [DONE] * 3 + [CURRENT] + [UPCOMING] * 4),
        (SIGNED, [DONE] * 4 + [CURRENT] + [UPCOMING] * 3),
        ([*SIGNED, e.PENDING], [DONE] * 4 + [CURRENT] + [UPCOMING] * 3),
        (SENT, [DONE] * 5 + [CURRENT] + [UPCOMING] * 2),
        ([*SENT, e.DEAD], [DONE] * 5 + [CURRENT] + [UPCOMING] * 2),
        (IN_BLOCK, [DONE] * 6 + [CURRENT, UPCOMING]),
        ([*IN_BLOCK, e.REORGED], [DONE] * 6 + [CURRENT, UPCOMING]),
        ([*IN_BLOCK, e.SAFE, e.REORGED], [DONE] * 7 + [CURRENT]),
        (FINAL, [DONE] * 8),
        ([*IN_BLOCK, e.FINALISED], [DONE] * 8),
        ([*SIGNED, e.INCLUDED], [DONE] * 4 + [SKIPPED, DONE, CURRENT, UPCOMING]),
        (FAILED, [DONE] * 4 + [BAD] + [SKIPPED] * 3),
        ([e.INSTRUCTED, e.FAILED], [DONE, BAD, BAD] + [SKIPPED] * 5),
        ([e.INSTRUCTED, e.SELLER_SIGNED, e.FAILED], [DONE, DONE, BAD] + [SKIPPED] * 5),
        ([*SENT, e.FAILED, e.REPLACED], [DONE] * 5 + [BAD] + [SKIPPED] * 2),
    ],
)
def test_the_steps_after_each_history(history, expected):
    assert states(history) == expected


def test_a_refused_trade_failed_at_its_first_step():
    refused = SettlementRefused(
        deal=e.DEAL, seller=e.side(1), buyer=e.side(2), cause="wallet-unknown",
        detail="A party has no wallet for this account.", refused_at=e.AT,
    )  # fmt: skip
    found = timeline([refused])
    assert [step.state.value for step in found.steps] == [BAD] + [SKIPPED] * 7
    assert found.outcome is Outcome.FAILED
    assert found.steps[0].detail == "A party has no wallet for this account."
    assert [each.kind for each in found.branches] == [BranchKind.REFUSED]


def test_every_way_off_the_straight_one_is_a_branch():
    history = [*SIGNED, e.PENDING, e.SUBMITTED, e.REPLACED, e.INCLUDED, e.REORGED, e.DEAD]
    found = timeline(history)
    assert [each.kind.value for each in found.branches] == [
        "pending", "replaced", "reorganised", "retried",
    ]  # fmt: skip
    assert found.branches[2].detail == "Block 12 left the chain."
    assert [each.event_id for each in found.branches] == [
        f"event-{history.index(each)}" for each in (e.PENDING, e.REPLACED, e.REORGED, e.DEAD)
    ]
    included = found.steps[5]
    assert (included.name, included.state) == (StepName.INCLUDED, StepState.DONE)
    assert "left the chain" in (included.detail or "")


def test_a_block_that_left_the_chain_is_told_of_until_the_trade_is_final():
    again = replace(e.INCLUDED, block_number=14)
    final = replace(e.FINALISED, block_number=14)
    history = [*IN_BLOCK, e.SAFE, e.REORGED, again, final]

    def said(length):
        return [step.detail for step in timeline(history[:length]).steps[5:]]

    n = len(IN_BLOCK)
    assert said(n + 1)[1] == "Block 12."
    left = "Safe in block 12, which left the chain"
    assert said(n + 2) == ["In block 12, which left the chain.", f"{left}.", None]
    assert said(n + 3)[1] == f"{left}; now in block 14."
    assert said(n + 3)[0].startswith("Block 14,")
    assert said(n + 4)[1:] == [f"{left}; final in block 14.", "Block 14."]
    safe_again = [*history[:-1], replace(e.SAFE, block_number=14), final]
    assert [step.detail for step in timeline(safe_again).steps[6:]] == ["Block 14.", "Block 14."]


@pytest.mark.parametrize(
    ("reasons", "seller", "buyer"),
    [
        (("BUYER_LACKS_CASH",), "CMON", "BUYER_LACKS_CASH"),
        (("BUYER_LACKS_CASH", "BUYER_ALLOWANCE"), "CMON", "BUYER_LACKS_CASH, BUYER_ALLOWANCE"),
        (("SELLER_ALLOWANCE",), "SELLER_ALLOWANCE", "CLAC"),
        (("NOT_YET_VALID", "SELLER_LACKS_UNITS"), "NOT_YET_VALID, SELLER_LACKS_UNITS",
         "NOT_YET_VALID, CLAC"),
        (("HALTED",), "HALTED", "HALTED"),
    ],
)  # fmt: skip
def test_a_party_reads_of_its_counterparty_the_code_alone(reasons, seller, buyer):
    history = seen([*SIGNED, replace(e.PENDING, reasons=reasons)])
    assert derive(e.TRADE_ID, history).branches[0].detail == ", ".join(reasons)
    for direction, expected in ((Direction.DELIVER, seller), (Direction.RECEIVE, buyer)):
        assert derive(e.TRADE_ID, history, direction).branches[0].detail == expected


def test_attempts_count_submissions():
    again = replace(e.SUBMITTED, nonce=8, transaction_hash="0x" + "a3" * 32)
    assert timeline(SIGNED).attempt == 0
    assert timeline([*SENT, e.REPLACED]).attempt == 1
    found = timeline([*SENT, e.DEAD, again])
    assert found.attempt == 2
    assert "a3a3" in (found.steps[4].detail or "")


def test_steps_name_the_event_that_did_them():
    found = timeline(FINAL)
    assert [step.position for step in found.steps] == list(range(8))
    assert [step.event_id for step in found.steps] == [f"event-{n}" for n in range(8)]
    assert [step.at for step in found.steps] == [e.AT + timedelta(seconds=n) for n in range(8)]
    assert found.outcome is Outcome.SETTLED


class Recorder(Driver):
    """The worker over a misbehaving chain, with every event it recorded."""

    def __init__(self, chain):
        self.events = []
        super().__init__(chain)

    def apply(self, seen):
        for event in decide(self.state, seen):
            self.state = evolve(self.state, event)
            self.history.append(type(event).__name__)
            self.events.append(event)


@given(st.lists(ACTIONS, max_size=60))
@settings(max_examples=300, deadline=None)
@example(["step", "include", "step", "include", "step", "reorg2", "step", "include", "step"])
@example(["party", "step", "reorg1", "step", "step", "include", "step", "mine", "mine", "step"])
@example(["step", "funds", "include", "step", "funds", "reorg1", "step", "step", "include"])
def test_every_prefix_agrees_with_what_follows(actions):
    chain = ModelChain()
    driver = Recorder(chain)
    for action in actions:
        act(driver, chain, action)
    chain.down = False
    chain.mine(e.TRADE.deadline + 1)
    for _ in range(30):
        driver.step(2.0)
        chain.include()
    assert_never_goes_back(driver.events)


def assert_never_goes_back(events):
    history = seen(events)
    before = derive(e.TRADE_ID, [])
    for length in range(1, len(history) + 1):
        after = derive(e.TRADE_ID, history[:length])
        for old, new in zip(before.steps, after.steps, strict=True):
            assert RANK[new.state] >= RANK[old.state], (old, new)
            if old.state in (StepState.DONE, StepState.FAILED):
                assert new.state is old.state, (old, new)
                assert new.at >= old.at
        assert after.branches[: len(before.branches)] == before.branches
        assert before.outcome in (Outcome.UNDER_WAY, after.outcome)
        assert after.attempt >= before.attempt
        waited = [each for each in after.steps if each.state is StepState.CURRENT]
        assert bool(waited) == (after.outcome is Outcome.UNDER_WAY)
        before = after
    reorganised = [each for each in events if type(each).__name__ == "SettlementReorged"]
    assert len(reorganised) == sum(b.kind is BranchKind.REORGANISED for b in before.branches)


def test_the_check_notices_a_timeline_that_goes_back():
    """The control: a history told backwards is not one that only goes forward."""
    with pytest.raises(AssertionError):
        assert_never_goes_back([*FINAL, e.REORGED, e.FAILED])
