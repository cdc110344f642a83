"""Given a breaker's history, when it is tripped or reset, then these events."""

import pytest

from backend.compliance.domain.breaker import Breakers, BreakerState, evolve, reset, trip
from backend.compliance.errors import BreakerAlreadyClosed, BreakerAlreadyOpen
from backend.compliance.events import BreakerReset, BreakerTripped
from backend.kernel.errors import ErrorCode, ValueInvalid

SECURITY = "018f3f6e-0000-7000-8000-000000000001"


def given(*events):
    state = None
    for event in events:
        state = evolve(state, event)
    return state


TRIPPED = BreakerTripped(scope="venue", reason="drill")
RESET = BreakerReset(scope="venue", reason="over")


@pytest.mark.parametrize("history", [(), (TRIPPED, RESET)])
def test_a_closed_breaker_trips(history):
    assert trip(given(*history), "venue", "drill") == [TRIPPED]


def test_a_tripped_breaker_resets():
    assert reset(given(TRIPPED), "venue", "over") == [RESET]


def test_tripping_a_tripped_breaker_is_a_conflict_and_changes_nothing():
    with pytest.raises(BreakerAlreadyOpen) as caught:
        trip(given(TRIPPED), "venue", "again")
    assert caught.value.code is ErrorCode.CONFLICT


@pytest.mark.parametrize("history", [(), (TRIPPED, RESET)])
def test_resetting_a_closed_breaker_is_a_conflict(history):
    with pytest.raises(BreakerAlreadyClosed):
        reset(given(*history), "venue", "why")


@pytest.mark.parametrize("scope", ["", "VENUE", "AAPL", SECURITY.upper()])
def test_a_scope_is_the_venue_or_a_security(scope):
    with pytest.raises(ValueInvalid):
        trip(None, scope, "drill")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_reason_is_demanded(reason):
    with pytest.raises(ValueInvalid):
        trip(None, "venue", reason)


@pytest.mark.parametrize(
    ("venue", "security", "scope"),
    [
        ("closed", "closed", None),
        ("open", "closed", "venue"),
        ("closed", "open", SECURITY),
        ("open", "open", "venue"),
    ],
)
def test_both_breakers_must_be_closed(venue, security, scope):
    breakers = Breakers(SECURITY, BreakerState(venue), BreakerState(security))
    assert breakers.open_scope == scope
    assert breakers.closed is (scope is None)
