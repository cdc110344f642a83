"""The process against a model of a misbehaving chain: it ends as the chain ended, always.

The model mines, forgets, reorganises, reverts, goes away, lets a party settle or both cancel.
Whatever the order, FINAL means that the trade stands in a final block, and FAILED that it can
never settle.
"""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.kernel.clock import FixedClock
from backend.kernel.errors import NodeUnavailable
from backend.settlement.domain.saga import SettlementState as S
from backend.settlement.domain.saga import decide, evolve
from backend.settlement.errors import TransactionReverted
from backend.settlement.iso20022 import Reason
from backend.settlement.ports import (
    Block,
    ChainInclusion,
    Fees,
    Heads,
    Reverted,
    SignedTransaction,
)
from backend.settlement.steps import ChainSteps, WorkerPolicy, bump
from tests.settlement import samples as e
from tests.settlement.test_saga import SIGNED

POLICY = WorkerPolicy(bump_after=1.0)


class ModelChain:
    """Blocks as lists of (hash, nonce, ok); one trade; one submitting key."""

    def __init__(self):
        self.ids = itertools.count(1)
        self.blocks = []
        self.mempool = {}
        self.funded = True
        self.down = False
        for _ in range(3):
            self.mine(e.TRADE.valid_from + 10)

    # what happens to the chain

    def mine(self, time=None, transactions=()):
        previous = self.blocks[-1][1] if self.blocks else 0
        self.blocks.append((next(self.ids), max(time or 0, previous + 1), list(transactions)))

    def include(self):
        """Mine what waits with the next nonces; of one nonce the newest bytes win."""
        spent, chosen = self.count(len(self.blocks)), []
        while True:
            same = [h for h, n in self.mempool.items() if n == spent]
            if not same:
                break
            ok = self.settles(len(self.blocks)) and not any(t[2] for t in chosen)
            chosen.append((same[-1], spent, ok))
            self.mempool = {h: n for h, n in self.mempool.items() if n != spent}
            spent += 1
        self.mine(None, chosen)

    def foreign(self, kind):
        """A party settles by itself, or both cancel: the number is used without us."""
        if self.used(len(self.blocks)) is None and self.settles(len(self.blocks)):
            self.mine(None, [(kind, None, kind == "party")])
        else:
            self.mine()

    def reorg(self, depth):
        keep = max(len(self.blocks) - depth, len(self.blocks) - 2)
        lost = self.blocks[keep:]
        del self.blocks[keep:]
        for _, time, _ in lost:
            self.mine(time)

    # what can be asked of it

    def settles(self, length):
        late = self.blocks[-1][1] + 1 > e.TRADE.deadline
        return self.funded and not late and self.used(length) is None

    def used(self, length):
        for index, (_, _, transactions) in enumerate(self.blocks[:length]):
            for name, _, ok in transactions:
                if ok or name == "cancel":
                    return index, name
        return None

    def settled(self, length):
        found = self.used(length)
        return None if found is None or found[1] == "cancel" else found

    def count(self, length):
        included = [t for b in self.blocks[:length] for t in b[2] if t[1] is not None]
        return len(included)

    def _up(self):
        if self.down:
            raise NodeUnavailable("model")

    def _block(self, index):
        number, time, _ = self.blocks[index]
        return Block(index, str(number), time)

    # the port

    domain = e.DOMAIN
    sender = "0x" + "66" * 20

    def heads(self):
        self._up()
        last = len(self.blocks) - 1
        return Heads(self._block(last), self._block(last - 1), self._block(last - 2))

    def check(self, signed):
        self._up()
        reasons = Reason(0)
        if self.used(len(self.blocks)) is not None:
            reasons |= Reason.ID_USED
        if self.blocks[-1][1] > e.TRADE.deadline:
            reasons |= Reason.EXPIRED
        if not self.funded:
            reasons |= Reason.BUYER_LACKS_CASH
        return reasons

    def is_used(self, number, at):
        self._up()
        return self.used(at.number + 1) is not None

    def fees(self, signed):
        self._up()
        if not self.settles(len(self.blocks)):
            raise TransactionReverted("model")
        return Fees(100_000, 1000, 100)

    def transaction_count(self, at=None):
        self._up()
        return self.count(len(self.blocks) if at is None else at.number + 1)

    def sign(self, signed, nonce, fees):
        name = f"{nonce}/{fees.max_fee_per_gas}"
        return SignedTransaction(self.sender, nonce, name, name, fees)

    def broadcast(self, raw):
        self._up()
        nonce = int(raw.split("/")[0])
        if nonce >= self.count(len(self.blocks)):
            self.mempool.setdefault(raw, nonce)

    def find_settled(self, trade, from_block):
        self._up()
        found = self.settled(len(self.blocks))
        if found is None or found[0] < from_block:
            return None
        return ChainInclusion(found[1], self._block(found[0]), 0, 78_000)

    def find_reverted(self, hashes):
        self._up()
        for index, (_, _, transactions) in enumerate(self.blocks):
            for name, _, ok in transactions:
                if name in hashes and not ok:
                    return Reverted(name, index)
        return None

    def is_canonical(self, block_number, block_hash):
        self._up()
        return block_number < len(self.blocks) and str(self.blocks[block_number][0]) == block_hash


class Driver:
    """The worker without database and lease: one step, recorded, then sent."""

    def __init__(self, chain):
        self.chain = chain
        self.state = None
        self.nonce = 0
        self.done = False
        self.history = []
        self.steps = ChainSteps(chain, FixedClock(e.AT), POLICY)
        for event in SIGNED:
            self.apply(event)

    def apply(self, seen):
        for event in decide(self.state, seen):
            self.state = evolve(self.state, event)
            self.history.append(type(event).__name__)

    def step(self, waited):
        if self.done:
            return
        try:
            step = self.steps.next(self.state, waited)
            event, raw = step.event, step.broadcast
            if step.submit is not None:
                self.nonce = max(self.nonce, step.submit.spent_nonces)
                sent = self.chain.sign(step.submit.signed, self.nonce, step.submit.fees)
                self.nonce += 1
                raw = sent.raw
                event = replace(
                    e.SUBMITTED,
                    nonce=sent.nonce,
                    transaction_hash=sent.hash,
                    raw_transaction=sent.raw,
                    max_fee_per_gas=str(sent.fees.max_fee_per_gas),
                    max_priority_fee_per_gas=str(sent.fees.max_priority_fee_per_gas),
                    searched_from=step.submit.searched_from,
                )
            if event is not None:
                self.apply(event)
            self.done = step.done
            if raw is not None:
                self.chain.broadcast(raw)
        except NodeUnavailable:
            pass


ACTIONS = st.sampled_from(
    [
        "step", "step", "step", "bump", "include", "include", "mine", "drop", "reorg1", "reorg2",
        "funds", "down", "late", "party", "cancel",
    ]
)  # fmt: skip


def act(driver, chain, action):
    match action:
        case "step":
            driver.step(0.0)
        case "bump":
            driver.step(2.0)
        case "include":
            chain.include()
        case "mine":
            chain.mine()
        case "drop":
            chain.mempool.clear()
        case "reorg1" | "reorg2":
            chain.reorg(int(action[-1]))
        case "funds":
            chain.funded = not chain.funded
        case "down":
            chain.down = not chain.down
        case "late":
            chain.mine(e.TRADE.deadline - 2)
        case "party" | "cancel":
            chain.foreign(action)


def agrees(driver, chain):
    final = len(chain.blocks) - 2
    if driver.state.state is S.FINAL:
        assert chain.settled(final) is not None
    if driver.state.state is S.FAILED:
        assert chain.settled(len(chain.blocks)) is None
        assert not chain.settles(len(chain.blocks)) or not driver.state.exposed


@given(st.lists(ACTIONS, max_size=60))
@settings(max_examples=500, deadline=None)
@example(["step", "include", "step", "reorg1", "step", "drop", "step", "include", "step"])
@example(["step", "drop", "late", "mine", "mine", "mine", "mine", "mine", "step", "step"])
@example(["step", "funds", "include", "step", "funds", "reorg1", "step", "step", "include"])
def test_the_process_ends_as_the_chain_ended(actions):
    chain = ModelChain()
    driver = Driver(chain)
    for action in actions:
        act(driver, chain, action)
        agrees(driver, chain)
    chain.down = False
    for _ in range(30):
        driver.step(0.0)
        chain.include()
        agrees(driver, chain)
    chain.mine(e.TRADE.deadline + 1)
    for _ in range(30):
        driver.step(2.0)
        chain.include()
        agrees(driver, chain)
    assert driver.done
    assert driver.state.terminal
    assert (driver.state.state is S.FINAL) == (chain.settled(len(chain.blocks)) is not None)
    assert driver.history.count("SettlementFinalised") <= 1
    assert chain.count(len(chain.blocks)) == driver.nonce  # no nonce is left open


def test_undisturbed_it_takes_one_transaction():
    chain = ModelChain()
    driver = Driver(chain)
    for _ in range(6):
        driver.step(0.0)
        chain.include()
    assert driver.history[4:] == [
        "SettlementSubmitted",
        "SettlementIncluded",
        "SettlementSafe",
        "SettlementFinalised",
    ]


@pytest.mark.parametrize(("fee", "least"), [(1, 2), (7, 8), (8, 9), (1000, 1125), (1001, 1127)])
def test_a_replacement_pays_at_least_an_eighth_more(fee, least):
    assert bump(fee) == least
