"""Delivery versus payment on a real chain, signed as wallets sign."""

import coincurve
import pytest
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3 import Web3
from web3.logs import DISCARD

from tests.contracts.support import (
    BUYER,
    MONEY,
    SELLER,
    UNITS,
    Chain,
    digest_of,
    refuses,
)

pytestmark = pytest.mark.chain

# Expired, both signatures bad, seller lacks units, asset refuses.
FIVE_REASONS = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9


def compact(key: Account, digest: bytes) -> bytes:
    """EIP-2098 by libsecp256k1, which signs with low s."""
    signature = coincurve.PrivateKey(key.key).sign_recoverable(digest, hasher=None)
    r, s, parity = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    return r + (s | parity << 255).to_bytes(32)


def settled(chain: Chain, trade: dict) -> dict[str, int]:
    return {
        "seller's asset": UNITS - trade["assetAmount"],
        "buyer's asset": trade["assetAmount"],
        "seller's cash": trade["cashAmount"],
        "buyer's cash": MONEY - trade["cashAmount"],
    }


def test_a_relayed_trade_moves_both_legs(chain: Chain):
    settlement = chain.contracts.settlement
    trade = chain.trade()
    receipt = chain.send(settlement.functions.settle(trade, *chain.signatures(chain.typed(trade))))
    assert [
        event["args"]["id"]
        for event in settlement.events.Settled().process_receipt(receipt, DISCARD)
    ] == [1]
    assert chain.balances() == settled(chain, trade)
    assert settlement.functions.isUsed(1).call()


def test_compact_signatures_of_another_library_settle(chain: Chain):
    settlement = chain.contracts.settlement
    trade = chain.trade()
    digest = digest_of(chain.typed(trade))
    chain.send(settlement.functions.settle(trade, compact(SELLER, digest), compact(BUYER, digest)))
    assert chain.balances() == settled(chain, trade)


def test_the_buyer_can_settle_when_the_venue_does_not(chain: Chain):
    chain.web3.provider.make_request("anvil_setBalance", [BUYER.address, hex(10**18)])
    chain.web3.provider.make_request("anvil_impersonateAccount", [BUYER.address])
    trade = chain.trade()
    seller_signature, _ = chain.signatures(chain.typed(trade))
    call = chain.contracts.settlement.functions.settle(trade, seller_signature, b"")
    chain.send(call, BUYER.address)
    assert chain.balances() == settled(chain, trade)


def test_a_trade_settles_once(chain: Chain):
    settlement = chain.contracts.settlement
    trade = chain.trade()
    call = settlement.functions.settle(trade, *chain.signatures(chain.typed(trade)))
    chain.send(call)
    refuses(settlement, "AlreadyUsed", 1, call=lambda: chain.send(call))
    assert chain.balances() == settled(chain, trade)


def test_a_changed_term_voids_the_signatures(chain: Chain):
    settlement = chain.contracts.settlement
    signatures = chain.signatures(chain.typed(chain.trade()))
    dearer = chain.trade(cashAmount=1_912_500_001)
    call = settlement.functions.settle(dearer, *signatures)
    refuses(settlement, "BadSignature", 1, SELLER.address, call=lambda: chain.send(call))


def test_a_stranger_cannot_relay(chain: Chain):
    settlement = chain.contracts.settlement
    stranger = chain.web3.eth.accounts[5]
    trade = chain.trade()
    call = settlement.functions.settle(trade, *chain.signatures(chain.typed(trade)))
    refuses(settlement, "NotAuthorised", 1, stranger, call=lambda: chain.send(call, stranger))


def test_both_sides_cancel(chain: Chain):
    settlement = chain.contracts.settlement
    trade = chain.trade()
    assert settlement.functions.hashCancel(trade).call() == digest_of(chain.typed_cancel(trade))
    signatures = chain.signatures(chain.typed_cancel(trade))
    receipt = chain.send(settlement.functions.cancel(trade, *signatures))
    assert len(settlement.events.Cancelled().process_receipt(receipt, DISCARD)) == 1
    call = settlement.functions.settle(trade, *chain.signatures(chain.typed(trade)))
    refuses(settlement, "AlreadyUsed", 1, call=lambda: chain.send(call))


def test_check_names_every_reason_at_once(chain: Chain):
    settlement, asset = chain.contracts.settlement, chain.contracts.asset
    good = chain.trade()
    signatures = chain.signatures(chain.typed(good))
    assert settlement.functions.check(good, *signatures).call() == 0
    bad = chain.trade(assetAmount=UNITS + 1, minAssetAmount=UNITS + 1, deadline=chain.now - 1)
    chain.send(asset.functions.setPermissions([BUYER.address], 0))
    assert settlement.functions.check(bad, *signatures).call() == FIVE_REASONS


def test_the_settlement_contract_needs_no_allowance_and_shows_it(chain: Chain):
    made = chain.contracts
    for token, holder in ((made.asset, SELLER), (made.cash, BUYER)):
        shown = token.functions.allowance(holder.address, made.settlement.address).call()
        assert shown == 2**256 - 1
        assert token.functions.allowance(holder.address, chain.operator).call() == 0


def test_an_account_with_eip7702_code_signs_as_its_key(chain: Chain):
    """Its code knows no ERC-1271, so a contract that asked the code first would refuse."""
    web3 = chain.web3
    web3.provider.make_request("anvil_setBalance", [SELLER.address, hex(10**18)])
    authorization = SELLER.sign_authorization(
        {
            "chainId": web3.eth.chain_id,
            "address": chain.contracts.registry.address,
            "nonce": web3.eth.get_transaction_count(SELLER.address) + 1,
        }
    )
    transaction = {
        "chainId": web3.eth.chain_id,
        "nonce": web3.eth.get_transaction_count(SELLER.address),
        "gas": 200_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "to": SELLER.address,
        "value": 0,
        "authorizationList": [authorization],
    }
    signed = SELLER.sign_transaction(transaction)
    web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))
    assert web3.eth.get_code(SELLER.address)[:3].hex() == "ef0100"
    trade = chain.trade()
    signatures = chain.signatures(chain.typed(trade))
    chain.send(chain.contracts.settlement.functions.settle(trade, *signatures))
    assert chain.balances() == settled(chain, trade)


def test_the_domain_is_what_the_design_fixes(chain: Chain):
    domain = chain.contracts.settlement.functions.eip712Domain().call()
    address = chain.contracts.settlement.address
    assert domain == [b"\x0f", "Tallystick Settlement", "1", 31337, address, bytes(32), []]


addresses = st.binary(min_size=20, max_size=20).map(Web3.to_checksum_address)
words = st.integers(0, 2**256 - 1)
times = st.integers(0, 2**64 - 1)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    trade=st.fixed_dictionaries(
        {
            "id": words,
            "seller": addresses,
            "buyer": addresses,
            "asset": addresses,
            "cash": addresses,
            "assetAmount": words,
            "cashAmount": words,
            "minAssetAmount": words,
            "validFrom": times,
            "deadline": times,
        }
    )
)
def test_the_contract_hashes_what_wallets_sign(chain: Chain, trade: dict):
    on_chain = chain.contracts.settlement.functions.hashTrade(trade).call()
    assert on_chain == digest_of(chain.typed(trade))
