"""Consents that must not count: wrong, missing, of another chain or contract, late, replayed."""

import copy
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from eth_account import Account

from backend.settlement.trade import Domain
from tests.integration.parties import ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture(scope="module")
def trade_id(world: World) -> str:
    """A trade that waits for both consents."""
    return world.trade("3")


def sign_digest(account: Any, digest: str) -> str:
    return account.unsafe_sign_hash(bytes.fromhex(digest[2:])).signature.to_0x_hex()


def for_domain(consent: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same trade, asked for by another chain or contract."""
    other = copy.deepcopy(consent)
    other["typed_data"]["domain"].update(changes)
    return other


def high_s(signature: str) -> str:
    """The mirrored form of a signature: as valid mathematically, and refused (EIP-2)."""
    raw = bytes.fromhex(signature[2:])
    s = _ORDER - int.from_bytes(raw[32:64], "big")
    return "0x" + (raw[:32] + s.to_bytes(32, "big") + bytes([55 - raw[64]])).hex()


def attempts(world: World, trade_id: str) -> dict[str, tuple[str, int, str]]:
    """What is sent, and the status and code it must get."""
    _, consent = world.consent(world.birch, trade_id)
    good = world.birch.sign(consent)
    stranger = Account.create()
    one_more = copy.deepcopy(consent)
    one_more["typed_data"]["message"]["assetAmount"] = str(
        int(one_more["typed_data"]["message"]["assetAmount"]) - 1
    )
    wrong = "signature-wrong-signer"
    invalid = "signature-invalid"
    return {
        "the counterparty's": (sign_digest(world.alder.wallet, consent["digest"]), 422, wrong),
        "a stranger's": (sign_digest(stranger, consent["digest"]), 422, wrong),
        "another chain": (
            world.birch.sign(for_domain(consent, chainId=1)), 422, "signature-wrong-domain",
        ),
        "another contract": (
            world.birch.sign(for_domain(consent, verifyingContract="0x" + "11" * 20)), 422, wrong,
        ),
        "another amount": (world.birch.sign(one_more), 422, wrong),
        "high s": (high_s(good), 422, invalid),
        "two bytes short": (good[:-4], 422, invalid),
        "a byte long": (good + "00", 422, invalid),
        "no 0x": (good[2:], 422, invalid),
        "no hex": ("0x" + "zz" * 65, 422, invalid),
        "zeros": ("0x" + "00" * 65, 422, invalid),
        "ones": ("0x" + "ff" * 65, 422, invalid),
        "v of 29": (good[:-2] + "1d", 422, invalid),
        "nothing": ("", 422, invalid),
        "0x": ("0x", 422, invalid),
        "much": ("0x" + "ab" * 5_000, 422, "value-invalid"),
    }  # fmt: skip


def test_a_signature_that_is_not_the_partys_consent(world: World, trade_id: str) -> None:
    path, _ = world.consent(world.birch, trade_id)
    with world.nothing_written():
        for what, (signature, status, code) in attempts(world, trade_id).items():
            answer = world.birch.client.post(f"{path}/signature", {"signature": signature})
            assert answer.json().get("code") == code, (what, answer.text)
            refused(answer, status, code)
    assert world.instruction(world.birch, trade_id)["status"] == "RECEIVED"


@pytest.mark.parametrize("body", [{}, {"signature": None}, {"signature": 7}, {"signature": ["0x"]}])
def test_a_missing_signature(world: World, trade_id: str, body: dict[str, Any]) -> None:
    path, _ = world.consent(world.birch, trade_id)
    with world.nothing_written():
        refused(world.birch.client.post(f"{path}/signature", body), 422, "value-invalid")


def test_another_partys_instruction_cannot_be_signed_even_with_its_wallet(
    world: World, trade_id: str
) -> None:
    path, consent = world.consent(world.birch, trade_id)
    body = {"signature": world.birch.sign(consent)}
    with world.nothing_written():
        for client in (world.alder.client, world.cedar.client):
            refused(client.post(f"{path}/signature", body), 404, "not-found")
        refused(world.operator.post(f"{path}/signature", body), 403, "forbidden")
        refused(world.nobody.post(f"{path}/signature", body), 401, "unauthenticated")


def test_one_consent_moves_nothing_and_a_repeated_one_changes_nothing(
    world: World, trade_id: str
) -> None:
    balances = world.balances()
    path, consent = world.consent(world.birch, trade_id)
    body = {"signature": world.birch.sign(consent)}
    ok(world.birch.client.post(f"{path}/signature", body))
    events = world.counts()["events"]
    ok(world.birch.client.post(f"{path}/signature", body))
    assert world.counts()["events"] == events
    world.pump()
    world.open_settlement_date()
    world.worker.drain(5)
    assert world.settlement(trade_id)["state"] == "INSTRUCTED"
    assert world.balances() == balances


def test_a_settled_trade_is_not_settled_again(world: World, trade_id: str) -> None:
    world.sign(world.alder, trade_id)
    world.pump()
    path, consent = world.consent(world.birch, trade_id)
    assert world.settle(trade_id)["state"] == "FINAL"
    world.worker.drain(5)
    after = world.balances()
    with world.nothing_written():
        body = {"signature": world.birch.sign(consent)}
        refused(world.birch.client.post(f"{path}/signature", body), 409, "already-settled")
        assert not world.worker.run_once()
    raw = world.rows("SELECT raw_transaction FROM settlement_transactions")[0]["raw_transaction"]
    answer = _replay(world, raw)
    assert "error" in answer, answer
    world.chain.node.mine(3)
    assert world.balances() == after


def _replay(world: World, raw: str) -> dict[str, Any]:
    """What the node says to the same bytes again."""
    import httpx

    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw]}
    found: dict[str, Any] = httpx.post(world.chain.url, json=body).json()
    return found


def test_the_contract_refuses_the_same_signed_trade_in_a_new_transaction(
    world: World, trade_id: str
) -> None:
    from backend.settlement.errors import TransactionReverted

    before = world.balances()
    signed = _signed_trade(world, trade_id)
    chain = world.worker._chain  # the very adapter the worker submits through
    with pytest.raises(TransactionReverted):
        chain.fees(signed)
    assert chain.check(signed)
    assert world.balances() == before


def _signed_trade(world: World, trade_id: str) -> Any:
    from backend.eventstore.scope import Scope
    from backend.eventstore.store import Caller
    from backend.settlement import process
    from backend.settlement.domain.terms import from_terms
    from backend.settlement.trade import SignedTrade

    with world.worker_core.store.transaction(Scope.venue(), Caller("test")) as uow:
        state = process.load(uow, trade_id).state
    assert state is not None
    trade, domain = from_terms(state.terms)
    assert isinstance(domain, Domain)
    return SignedTrade(trade, state.seller_signature, state.buyer_signature)


def test_a_consent_after_the_deadline_is_refused_and_what_was_reserved_is_free(
    fresh_world: World,
) -> None:
    world = fresh_world
    books = world.books()
    trade_id = world.trade("4")
    world.sign(world.birch, trade_id)
    world.pump()
    path, consent = world.consent(world.alder, trade_id)
    deadline = world.settlement(trade_id)["deadline"]
    world.advance(datetime.fromtimestamp(deadline + 60).astimezone())
    with world.nothing_written():
        body = {"signature": world.alder.sign(consent)}
        answer = world.alder.client.post(f"{path}/signature", body)
        refused(answer, 422, "deadline-expired")
    row = world.settle(trade_id)
    assert (row["state"], row["cause"]) == ("FAILED", "deadline")
    answer = world.alder.client.post(f"{path}/signature", body)
    refused(answer, 409, "settlement-state-invalid")
    assert world.books() == books
    for trader in (world.alder, world.birch):
        assert world.instruction(trader, trade_id)["status"] == "FAILED"
        account = ok(trader.client.get(f"/accounts/{trader.account_id}"))
        assert Decimal(account["reserved"]) == 0
    held = ok(world.birch.client.get(f"/portfolios/{world.birch.portfolio_id}/holdings"))["items"]
    assert [Decimal(each["reserved"]) for each in held] == [Decimal(0)]
    assert world.replay().equal


def test_a_trade_does_not_settle_before_its_date(fresh_world: World) -> None:
    world = fresh_world
    before = world.balances()
    trade_id = world.trade("2")
    world.sign_both(trade_id)
    world.worker.drain(4)
    world.pump()
    row = world.settlement(trade_id)
    assert (row["state"], row["transaction_hash"]) == ("SIGNED", None)
    assert row["reasons"] != []
    assert world.balances() == before
    world.open_settlement_date()
    assert world.settle(trade_id)["state"] == "FINAL"
