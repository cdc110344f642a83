"""Backoff with full jitter: what is repeated, how long it waits, and when it gives up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.marketdata.errors import ProviderResponseInvalid, ProviderUnavailable
from backend.marketdata.retry import RetryPolicy


def policy(pauses, uniform, **changes):
    return RetryPolicy(pauses.append, lambda: sum(pauses), uniform, **changes)


def failing(times, error):
    left = [times]

    def work():
        if left[0]:
            left[0] -= 1
            raise error
        return "done"

    return work


def test_it_succeeds_when_the_provider_comes_back():
    pauses: list[float] = []
    made = policy(pauses, lambda low, high: high)
    assert made.run(failing(3, ProviderUnavailable("away"))) == "done"
    assert pauses == [0.5, 1.0, 2.0]


def test_it_gives_up_after_the_last_attempt():
    pauses: list[float] = []
    with pytest.raises(ProviderUnavailable):
        policy(pauses, lambda low, high: high, attempts=2).run(
            failing(9, ProviderUnavailable("away"))
        )
    assert pauses == [0.5]


def test_an_answer_that_is_wrong_is_not_asked_for_again():
    pauses: list[float] = []
    with pytest.raises(ProviderResponseInvalid):
        policy(pauses, lambda low, high: high).run(failing(9, ProviderResponseInvalid("no")))
    assert pauses == []


@given(
    st.integers(1, 12),
    st.floats(0.01, 5),
    st.floats(0.01, 20),
    st.floats(0, 60),
    st.floats(0, 1),
)
def test_no_pause_is_above_its_ceiling_and_the_deadline_holds(attempts, base, cap, limit, chance):
    pauses: list[float] = []
    made = policy(
        pauses,
        lambda low, high: low + chance * (high - low),
        attempts=attempts,
        base=base,
        cap=cap,
        deadline=limit,
    )
    with pytest.raises(ProviderUnavailable):
        made.run(failing(99, ProviderUnavailable("away")))
    assert len(pauses) < attempts
    assert sum(pauses) <= limit
    assert all(0 <= p <= min(cap, base * 2**n) for n, p in enumerate(pauses))
