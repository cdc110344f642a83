"""The main job in one process: orders, match, consents, one transaction, finality, proofs."""

import base64
import hashlib
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from anchoring.bundle import Bundle
from anchoring.ethproof import parse_anchor
from anchoring.log_check import check_log
from anchoring.merkle_proof import prove_consistency, verify_consistency
from anchoring.policy import parse_policy
from anchoring.registry import read_head
from anchoring.rpc import HttpRpc
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader
from anchoring.trust import Trust
from anchoring.verifier import TrustInputs, verify_bundle
from tests.integration.parties import ok
from tests.integration.world import CLOSE, World

pytestmark = [pytest.mark.db, pytest.mark.chain]

UNITS = Decimal(10)
GROSS = UNITS * Decimal(CLOSE)


@dataclass
class Story:
    """What happened, as the tests below look at it."""

    trade_id: str
    before: dict[str, Any]
    after: dict[str, Any]
    settlement: dict[str, Any]
    anchors: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    before = {"chain": world.balances(), "books": world.books()}
    trade_id = world.trade(str(UNITS))
    world.sign_both(trade_id)
    world.open_settlement_date()
    settlement = world.settle(trade_id)
    after = {"chain": world.balances(), "books": world.books()}
    told = Story(trade_id, before, after, settlement)
    told.anchors.append(world.anchor())
    return told


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(
        b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])
    ).digest()


def trust_inputs(world: World, anchors: list[bytes]) -> TrustInputs:
    """Keys and policy as published; block hashes from the chain itself, not from the platform."""
    adopted = world.core.adopted()
    blocks = {}
    for each in anchors:
        number = parse_anchor(each).block_number
        block = world.chain.node.call("eth_getBlockByNumber", hex(number), False)
        blocks[number] = bytes.fromhex(block["hash"][2:])
    policy = world.http.get("/log/policy").content
    keys = world.http.get("/log/keys").content
    trust = Trust(adopted.chain_id, bytes.fromhex(adopted.registry[2:]), blocks)
    return TrustInputs(parse_policy(policy), keys, trust, None)


def bundle_of(world: World, event_id: str) -> Bundle:
    proof = ok(world.auditor.get(f"/events/{event_id}/proof"))
    parts = [base64.b64decode(proof[name]) for name in ("event", "tlog_proof", "anchor")]
    return Bundle(*parts)


def test_one_transaction_moved_both_legs(story: Story) -> None:
    assert story.settlement["state"] == "FINAL"
    before, after = story.before["chain"], story.after["chain"]
    assert after["birch"] == (before["birch"][0] - UNITS, before["birch"][1] + GROSS)
    assert after["alder"] == (before["alder"][0] + UNITS, before["alder"][1] - GROSS)
    assert after["cedar"] == before["cedar"]


def test_units_and_cash_are_conserved_and_books_equal_the_chain(story: Story) -> None:
    for kind in ("chain", "books"):
        totals = [
            [sum(each[i] for each in when[kind].values()) for i in (0, 1)]
            for when in (story.before, story.after)
        ]
        assert totals[0] == totals[1]
    assert story.after["books"] == story.after["chain"]
    assert story.before["books"] == story.before["chain"]


def test_the_transaction_settled_once(world: World, story: Story) -> None:
    receipt = world.chain.node.call(
        "eth_getTransactionReceipt", story.settlement["transaction_hash"]
    )
    assert int(receipt["status"], 16) == 1
    assert int(receipt["gasUsed"], 16) == story.settlement["gas_used"]
    assert receipt["blockHash"] == story.settlement["block_hash"]
    rows = world.rows("SELECT status FROM settlement_transactions")
    assert [row["status"] for row in rows] == ["INCLUDED"]


def test_both_sides_see_their_own_half_settled(world: World, story: Story) -> None:
    for trader, direction in ((world.birch, "DELI"), (world.alder, "RECE")):
        mine = world.instruction(trader, story.trade_id)
        assert (mine["direction"], mine["status"], mine["advice"]) == (
            direction, "SETTLED", "SETT",
        )  # fmt: skip
        assert mine["transaction_hash"] == story.settlement["transaction_hash"]
    assert world.cedar.client.pages("/instructions") == []


def test_ledger_entries_balance_in_every_commodity(world: World, story: Story) -> None:
    for trader in (world.alder, world.birch):
        entries = trader.client.pages(f"/accounts/{trader.account_id}/ledger")
        assert "trade" in " ".join(each["kind"] for each in entries).lower()
        for entry in entries:
            sums: dict[str, Decimal] = {}
            for line in entry["lines"]:
                sums[line["commodity"]] = sums.get(line["commodity"], Decimal(0)) + Decimal(
                    line["amount"]
                )
            assert set(sums.values()) == {Decimal(0)}, entry


def test_nothing_is_reserved_any_more(world: World, story: Story) -> None:
    for trader in (world.alder, world.birch):
        assert Decimal(ok(trader.client.get(f"/accounts/{trader.account_id}"))["reserved"]) == 0
        held = ok(trader.client.get(f"/portfolios/{trader.portfolio_id}/holdings"))["items"]
        assert all(Decimal(each["reserved"]) == 0 for each in held)


def test_realised_gain_is_proceeds_less_the_cost_of_the_lot(world: World, story: Story) -> None:
    (held,) = ok(world.birch.client.get(f"/portfolios/{world.birch.portfolio_id}/holdings"))[
        "items"
    ]
    assert Decimal(held["realised_gain"]) == GROSS - UNITS * Decimal("545.18")
    (lot,) = ok(world.alder.client.get(f"/accounts/{world.alder.account_id}/lots"))
    assert (Decimal(lot["units_open"]), Decimal(lot["cost_open"])) == (UNITS, GROSS)
    assert lot["acquired_on"] == "2012-09-04"


def test_replay_gives_the_live_tables(world: World, story: Story) -> None:
    report = world.replay()
    assert report.equal, report.differences
    assert report.events == len(world.auditor.pages("/events", limit=200))
    assert report.rows["settlements"] == 1


def test_replay_notices_a_row_changed_by_hand(world: World, story: Story) -> None:
    import psycopg

    with psycopg.connect(world.admin()) as connection:
        for value in (1, -1):
            connection.execute("UPDATE settlements SET gas_used = gas_used + %s", (value,))
            connection.commit()
            report = world.replay()
            assert report.equal == (value == -1)
            if value == 1:
                assert {each.table for each in report.differences} == {"settlements"}


def test_every_event_has_a_position_and_the_positions_are_contiguous(
    world: World, story: Story
) -> None:
    world.sequence()
    events = world.auditor.pages("/events", limit=50)
    assert [each["position"] for each in events] == list(range(len(events)))
    stored = world.rows("SELECT count(*) AS n FROM events")[0]["n"]
    assert len(events) == stored == ok(world.nobody.get("/log"))["size"]


def test_streams_count_up_without_a_hole(world: World, story: Story) -> None:
    versions: dict[str, list[int]] = {}
    for each in world.auditor.pages("/events", limit=200):
        versions.setdefault(each["stream_id"], []).append(each["stream_version"])
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


def test_the_tree_root_is_that_of_the_stored_entries(world: World, story: Story) -> None:
    rows = world.rows(
        "SELECT events.entry FROM feed JOIN events USING (tenant_id, stream_id, stream_version)"
        " ORDER BY position"
    )
    entries = [bytes(row["entry"]) for row in rows]
    head = ok(world.nobody.get("/log"))
    assert naive_root(entries).hex() == head["root"]
    anchored = story.anchors[0]
    assert naive_root(entries[: anchored["size"]]).hex() == anchored["root"]
    changed = [*entries[:-1], entries[-1] + b" "]
    assert naive_root(changed).hex() != head["root"]


def test_the_published_log_holds_in_every_entry_and_tile(world: World, story: Story) -> None:
    store = DirectoryStore(world.home.log)
    policy = parse_policy(world.http.get("/log/policy").content)
    report = check_log(store, policy, world.http.get("/log/keys").content, {}, [])
    assert report.problem is None
    assert report.entries == ok(world.nobody.get("/log"))["size"]


def test_all_anchored_events_verify_offline(world: World, story: Story) -> None:
    size = story.anchors[0]["size"]
    events = [e for e in world.auditor.pages("/events", limit=200) if e["position"] < size]
    bundles = [bundle_of(world, each["event_id"]) for each in events]
    inputs = trust_inputs(world, [bundles[0].anchor or b""])
    assert len(bundles) == size
    for event, bundle in zip(events, bundles, strict=True):
        report = verify_bundle(bundle, inputs)
        assert report.exit_code == 0, (event["type"], report)
        assert report.facts["index"] == event["position"]


def test_a_party_proves_its_own_event_without_the_auditor(world: World, story: Story) -> None:
    mine = world.alder.client.pages("/events", limit=200)
    settled = next(each for each in mine if each["type"] == "instruction.settled")
    proof = ok(world.alder.client.get(f"/events/{settled['event_id']}/proof"))
    assert proof["anchored"]
    assert (
        hashlib.sha256(b"\x00" + base64.b64decode(proof["event"])).hexdigest()
        == (settled["leaf_hash"])
    )


def test_a_bundle_with_any_byte_changed_is_refused(world: World, story: Story) -> None:
    size = story.anchors[0]["size"]
    events = [e for e in world.auditor.pages("/events", limit=200) if e["position"] < size]
    final = next(each for each in events if each["type"] == "settlement.finalised")
    whole = bundle_of(world, final["event_id"])
    parts = [whole.event, whole.proof, whole.anchor or b""]
    inputs = trust_inputs(world, [parts[2]])
    assert verify_bundle(whole, inputs).exit_code == 0
    chance = random.Random(7)
    for number, data in enumerate(parts):
        places = {0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(60))}
        for place in places:
            bit = 1 << chance.randrange(8)
            changed = data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
            forged = Bundle(*parts[:number], changed, *parts[number + 1 :])
            assert verify_bundle(forged, inputs).exit_code in (1, 2), (number, place, bit)
        shorter = Bundle(*parts[:number], data[:-1], *parts[number + 1 :])
        assert verify_bundle(shorter, inputs).exit_code in (1, 2)


def test_a_proof_does_not_fit_another_event_or_another_chain(world: World, story: Story) -> None:
    first, second = world.auditor.pages("/events", limit=200)[:2]
    one, two = bundle_of(world, first["event_id"]), bundle_of(world, second["event_id"])
    inputs = trust_inputs(world, [one.anchor or b""])
    assert verify_bundle(Bundle(two.event, one.proof, one.anchor), inputs).exit_code == 1
    assert inputs.trust is not None
    other_blocks = dict.fromkeys(inputs.trust.blocks, bytes(32))
    for trust in (
        Trust(1, inputs.trust.registry, inputs.trust.blocks),
        Trust(inputs.trust.chain_id, bytes(20), inputs.trust.blocks),
        Trust(inputs.trust.chain_id, inputs.trust.registry, other_blocks),
    ):  # fmt: skip
        other = TrustInputs(inputs.policy, inputs.keys, trust, None)
        assert verify_bundle(one, other).exit_code == 1
    untrusting = TrustInputs(inputs.policy, inputs.keys, None, None)
    assert verify_bundle(one, untrusting).exit_code == 4


def test_a_second_anchor_extends_the_first(world: World, story: Story) -> None:
    first = story.anchors[0]
    ok(world.alder.client.post("/orders", world.order(world.alder, "buy", limit_price="600")))
    second = world.anchor()
    assert second["size"] > first["size"]
    reader = TileReader(DirectoryStore(world.home.log), second["size"])
    proof = prove_consistency(first["size"], second["size"], reader)
    roots = bytes.fromhex(first["root"]), bytes.fromhex(second["root"])
    verify_consistency(first["size"], second["size"], proof, *roots)
    registry = bytes.fromhex(world.core.adopted().registry[2:])
    head = read_head(HttpRpc(world.chain.url), registry)
    assert (head.size, head.root.hex()) == (second["size"], second["root"])
    listed = ok(world.nobody.get("/anchors"))["items"]
    assert [(each["size"], each["state"]) for each in listed] == [
        (second["size"], "FINAL"), (first["size"], "FINAL"),
    ]  # fmt: skip
    assert ok(world.nobody.get("/log"))["anchored_size"] == second["size"]
    assert world.replay().equal
