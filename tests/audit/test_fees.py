"""What an anchor may cost: the limits hold for every market, and nothing waits without need."""

from hypothesis import given
from hypothesis import strategies as st

from backend.audit.fees import (
    BUDGET_REACHED,
    FEE_CAP_REACHED,
    Limits,
    Market,
    Offer,
    Refusal,
    make_offer,
    raised,
)

wei = st.integers(0, 10**13)
GAS = 250_000


@given(wei, wei, st.integers(1, 10**13), st.none() | st.integers(1, 10**19), st.integers(0, 10**19))
def test_no_offer_passes_a_limit_and_none_is_refused_without_one(base, tip, cap, budget, spent):
    found = make_offer(Market(base, tip), Limits(cap, budget), spent, GAS)
    if isinstance(found, Offer):
        assert base + tip <= found.max_fee_per_gas <= cap
        assert found.max_priority_fee_per_gas == tip
        assert budget is None or spent + found.max_fee_per_gas * GAS <= budget
    elif found.reason == FEE_CAP_REACHED:
        assert base + tip > cap
    else:
        assert found.reason == BUDGET_REACHED
        assert budget is not None
        assert spent + min(2 * base + tip, cap) * GAS > budget


@given(st.integers(1, 10**12), st.integers(0, 10**12), wei, wei)
def test_a_replacement_raises_both_fields_by_an_eighth(max_fee, tip, base, market_tip):
    sent = Offer(max(max_fee, tip), tip)
    found = make_offer(Market(base, market_tip), Limits(10**15), 0, GAS, raised(sent))
    assert isinstance(found, Offer)
    assert found.max_fee_per_gas * 8 >= sent.max_fee_per_gas * 9
    assert found.max_priority_fee_per_gas * 8 >= sent.max_priority_fee_per_gas * 9
    assert found.max_priority_fee_per_gas <= found.max_fee_per_gas


def test_the_figures_of_a_refusal():
    assert make_offer(Market(100, 5), Limits(90), 0, 10) == Refusal(FEE_CAP_REACHED, 105, 1_050)
    assert make_offer(Market(100, 5), Limits(1_000, 2_000), 0, 10) == Refusal(
        BUDGET_REACHED, 205, 2_050
    )
    assert make_offer(Market(100, 5), Limits(1_000, 2_050), 0, 10) == Offer(205, 5)
    assert make_offer(Market(100, 5), Limits(150), 0, 10) == Offer(150, 5), "the cap still covers"
