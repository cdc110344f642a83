"""Settlement end to end on a real chain and a real database."""

import time
from datetime import date

import pytest
from eth_account import Account
from msgspec.structs import replace

from backend.eventstore.replay import replay_and_compare
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import ChainMismatch
from backend.settlement import store
from backend.settlement.chain.adapter import Web3SettlementChain
from backend.settlement.chain.node import Node
from backend.settlement.chain.signer import LocalSigner
from backend.settlement.domain.terms import from_terms
from backend.settlement.errors import (
    AlreadySettled,
    SettlementStateInvalid,
    SignatureWrongDomain,
    SignatureWrongSigner,
)
from backend.settlement.ports import Fees
from backend.settlement.steps import WorkerPolicy
from backend.settlement.trade import Domain, SignedTrade
from backend.settlement.typed_data import hashes, typed_data_json
from tests.settlement.harness import (
    BUYER,
    BUYER_TENANT,
    FAST,
    SECURITY,
    SELLER,
    SELLER_TENANT,
    SETTLER,
    UNIT,
)

pytestmark = [pytest.mark.db, pytest.mark.chain]


def test_both_sign_one_transaction_moves_both_legs_and_the_books_follow(venue, chain):
    before = venue.on_chain.balances()
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    worker = venue.worker()
    assert worker.drain(3) == 3  # submit, include, not final yet
    assert venue.state(trade_id).state == "INCLUDED"
    assert venue.on_chain.balances() == {
        "seller": (before["seller"][0] - 100 * UNIT, before["seller"][1] + 44_800 * UNIT),
        "buyer": (before["buyer"][0] + 100 * UNIT, before["buyer"][1] - 44_800 * UNIT),
    }
    assert venue.ports.booked == []
    chain.mine(1)
    worker.run_once()
    assert venue.state(trade_id).safe
    chain.finalize()
    worker.drain(5)
    venue.pump()
    assert venue.events_of(trade_id) == [
        "instructed",
        "side_signed",
        "side_signed",
        "signatures_completed",
        "submitted",
        "included",
        "safe",
        "finalised",
    ]
    assert sorted(venue.ports.booked) == [
        (SELLER_TENANT, "DELI", trade_id),
        (BUYER_TENANT, "RECE", trade_id),
    ]
    for tenant, instruction_id in venue.sides(trade_id):
        row = venue.instruction(tenant, instruction_id)
        assert (row["status"], row["advice"]) == ("SETTLED", "SETT")
    assert venue.row("settlement_work", trade_id=trade_id) == []


def settled(venue, chain, trade_id):
    """Drive to finality and give the state."""
    worker = venue.worker()
    worker.drain(3)
    chain.finalize()
    worker.drain(3)
    venue.pump()
    return venue.state(trade_id)


def signed_trade(venue, trade_id):
    state = venue.state(trade_id)
    trade, _ = from_terms(state.terms)
    return SignedTrade(trade, state.seller_signature, state.buyer_signature)


def release_lease(venue):
    with venue.database.transaction(Scope.venue()) as db:
        db.execute("UPDATE settlement_work SET lease_until = NULL, due_at = now()")


# ------------------------------------------------------------------------------ the signed thing


def test_the_contract_hashes_the_trade_as_we_do(venue):
    trade_id = venue.trade()
    trade, domain = from_terms(venue.state(trade_id).terms)
    contract = venue.on_chain.node.contract("Settlement", domain.contract)
    ours = hashes(trade, domain)
    assert bytes(contract.functions.DOMAIN_SEPARATOR().call()) == ours.domain_separator
    assert bytes(contract.functions.hashTrade(trade.as_abi()).call()) == ours.digest
    venue.chain.verify()


def test_a_strangers_signature_is_refused_and_nothing_is_recorded(venue):
    trade_id = venue.trade()
    (tenant, instruction_id), _ = venue.sides(trade_id)
    stranger = Account.from_key("0x" + "77" * 32)
    state = venue.state(trade_id)
    trade, domain = from_terms(state.terms)
    bad = stranger.unsafe_sign_hash(hashes(trade, domain).digest).signature
    with (
        pytest.raises(SignatureWrongSigner),
        venue.store.transaction(Scope.app(tenant), Caller("test")) as uow,
    ):
        venue.service.sign(uow, instruction_id, "0x" + bytes(bad).hex())
    assert venue.instruction(tenant, instruction_id)["status"] == "RECEIVED"


def test_a_signature_for_another_chain_is_named_so(venue):
    trade_id = venue.trade()
    (tenant, instruction_id), _ = venue.sides(trade_id)
    trade, domain = from_terms(venue.state(trade_id).terms)
    with pytest.raises(SignatureWrongDomain) as refused:
        venue.sign(
            tenant, instruction_id, document=typed_data_json(trade, Domain(1, domain.contract))
        )
    assert refused.value.context["signed_chain_id"] == 1


def test_one_signature_alone_submits_nothing(venue):
    trade_id = venue.trade()
    (tenant, instruction_id), _ = venue.sides(trade_id)
    venue.sign(tenant, instruction_id)
    venue.sign(tenant, instruction_id)  # repeated: no second event
    venue.pump()
    venue.worker().drain(5)
    assert venue.events_of(trade_id) == ["instructed", "side_signed"]


# ------------------------------------------------------------------- refused, pending, too late


def test_a_party_without_a_wallet_is_refused_and_released(venue):
    del venue.ports.wallets[BUYER_TENANT]
    trade_id = venue.trade()
    assert venue.state(trade_id).state == "FAILED"
    assert {each[2] for each in venue.ports.released} == {"wallet-unknown"}
    assert len(venue.ports.released) == 2


def test_insufficient_cash_is_pending_with_each_sides_reason_then_settles_when_funded(venue, chain):
    trade_id = venue.trade(quantity="900")  # 403,200.00 of 100,000.00
    venue.sign_both(trade_id)
    worker = venue.worker()
    worker.drain(4)
    assert venue.state(trade_id).reasons == ("BUYER_LACKS_CASH",)
    assert venue.events_of(trade_id)[-1] == "pending"  # told once, not four times
    seller, buyer = (venue.instruction(*each) for each in venue.sides(trade_id))
    assert (seller["advice"], seller["reason"]) == ("PENF", "CMON")
    assert (buyer["advice"], buyer["reason"]) == ("PENF", "MONY")
    venue.on_chain.deployer.mint(venue.on_chain.cash, BUYER.address, 400_000 * UNIT)
    assert settled(venue, chain, trade_id).state == "FINAL"


def test_insufficient_cash_until_the_deadline_fails_and_releases(venue, chain):
    trade_id = venue.trade(quantity="900")
    venue.sign_both(trade_id)
    worker = venue.worker()
    worker.drain(2)
    chain.advance_to(venue.state(trade_id).terms.deadline + 1)
    worker.drain(5)
    venue.pump()
    state = venue.state(trade_id)
    assert state.state == "FAILED"
    assert "BUYER_LACKS_CASH" in state.reasons
    assert sorted(venue.ports.released) == [
        (SELLER_TENANT, "DELI", "deadline", "CMON"),
        (BUYER_TENANT, "RECE", "deadline", "MONY"),
    ]
    assert venue.ports.booked == []
    assert venue.row("settlement_work", trade_id=trade_id) == []


def test_not_signed_before_the_deadline_fails_and_a_late_signature_is_refused(venue, chain):
    trade_id = venue.trade()
    (tenant, instruction_id), _ = venue.sides(trade_id)
    chain.advance_to(venue.state(trade_id).terms.deadline)
    venue.worker().drain(2)
    assert venue.state(trade_id).state == "INSTRUCTED"  # the last second still counts
    chain.mine(1)
    venue.worker().drain(2)
    venue.pump()
    assert venue.state(trade_id).state == "FAILED"
    assert len(venue.ports.released) == 2
    with pytest.raises(SettlementStateInvalid):
        venue.sign(tenant, instruction_id)


def test_before_the_settlement_date_it_waits(venue):
    trade_id = venue.trade(settlement_date=date(2027, 1, 18))
    venue.sign_both(trade_id)
    venue.worker().drain(2)
    assert venue.state(trade_id).reasons == ("NOT_YET_VALID",)
    row = venue.instruction(*venue.sides(trade_id)[0])
    assert (row["advice"], row["reason"]) == ("PEND", "FUTU")


def test_a_halted_security_is_not_submitted_until_released(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    venue.ports.halted.add(SECURITY)
    venue.worker().drain(3)
    assert venue.state(trade_id).reasons == ("HALTED",)
    assert venue.row("settlement_transactions", trade_id=trade_id) == []
    assert venue.row("chain_nonces") == []
    venue.ports.halted.clear()
    assert settled(venue, chain, trade_id).state == "FINAL"


def test_a_key_that_is_no_settler_waits_with_a_reason(venue):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    stranger = LocalSigner.from_key("0x" + "66" * 32)
    contract = venue.on_chain.deployment.settlement.address
    venue.worker(chain=Web3SettlementChain(venue.on_chain.node, contract, stranger)).drain(2)
    assert venue.state(trade_id).reasons == ("REFUSED",)


# ------------------------------------------------------------------------------ settled for good


def test_a_settled_trade_cannot_be_signed_or_settled_again(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    assert settled(venue, chain, trade_id).state == "FINAL"
    (tenant, instruction_id), _ = venue.sides(trade_id)
    with pytest.raises(AlreadySettled):
        venue.sign(tenant, instruction_id)
    signed = signed_trade(venue, trade_id)
    assert "ID_USED" in str(venue.chain.check(signed).name)
    balances = venue.on_chain.balances()
    raw = venue.chain.sign(signed, venue.chain.transaction_count(), _fees()).raw
    venue.chain.broadcast(raw)  # a replay on chain is executed and undone
    assert venue.on_chain.balances() == balances


def test_a_party_that_settles_by_itself_is_recognised(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    chain.call("anvil_setBalance", SELLER.address, hex(10**18))
    contract = venue.on_chain.deployment.settlement.address
    own = Web3SettlementChain(venue.on_chain.node, contract, LocalSigner(SELLER))
    signed = signed_trade(venue, trade_id)
    own.broadcast(own.sign(signed, 0, own.fees(signed)).raw)
    assert settled(venue, chain, trade_id).state == "FINAL"
    assert "submitted" not in venue.events_of(trade_id)
    assert len(venue.ports.booked) == 2


def test_a_number_cancelled_by_both_fails_when_that_is_final(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    trade, domain = from_terms(venue.state(trade_id).terms)
    contract = venue.on_chain.node.contract("Settlement", domain.contract)
    digest = contract.functions.hashCancel(trade.as_abi()).call()
    consents = [bytes(each.unsafe_sign_hash(digest).signature) for each in (SELLER, BUYER)]
    venue.on_chain.deployer._send(contract.functions.cancel(trade.as_abi(), *consents))
    venue.worker().drain(3)
    assert venue.state(trade_id).state == "SIGNED"
    chain.finalize()
    venue.worker().drain(3)
    venue.pump()
    assert {each[2] for each in venue.ports.released} == {"number-used"}


# ----------------------------------------------------------------- the chain and the node misbehave


def test_node_down_in_the_middle_loses_nothing(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    node = venue.on_chain.node
    provider, url = node.web3.provider, node.web3.provider.endpoint_uri
    worker = venue.worker()
    provider.endpoint_uri = "http://127.0.0.1:9"  # nobody listens there
    assert worker.run_once()
    assert venue.state(trade_id).state == "SIGNED"
    (work,) = venue.row("settlement_work", trade_id=trade_id)
    assert work["attempts"] == 1
    assert work["last_error"].startswith("node-unavailable")
    provider.endpoint_uri = url
    broadcast = venue.chain.broadcast
    venue.chain.broadcast = lambda raw: _cut(provider, broadcast, raw)
    assert worker.run_once()  # recorded, then the line is cut before the bytes leave
    venue.chain.broadcast = broadcast
    assert venue.state(trade_id).state == "SUBMITTED"
    assert node_count(venue, url) == 0
    provider.endpoint_uri = url
    assert settled(venue, chain, trade_id).state == "FINAL"
    assert venue.events_of(trade_id).count("submitted") == 1
    assert node_count(venue, url) == 1


def test_bytes_that_arrived_although_the_answer_was_lost_are_not_sent_as_another(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    provider = venue.on_chain.node.web3.provider
    url = provider.endpoint_uri
    broadcast = venue.chain.broadcast

    def lost(raw):
        broadcast(raw)
        _cut(provider, broadcast, raw)

    venue.chain.broadcast = lost
    venue.worker().run_once()
    venue.chain.broadcast = broadcast
    provider.endpoint_uri = url
    assert settled(venue, chain, trade_id).state == "FINAL"
    assert venue.events_of(trade_id).count("submitted") == 1
    assert node_count(venue, url) == 1


def test_another_chain_behind_the_url_stops_the_step(venue):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    url = venue.on_chain.node.web3.provider.endpoint_uri
    contract = venue.on_chain.deployment.settlement.address
    wrong = Web3SettlementChain(Node(url, 1), contract, LocalSigner(SETTLER))
    with pytest.raises(ChainMismatch):
        wrong.verify()
    venue.worker(chain=wrong).run_once()
    (work,) = venue.row("settlement_work", trade_id=trade_id)
    assert work["last_error"].startswith("chain-mismatch")
    assert venue.state(trade_id).state == "SIGNED"


def test_reorganised_out_and_settled_again_with_the_same_bytes(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    worker = venue.worker()
    worker.drain(2)
    first = venue.state(trade_id).inclusion
    assert first is not None
    before = venue.on_chain.balances()
    chain.call("anvil_reorg", 1, [])
    assert venue.on_chain.balances() != before
    worker.run_once()
    assert venue.state(trade_id).state == "REORGED"
    row = venue.instruction(*venue.sides(trade_id)[0])
    assert row["settlement_state"] == "REORGED"
    for _ in range(100):  # the node mines what was sent again in its own time
        worker.drain(2)
        again = venue.state(trade_id).inclusion
        if again is not None:
            break
        time.sleep(0.05)
    assert again is not None
    assert again.block_hash != first.block_hash
    assert again.transaction_hash == first.transaction_hash
    assert settled(venue, chain, trade_id).state == "FINAL"
    assert venue.on_chain.balances() == before
    assert len(venue.ports.booked) == 2


def test_a_dropped_transaction_is_sent_again_and_a_stuck_one_is_paid_better(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    chain.call("evm_setAutomine", False)
    try:
        venue.worker().run_once()
        first = venue.state(trade_id).submission
        chain.call("anvil_dropTransaction", first.hashes[0])
        assert chain.call("txpool_status")["pending"] == "0x0"
        venue.worker().run_once()
        assert chain.call("txpool_status")["pending"] == "0x1"
        venue.worker(replace(FAST, bump_after=0.0)).run_once()
        bumped = venue.state(trade_id).submission
        assert bumped.nonce == first.nonce
        assert len(bumped.hashes) == 2
        assert bumped.max_fee_per_gas * 8 >= first.max_fee_per_gas * 9
        assert bumped.max_priority_fee_per_gas * 8 >= first.max_priority_fee_per_gas * 9
        capped = replace(FAST, bump_after=0.0, max_fee_per_gas=1)
        venue.worker(capped).run_once()
        assert len(venue.state(trade_id).submission.hashes) == 2  # never beyond the cap
        chain.mine(1)
    finally:
        chain.call("evm_setAutomine", True)
    final = settled(venue, chain, trade_id)
    assert final.state == "FINAL"
    assert final.inclusion.transaction_hash == bumped.hashes[1]
    statuses = {
        row["transaction_hash"]: row["status"]
        for row in venue.row("settlement_transactions", trade_id=trade_id)
    }
    assert statuses == {bumped.hashes[0]: "REPLACED", bumped.hashes[1]: "INCLUDED"}


def test_reverted_on_chain_is_recycled_with_a_new_nonce(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    asset, parties = venue.on_chain.asset, [SELLER.address, BUYER.address]
    chain.call("evm_setAutomine", False)
    try:
        venue.worker().run_once()
        chain.call("anvil_dropTransaction", venue.state(trade_id).submission.hashes[0])
        chain.call("evm_setAutomine", True)
        venue.on_chain.deployer.allow(asset, parties, 0)  # blocked before it is included
        venue.worker().drain(4)
        assert "transaction_dead" not in venue.events_of(trade_id)  # a reorganisation may undo it
        chain.finalize()
        venue.worker().drain(4)
    finally:
        chain.call("evm_setAutomine", True)
    assert "transaction_dead" in venue.events_of(trade_id)
    assert venue.state(trade_id).reasons == ("ASSET_REFUSES",)
    venue.on_chain.deployer.allow(asset, parties)
    assert settled(venue, chain, trade_id).state == "FINAL"
    sent = venue.row("settlement_transactions", trade_id=trade_id)
    assert {row["nonce"]: row["status"] for row in sent} == {0: "DEAD", 1: "INCLUDED"}


def test_submitted_but_never_included_fails_only_when_final_and_frees_its_nonce(venue, chain):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    chain.call("evm_setAutomine", False)
    try:
        worker = venue.worker()
        worker.run_once()
        pending = venue.state(trade_id).submission.hashes[0]
        chain.call("anvil_dropTransaction", pending)
        deadline = venue.state(trade_id).terms.deadline
        chain.call("evm_setNextBlockTimestamp", deadline + 1)
        chain.mine(1)
        worker.run_once()
        chain.call("anvil_dropTransaction", pending)
        assert venue.state(trade_id).state == "SUBMITTED"  # late, but not finally late
        chain.mine(2)
        worker.run_once()
        venue.pump()
        assert venue.state(trade_id).state == "FAILED"
        assert len(venue.ports.released) == 2
        assert len(venue.row("settlement_work", trade_id=trade_id)) == 1  # the nonce is open
        worker.run_once()
        chain.mine(3)
        worker.drain(3)
    finally:
        chain.call("evm_setAutomine", True)
    assert venue.row("settlement_work", trade_id=trade_id) == []
    assert venue.chain.transaction_count() == 1
    assert venue.on_chain.balances()["buyer"] == (0, 100_000 * UNIT)


# ------------------------------------------------------------------------- leases, nonces, replay


def test_a_worker_that_lost_its_lease_records_nothing(venue):
    trade_id = venue.trade()
    venue.sign_both(trade_id)
    heads = venue.chain.heads

    def taken_over():
        with venue.database.transaction(Scope.venue()) as db:
            db.execute("UPDATE settlement_work SET fence = fence + 1")
        return heads()

    venue.chain.heads = taken_over
    venue.worker().run_once()
    venue.chain.heads = heads
    assert venue.state(trade_id).state == "SIGNED"
    assert venue.row("chain_nonces") == []
    assert not venue.worker(WorkerPolicy(lease=600)).run_once()  # still leased
    release_lease(venue)
    venue.worker().run_once()
    assert venue.state(trade_id).state == "SUBMITTED"


def test_a_leased_settlement_is_not_given_to_a_second_worker(venue):
    venue.trade()
    with venue.database.transaction(Scope.venue()) as one:
        assert store.claim(one, "a", 60) is not None
        with venue.database.transaction(Scope.venue()) as two:  # while the first is still open
            assert store.claim(two, "b", 60) is None
    with venue.database.transaction(Scope.venue()) as two:
        assert store.claim(two, "b", 60) is None


def test_nonces_are_gapless_and_never_below_what_the_chain_counts(venue):
    with venue.database.transaction(Scope.venue()) as db:
        taken = [store.take_nonce(db, 1, "0xAB", spent) for spent in (0, 0, 5, 3)]
        assert taken == [0, 1, 5, 6]
        assert store.take_nonce(db, 1, "0xab", 0) == 7
        assert store.take_nonce(db, 2, "0xab", 0) == 0


def test_many_trades_settle_each_once_and_replay_gives_the_same_rows(venue, chain):
    trades = [venue.trade(quantity=str(n)) for n in (1, 2, 3)]
    trades.append(venue.trade(quantity="900"))  # stays pending
    for each in trades:
        venue.sign_both(each)
    worker = venue.worker()
    worker.drain(20)
    chain.finalize()
    worker.drain(20)
    venue.pump()
    told = [(venue.state(each).state, venue.row("settlements", trade_id=each)) for each in trades]
    assert [state for state, _ in told] == ["FINAL"] * 3 + ["SIGNED"], told
    nonces = [row["nonce"] for row in venue.row("settlement_transactions", tenant_id=VENUE_TENANT)]
    assert sorted(nonces) == [0, 1, 2]
    numbers = {venue.state(each).terms.number for each in trades}
    assert len(numbers) == 4
    report = replay_and_compare(venue.database, venue.registry, venue.projections)
    assert report.equal, report.differences
    assert report.rows["instructions"] == 8


def _cut(provider, broadcast, raw):
    provider.endpoint_uri = "http://127.0.0.1:9"
    broadcast(raw)


def node_count(venue, url):
    return Node(url, 31_337).web3.eth.get_transaction_count(SETTLER.address)


def _fees():
    return Fees(200_000, 20 * 10**9, 10**9)
