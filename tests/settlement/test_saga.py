"""The process manager: given events, when something is seen, then events or a typed refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.kernel.errors import DomainError
from backend.settlement.domain.saga import SettlementState as S
from backend.settlement.domain.saga import completed, decide, evolve
from backend.settlement.errors import (
    AlreadySettled,
    SettlementStateInvalid,
    SignatureWrongSigner,
)
from backend.settlement.events import SettlementRefused
from tests.settlement import samples as e

SIGNED = [e.INSTRUCTED, e.SELLER_SIGNED, e.BUYER_SIGNED, e.COMPLETED]
SENT = [*SIGNED, e.SUBMITTED]
IN_BLOCK = [*SENT, e.INCLUDED]
FINAL = [*IN_BLOCK, e.SAFE, e.FINALISED]
FAILED = [*SIGNED, e.PENDING, e.FAILED]


def given_events(events):
    state = None
    for event in events:
        state = evolve(state, event)
    return state


@pytest.mark.parametrize(
    ("history", "seen", "then"),
    [
        ([], e.INSTRUCTED, S.INSTRUCTED),
        ([e.INSTRUCTED], e.SELLER_SIGNED, S.INSTRUCTED),
        ([e.INSTRUCTED], e.FAILED, S.FAILED),
        ([e.INSTRUCTED, e.SELLER_SIGNED, e.BUYER_SIGNED], e.COMPLETED, S.SIGNED),
        (SIGNED, e.PENDING, S.SIGNED),
        (SIGNED, e.SUBMITTED, S.SUBMITTED),
        (SIGNED, e.INCLUDED, S.INCLUDED),
        (SIGNED, e.FAILED, S.FAILED),
        (SENT, e.REPLACED, S.SUBMITTED),
        (SENT, e.DEAD, S.SIGNED),
        (SENT, e.INCLUDED, S.INCLUDED),
        (SENT, e.FAILED, S.FAILED),
        (IN_BLOCK, e.SAFE, S.INCLUDED),
        (IN_BLOCK, e.REORGED, S.REORGED),
        (IN_BLOCK, e.FINALISED, S.FINAL),
        ([*IN_BLOCK, e.REORGED], e.INCLUDED, S.INCLUDED),
        ([*IN_BLOCK, e.REORGED], e.REPLACED, S.REORGED),
        ([*SENT, e.DEAD], replace(e.SUBMITTED, nonce=8), S.SUBMITTED),
        ([*SENT, e.FAILED], e.REPLACED, S.FAILED),
    ],
)
def test_what_may_happen_happens(history, seen, then):
    state = given_events(history)
    events = decide(state, seen)
    assert events == [seen]
    assert evolve(state, seen).state is then


@pytest.mark.parametrize(
    ("history", "seen"),
    [
        ([], e.SELLER_SIGNED),
        ([e.INSTRUCTED], e.INSTRUCTED),
        ([e.INSTRUCTED], e.SUBMITTED),
        ([e.INSTRUCTED], e.INCLUDED),
        (SIGNED, e.SELLER_SIGNED),
        (SIGNED, e.FINALISED),
        (SENT, e.SUBMITTED),
        ([*IN_BLOCK, e.REORGED], e.SUBMITTED),  # the first transaction is still alive
        (SENT, e.FINALISED),
        (IN_BLOCK, e.FAILED),  # what stands in a block cannot fail before it left it
        (IN_BLOCK, e.SUBMITTED),
        (FAILED, e.SELLER_SIGNED),
        (FAILED, e.SUBMITTED),
        (FAILED, e.INCLUDED),
        (FAILED, e.FAILED),
    ],
)
def test_what_may_not_happen_is_refused(history, seen):
    with pytest.raises(SettlementStateInvalid):
        decide(given_events(history), seen)


@pytest.mark.parametrize(
    "seen", [e.SELLER_SIGNED, e.SUBMITTED, e.INCLUDED, e.FINALISED, e.FAILED, e.REORGED]
)
def test_after_finality_everything_is_already_settled(seen):
    with pytest.raises(AlreadySettled):
        decide(given_events(FINAL), seen)


def test_the_same_reasons_and_the_same_safe_block_are_told_once():
    assert decide(given_events([*SIGNED, e.PENDING]), e.PENDING) == []
    assert decide(given_events([*IN_BLOCK, e.SAFE]), e.SAFE) == []
    assert decide(given_events([e.INSTRUCTED, e.SELLER_SIGNED]), e.SELLER_SIGNED) == []


def test_a_consent_by_the_wrong_wallet_is_refused():
    with pytest.raises(SignatureWrongSigner):
        decide(given_events([e.INSTRUCTED]), replace(e.SELLER_SIGNED, signer=e.BUYER))


@pytest.mark.parametrize("one", [e.SELLER_SIGNED, e.BUYER_SIGNED])
def test_irrevocable_only_when_both_consented(one):
    assert completed(given_events([e.INSTRUCTED, one]), e.AT) == []
    both = given_events([e.INSTRUCTED, e.BUYER_SIGNED, e.SELLER_SIGNED])
    assert completed(both, e.AT) == [e.COMPLETED]
    assert completed(evolve(both, e.COMPLETED), e.AT) == []


def test_a_trade_that_cannot_be_instructed_ends_at_once():
    refused = SettlementRefused(
        deal=e.DEAL,
        seller=e.side(1),
        buyer=e.side(2),
        cause="wallet-unknown",
        detail="A party has no wallet for this account.",
        refused_at=e.AT,
    )
    assert decide(None, refused) == [refused]
    assert evolve(None, refused).state is S.FAILED


def test_every_hash_ever_signed_is_kept():
    second = replace(e.SUBMITTED, nonce=8, transaction_hash="0x" + "a3" * 32)
    state = given_events([*SENT, e.REPLACED, e.DEAD, second])
    assert state.known_hashes == ("0x" + "a1" * 32, "0x" + "a2" * 32, "0x" + "a3" * 32)
    assert state.submission.nonce == 8


SEEN = st.sampled_from(
    [
        e.INSTRUCTED,
        e.SELLER_SIGNED,
        e.BUYER_SIGNED,
        e.COMPLETED,
        e.PENDING,
        e.SUBMITTED,
        e.REPLACED,
        e.DEAD,
        e.INCLUDED,
        e.SAFE,
        e.REORGED,
        e.FINALISED,
        e.FAILED,
    ]
)


@given(st.lists(SEEN, max_size=40))
def test_whatever_is_seen_in_whatever_order_no_rule_is_broken(sequence):
    state, accepted = None, []
    for seen in sequence:
        try:
            events = decide(state, seen)
        except DomainError:
            continue
        for event in events:
            state = evolve(state, event)
            accepted.append(event)
    kinds = [type(event).__name__ for event in accepted]
    assert kinds.count("SettlementFinalised") + kinds.count("SettlementFailed") <= 1
    assert kinds.count("SettlementInstructed") <= 1
    if "SettlementFinalised" in kinds:
        end = kinds.index("SettlementFinalised")
        assert set(kinds[end + 1 :]) <= {"TransactionReplaced"}
        last = max(i for i, kind in enumerate(kinds) if kind == "SettlementIncluded")
        assert "SettlementReorged" not in kinds[last:]
    if "SettlementFailed" in kinds:
        assert set(kinds[kinds.index("SettlementFailed") + 1 :]) <= {"TransactionReplaced"}
    if "SettlementSubmitted" in kinds:
        assert kinds.index("SignaturesCompleted") < kinds.index("SettlementSubmitted")
    alive = 0
    for kind in kinds:
        alive += {"SettlementSubmitted": 1, "TransactionDead": -1}.get(kind, 0)
        assert alive in (0, 1)
    assert given_events(accepted) == state
