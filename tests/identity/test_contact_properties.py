"""Whatever is recorded, corrected, asked for, withdrawn and erased: three things always hold.

The log holds no byte of a value; a replay gives the live rows; and each value that is held opens
the commitment in force, is what the model has, and nothing else is held.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchoring.commitment import commit
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.identity.contacts import Contacts
from backend.identity.events import ErasureReason, Purpose
from backend.kernel.clock import FixedClock
from backend.kernel.errors import Conflict
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

CALLER = Caller("test")
GRACE = timedelta(days=30)
# Marks that stand nowhere by chance, so that finding one means that a value leaked.
_MARK = st.integers(10**11, 10**12 - 1).map(str)
_VALUES = st.fixed_dictionaries(
    {"name": _MARK.map("Zoë {}".format)},
    optional={"email": _MARK.map("{}@people.example".format), "phone": _MARK.map("+9{}".format)},
)
_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "name": _MARK.map("Zed {}".format),
        "email": st.none() | _MARK.map("{}@other.example".format),
        "phone": st.none() | _MARK.map("+8{}".format),
    },
)
_WHICH = st.integers(0, 2)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), _VALUES),
        st.tuples(st.just("correct"), _WHICH, _CHANGES),
        st.tuples(st.just("request"), _WHICH),
        st.tuples(st.just("withdraw"), _WHICH),
        st.tuples(st.just("erase"), _WHICH),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("worker")),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class Model:
    """A naive platform: dictionaries, and nothing that is not there."""

    held: dict[str, dict[str, str]] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)

    def usable(self, contact: str) -> bool:
        return bool(self.held[contact]) and contact not in self.due


class Play:
    """Does each step to both and lets neither know more than the other."""

    def __init__(self, world: World) -> None:
        self.world, self.model = world, Model()
        self.clock = FixedClock(datetime(2030, 1, 1, tzinfo=UTC))
        self.contacts = Contacts(world.core.store, self.clock)
        self.tenant = world.cedar.participant_id

    def step(self, name: str, *arguments: Any) -> None:
        ids = list(self.model.held)
        if name not in ("record", "wait", "worker"):
            if not ids:
                return
            arguments = (ids[arguments[0] % len(ids)], *arguments[1:])
        getattr(self, name)(*arguments)

    def record(self, values: dict[str, str]) -> None:
        with self.world.core.store.transaction(Scope.app(self.tenant), CALLER) as uow:
            contact = self.contacts.record(uow, values, Purpose.OPERATIONS)
        self.model.held[contact] = dict(values)
        self.model.ever |= set(values.values())

    def correct(self, contact: str, changes: dict[str, str | None]) -> None:
        if not self.model.usable(contact):
            with pytest.raises(Conflict):
                self.contacts.correct(CALLER, self.tenant, contact, changes)
            return
        self.contacts.correct(CALLER, self.tenant, contact, changes)
        kept = {**self.model.held[contact], **changes}
        self.model.held[contact] = {k: v for k, v in kept.items() if v is not None}
        self.model.ever |= {v for v in changes.values() if v is not None}

    def request(self, contact: str) -> None:
        self.contacts.request_erasure(CALLER, self.tenant, contact, ErasureReason.UNLAWFUL)
        if self.model.usable(contact):
            self.model.due[contact] = self.clock.at + GRACE

    def withdraw(self, contact: str) -> None:
        late = self.model.due.get(contact, self.clock.at + GRACE) <= self.clock.at
        if late or not self.model.held[contact]:
            with pytest.raises(Conflict):
                self.contacts.withdraw_erasure(CALLER, self.tenant, contact)
            return
        self.contacts.withdraw_erasure(CALLER, self.tenant, contact)
        self.model.due.pop(contact, None)

    def erase(self, contact: str) -> None:
        reason = ErasureReason.DATA_SUBJECT_REQUEST
        self.contacts.erase(CALLER, self.tenant, contact, reason)
        self.model.held[contact] = {}
        self.model.due.pop(contact, None)

    def wait(self, days: int) -> None:
        self.clock.at += timedelta(days=days)

    def worker(self) -> None:
        while self.contacts.erase_one_due(CALLER) is not None:
            continue
        for contact, due in list(self.model.due.items()):
            if due <= self.clock.at:
                self.erase(contact)

    def check(self) -> None:
        ids = list(self.model.held)
        with psycopg.connect(self.world.admin()) as connection:
            found = connection.execute(
                "SELECT subject_id, field, value, salt, commitment FROM personal_values"
                " WHERE subject_id = ANY(%s)",
                (ids,),
            ).fetchall()
            in_force = connection.execute(
                "SELECT contact_id, field, commitment FROM contact_commitments"
                " WHERE contact_id = ANY(%s) AND state = 'held'",
                (ids,),
            ).fetchall()
            entries = b"".join(
                bytes(row[0]) for row in connection.execute("SELECT entry FROM events")
            )
        held: dict[str, dict[str, str]] = {contact: {} for contact in ids}
        for contact, name, value, salt, commitment in found:
            held[contact][name] = value
            assert commit(name, value, bytes(salt)).hex() == commitment
        assert held == self.model.held
        assert {(c, f, h) for c, f, _, _, h in found} == set(in_force)
        assert not any(value.encode() in entries for value in self.model.ever)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=_STEPS)
def test_nothing_leaks_and_what_is_held_opens(world: World, steps: list[tuple[Any, ...]]) -> None:
    play = Play(world)
    for name, *arguments in steps:
        play.step(name, *arguments)
    play.check()


def test_and_a_replay_gives_the_live_rows(world: World) -> None:
    """After everything the property above did to this world."""
    (row,) = world.rows("SELECT count(*) AS n FROM contacts")
    assert row["n"] > 0
    report = world.replay()
    assert report.rows["contacts"] == row["n"]
    assert report.equal, report.differences
