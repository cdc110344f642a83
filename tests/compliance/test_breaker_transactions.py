"""A trip that has returned leaves no transaction under way that saw the breaker closed."""

import threading

import psycopg
import pytest

from backend.compliance import store as tables
from backend.compliance.errors import BreakerAlreadyOpen, CircuitBreakerOpen, SecurityUnknown
from backend.compliance.events import BreakerTripped
from backend.eventstore.scope import Scope
from tests.trading.venue import OPERATOR

pytestmark = pytest.mark.db
UNKNOWN = "018f3f6e-0000-7000-8000-00000000ffff"


def trip_during_work(venue):
    """Trip while a transaction that saw the breaker closed is under way; the order of ends."""
    ended = []

    def trip():
        venue.trip()
        ended.append("trip")

    tripping = threading.Thread(target=trip)
    with venue.store.transaction(Scope.venue(), OPERATOR) as uow:
        venue.compliance.require_closed(uow, venue.security)
        tripping.start()
        tripping.join(timeout=0.5)
        ended.append("work")
    tripping.join(timeout=10)
    return ended


def test_a_trip_waits_for_those_who_rely_on_the_breaker(venue):
    assert trip_during_work(venue) == ["work", "trip"]
    with pytest.raises(CircuitBreakerOpen) as caught:
        venue.operate(lambda uow: venue.compliance.require_closed(uow, venue.security))
    assert caught.value.context == {"scope": "venue"}


def test_without_the_hold_the_trip_would_return_too_early(venue, monkeypatch):
    """Negative control of the test above."""
    monkeypatch.setattr(tables, "hold_breakers", lambda db: None)
    assert trip_during_work(venue) == ["trip", "work"]


def test_those_who_rely_on_a_breaker_do_not_wait_for_each_other(venue):
    with venue.store.transaction(Scope.venue(), OPERATOR) as first:
        venue.compliance.require_closed(first, venue.security)
        venue.operate(lambda uow: venue.compliance.require_closed(uow, venue.security))


def test_a_second_trip_writes_nothing(venue):
    venue.trip()
    with pytest.raises(BreakerAlreadyOpen):
        venue.trip()
    assert len(venue.events(BreakerTripped)) == 1


def test_a_breaker_of_an_unknown_security_is_refused(venue):
    with pytest.raises(SecurityUnknown):
        venue.trip(UNKNOWN)


def test_the_app_reads_breakers_and_cannot_write_them(venue):
    alice = venue.participant()
    venue.trip(venue.security)
    with venue.store.database.transaction(alice.scope) as db:
        states = {row["scope"]: row["state"] for row in tables.list_breakers(db)}
    assert states == {"venue": "closed", venue.security: "open"}
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        venue.store.database.transaction(alice.scope) as db,
    ):
        db.execute("UPDATE circuit_breakers SET state = 'closed'")
