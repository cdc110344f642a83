"""Where the log stands, as everybody sees it: lag, cost, and what the platform's audit found."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from anchoring.tile_store import DirectoryStore
from backend.audit.events import AuditFound
from backend.audit.fees import Limits
from backend.audit.journal import Journal
from backend.audit.lag import LagWatch
from backend.audit.watchdog import LOG, WATCHDOG, Watchdog
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.identity.ids import VENUE_TENANT
from tests.audit.anchors import a_day_passes, events, finish, grow, request
from tests.integration.blueprint import CHAIN_ID
from tests.integration.parties import ok
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


def head(world: World) -> dict[str, Any]:
    """The log as somebody without a token sees it."""
    found: dict[str, Any] = ok(world.nobody.get("/log"))
    return found


def watchdog(world: World) -> Watchdog:
    state = world.home.run / "standing.state"
    return Watchdog(world.anchorer_core.store, DirectoryStore(world.home.log), state, 0.0)


def receipts(world: World) -> dict[int, int]:
    """What each mined anchor cost, in wei, as the chain says it; by the anchored size."""
    found = {}
    for each in events(world, "anchor.included"):
        receipt = world.chain.node.call("eth_getTransactionReceipt", each["transaction_hash"])
        found[each["size"]] = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    return found


def test_before_the_first_anchor_everything_waits_and_nothing_was_paid(fresh_world: World) -> None:
    world = fresh_world
    grow(world, 2)
    found = head(world)
    anchoring = found["anchoring"]
    assert anchoring["unanchored_entries"] == found["size"]
    assert anchoring["oldest_unanchored_seconds"] >= 0
    assert (anchoring["lagging"], anchoring["deferred"]) == (False, None)
    assert (anchoring["fees_24h_wei"], anchoring["fees_total_wei"]) == ("0", "0")
    assert found["audit"] is None
    signed = world.rows("SELECT signed_at FROM checkpoints ORDER BY size DESC LIMIT 1")
    assert datetime.fromisoformat(found["checkpoint_at"]) == signed[0]["signed_at"]


def test_the_cost_is_what_the_chain_says_and_a_day_later_it_is_not_of_today(
    fresh_world: World,
) -> None:
    world = fresh_world
    request(world)
    finish(world, world.anchorer())
    grow(world, 1)
    request(world)
    finish(world, world.anchorer())
    paid = receipts(world)
    assert len(paid) == 2
    anchoring = head(world)["anchoring"]
    assert anchoring["fees_24h_wei"] == anchoring["fees_total_wei"] == str(sum(paid.values()))
    listed = ok(world.nobody.get("/anchors"))["items"]
    assert {each["size"]: int(each["fee_wei"]) for each in listed} == paid
    registry = world.core.adopted().registry
    assert {(each["chain_id"], each["registry"]) for each in listed} == {(CHAIN_ID, registry)}
    a_day_passes(world)
    later = head(world)["anchoring"]
    assert (later["fees_24h_wei"], later["fees_total_wei"]) == ("0", str(sum(paid.values())))


def test_only_events_about_anchors_left_means_nobody_waits(fresh_world: World) -> None:
    world = fresh_world
    request(world)
    finish(world, world.anchorer())
    world.sequence()
    anchoring = head(world)["anchoring"]
    assert anchoring["unanchored_entries"] > 0
    assert anchoring["oldest_unanchored_seconds"] is None
    grow(world, 1)
    assert head(world)["anchoring"]["oldest_unanchored_seconds"] is not None


def test_an_anchor_without_a_block_has_no_fee(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    world.chain.node.call("evm_setAutomine", False)
    assert world.anchorer().step() == f"submitted {size}"
    world.sequence()
    (anchor,) = ok(world.nobody.get("/anchors"))["items"]
    assert (anchor["state"], anchor["fee_wei"]) == ("SUBMITTED", None)


def test_why_an_anchor_waits_is_said_until_it_is_sent(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    world.anchorer(limits=Limits(fee_per_gas=1)).step()
    world.sequence()
    assert head(world)["anchoring"]["deferred"] == "fee-cap"
    assert world.anchorer().step() == f"submitted {size}"
    world.sequence()
    assert head(world)["anchoring"]["deferred"] is None


def test_a_lag_beyond_the_limit_is_said(fresh_world: World) -> None:
    world = fresh_world
    grow(world, 1)
    journal = Journal(world.anchorer_core.store)
    assert not LagWatch(journal, timedelta(days=1).total_seconds()).step()
    assert head(world)["anchoring"]["lagging"] is False
    assert LagWatch(journal, -1.0).step()
    assert head(world)["anchoring"]["lagging"] is True


def test_a_round_without_a_finding_says_up_to_where_and_when(fresh_world: World) -> None:
    world = fresh_world
    size = grow(world, 1)
    watchdog(world).step()
    audit = head(world)["audit"]
    assert (audit["size"], audit["findings"]) == (size, [])
    (row,) = world.rows("SELECT checked_at FROM watchdog_status")
    assert datetime.fromisoformat(audit["checked_at"]) == row["checked_at"]


def test_a_finding_stands_until_it_is_cleared(fresh_world: World) -> None:
    world = fresh_world
    grow(world, 1)
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        query = "SELECT leaf_hash FROM feed WHERE position = 3"
        ((good,),) = connection.execute(query).fetchall()
        connection.execute("UPDATE feed SET leaf_hash = sha256('other'::bytea) WHERE position = 3")
    dog = watchdog(world)
    assert dog.step()
    (found,) = head(world)["audit"]["findings"]
    assert (found["check"], found["where"], found["found_at"]) == ("feed", "position 3", None)
    with psycopg.connect(world.admin()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE feed SET leaf_hash = %s WHERE position = 3", (good,))
    world.sequence()
    (found,) = head(world)["audit"]["findings"]
    (row,) = world.rows("SELECT sequenced_at FROM feed WHERE type = 'audit.found'")
    assert datetime.fromisoformat(found["found_at"]) == row["sequenced_at"]
    assert dog.step()
    assert head(world)["audit"]["findings"] == []


def test_a_finding_names_no_tenant_and_nothing_of_one(fresh_world: World) -> None:
    world = fresh_world
    grow(world, 1)
    watchdog(world).step()
    stream = f"account-{world.cedar.account_id}"
    told = AuditFound(
        check="entry", where="entry 9", message=f"stream {stream} version 4 does not follow 2"
    )
    with world.anchorer_core.store.transaction(Scope.venue(), Caller("t")) as uow:
        uow.append(uow.load(WATCHDOG, LOG, tenant_id=VENUE_TENANT), [told])
        uow.connection.execute("UPDATE watchdog_status SET findings = 1")
    (found,) = head(world)["audit"]["findings"]
    assert found["message"] == "stream account-… version 4 does not follow 2"
    world.sequence()
    (event,) = world.auditor.pages("/events", type="audit.")
    assert event["payload"]["message"] == told.message
