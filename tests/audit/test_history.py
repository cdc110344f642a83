"""The audit trail: who changed what, and what was known when, on a platform that has traded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audit.history import Change, History, differences
from backend.eventstore.scope import Scope
from backend.platform.folds import folds
from tests.integration.parties import ok, refused
from tests.integration.world import World

_LEAVES = st.integers() | st.text(max_size=3)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=12,
)


@given(_VALUES)
def test_what_is_equal_has_no_difference(value):
    assert list(differences(value, value)) == []


@given(_VALUES, _VALUES)
def test_what_differs_has_one(old, new):
    assert (list(differences(old, new)) == []) == (old == new)


def test_differences_name_the_path_of_each_leaf():
    old = {"cash": "10", "lots": [{"units": "1"}, {"units": "2"}]}
    new = {"cash": "7", "lots": [{"units": "1"}], "name": "x"}
    assert list(differences(old, new)) == [
        Change("cash", "10", "7"),
        Change("lots.1", {"units": "2"}, None),
        Change("name", None, "x"),
    ]


def _cash_stream(world: World) -> str:
    return f"account-{world.alder.account_id}"


@pytest.mark.db
@pytest.mark.chain
def test_an_account_is_told_event_by_event_with_old_and_new_values(world: World) -> None:
    client, stream = world.alder.client, _cash_stream(world)
    page = ok(client.get(f"/streams/{stream}/history"))
    newest, oldest = page["items"][0], page["items"][-1]
    assert oldest["entity_type"] == "account"
    assert oldest["entity_id"] == world.alder.account_id
    assert all(change["old"] is None for change in oldest["changes"])
    assert newest["user_id"]
    assert newest["timestamp"]
    events = ok(client.get("/events", stream_id=stream, order="desc"))["items"]
    assert [each["event_id"] for each in page["items"]] == [each["event_id"] for each in events]


@pytest.mark.db
@pytest.mark.chain
def test_pages_follow_each_other_without_a_gap(world: World) -> None:
    client, path = world.alder.client, f"/streams/{_cash_stream(world)}/history"
    whole = ok(client.get(path))["items"]
    first = ok(client.get(path, limit=1))
    assert first["has_more"]
    assert first["items"] == whole[:1]
    rest = ok(client.get(path, cursor=first["next_cursor"]))
    assert rest["items"] == whole[1:]


@pytest.mark.db
@pytest.mark.chain
def test_what_was_known_then_is_asked_by_position(world: World) -> None:
    client, stream = world.alder.client, _cash_stream(world)
    items = ok(client.get(f"/streams/{stream}/history"))["items"]
    now = ok(client.get(f"/streams/{stream}/state"))
    assert now["stream_version"] == len(items)
    then = ok(client.get(f"/streams/{stream}/state", known_at=items[0]["position"] - 1))
    assert then["stream_version"] == len(items) - 1
    told = list(differences(then["state"], now["state"]))
    assert [each.field for each in told] == [each["field"] for each in items[0]["changes"]]
    before = items[-1]["position"] - 1
    refused(client.get(f"/streams/{stream}/state", known_at=before), 404, "not-found")


@pytest.mark.db
@pytest.mark.chain
def test_another_tenants_stream_is_not_there(world: World) -> None:
    for what in ("history", "state"):
        path = f"/streams/{_cash_stream(world)}/{what}"
        refused(world.birch.client.get(path), 404, "not-found")
    refused(world.birch.client.get("/streams/nothing-known/history"), 404, "not-found")


@pytest.mark.db
@pytest.mark.chain
def test_every_stream_of_the_log_folds(world: World) -> None:
    """The auditor reads all of them: none of a kind that has no fold, none that breaks."""
    streams = world.rows(
        "SELECT DISTINCT tenant_id, stream_id FROM feed"
        " WHERE type NOT LIKE 'price%%' AND type NOT LIKE 'security%%'",
    )
    known = [row for row in streams if row["stream_id"].rsplit("-", 5)[0] in folds()]
    assert len(known) > 10
    for row in known:
        path = f"/streams/{row['stream_id']}/state"
        state = ok(world.auditor.get(path, tenant_id=str(row["tenant_id"])))
        assert state["stream_version"] >= 1


@pytest.mark.db
@pytest.mark.chain
def test_money_in_a_state_is_text(world: World) -> None:
    state = ok(world.alder.client.get(f"/streams/{_cash_stream(world)}/state"))["state"]
    texts = [each for each in _leaves(state) if isinstance(each, str)]
    assert any(_is_decimal(each) for each in texts)
    assert not any(isinstance(each, float) for each in _leaves(state))


@pytest.mark.db
@pytest.mark.chain
def test_a_tenant_that_is_no_id_is_not_there(world: World) -> None:
    for what in ("history", "state"):
        path = f"/streams/{_cash_stream(world)}/{what}"
        refused(world.auditor.get(path, tenant_id="-" * 36), 404, "not-found")


@pytest.mark.db
@pytest.mark.chain
def test_a_page_copies_no_state_but_those_it_shows(world: World) -> None:
    """A state grows with its stream: copying it at every event would cost the square of that."""
    aggregate, view = folds()["account"]
    copied: list[object] = []

    def counting(state: object) -> object:
        copied.append(state)
        return view(state)

    core, stream = world.core, f"account-{world.birch.account_id}"
    scope = Scope.auditor()
    whole = History(core.database, core.store.registry, folds()).steps(scope, stream)
    assert len(whole) > 2
    history = History(core.database, core.store.registry, {"account": (aggregate, counting)})
    last = whole[-1].recorded
    shown = history.steps(scope, stream, below=last.stream_version, most=1)
    assert shown == whole[-2:-1]
    assert len(copied) == 2
    copied.clear()
    history.state(scope, stream, last.position or 0)
    assert len(copied) == 1


def _leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text) > 0
    except ArithmeticError:
        return False
