"""The tables of the books are nothing but their events: a replay of the log rebuilds them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from backend.eventstore.lease import Lease
from backend.eventstore.replay import replay_and_compare
from backend.eventstore.scope import Scope
from backend.eventstore.sequencer import Sequencer
from tests.portfolio.participants import a_busy_account

pytestmark = pytest.mark.db
ORIGIN = "test.example/books"


@pytest.fixture
def sequenced(books_store):
    database = books_store.database
    lease = Lease(database, "sequencer", str(uuid4()), timedelta(minutes=1), Scope.sequencer())
    assert lease.acquire()
    signer = Ed25519NoteSigner(ORIGIN, Ed25519Signer.generate())
    sequencer = Sequencer(database, lease, signer, ORIGIN)

    def place():
        while sequencer.step():
            pass

    yield place
    lease.release()


def compare(store):
    return replay_and_compare(store.database, store.registry, store.projections)


def test_a_replay_gives_the_same_rows(alice, chain, books_store, sequenced):
    a_busy_account(alice, chain)
    sequenced()
    report = compare(books_store)
    assert report.equal, report.differences
    assert min(report.rows.values()) > 0


def test_a_row_changed_by_hand_is_found(alice, chain, books_store, sequenced):
    a_busy_account(alice, chain)
    sequenced()
    moved = "UPDATE cash_balances SET balance = balance + %s"
    with books_store.database.transaction(alice.scope) as db:
        db.execute(moved, (1,))
    try:
        report = compare(books_store)
    finally:
        with books_store.database.transaction(alice.scope) as db:
            db.execute(moved, (-1,))
    assert {each.table for each in report.differences} == {"cash_balances"}
