"""Recovery accepts the canonical forms only, and names the reason of each refusal."""

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.settlement.errors import (
    SignatureInvalid,
    SignatureWrongDomain,
    SignatureWrongSigner,
)
from backend.settlement.signatures import (
    canonical_signature,
    recover_signer,
    verify_trade_signature,
)
from backend.settlement.trade import Domain
from backend.settlement.typed_data import hashes, typed_data_json
from tests.settlement.test_typed_data import DOMAIN, TRADE

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
PARTY = Account.from_key("0x" + "01" * 32)
STRANGER = Account.from_key("0x" + "02" * 32)


def signed(domain=DOMAIN, account=PARTY):
    return bytes(account.sign_typed_data(full_message=typed_data_json(TRADE, domain)).signature)


def compact(signature):
    s = int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255
    return signature[:32] + s.to_bytes(32, "big")


@given(st.binary(min_size=32, max_size=32), st.integers(1, ORDER - 1))
@settings(max_examples=60, deadline=None)
def test_every_spelling_of_one_signature_recovers_its_key(digest, secret):
    account = Account.from_key(secret.to_bytes(32, "big"))
    signature = bytes(account.unsafe_sign_hash(digest).signature)
    spellings = (signature, compact(signature), signature[:64] + bytes([signature[64] - 27]))
    assert {recover_signer(digest, each) for each in spellings} == {account.address}
    assert {canonical_signature(each) for each in spellings} == {signature}


def test_the_mirrored_high_s_form_is_refused():
    signature = signed()
    s = ORDER - int.from_bytes(signature[32:64], "big")
    mirrored = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])
    with pytest.raises(SignatureInvalid):
        recover_signer(hashes(TRADE, DOMAIN).digest, mirrored)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        bytes(65),
        bytes(64),
        signed()[:63],
        signed() + b"\x00",
        signed()[:64] + b"\x1d",
        ORDER.to_bytes(32, "big") + signed()[32:],
        signed()[:32] + bytes(32) + signed()[64:],
    ],
)
def test_malformed_bytes_are_refused(broken):
    with pytest.raises(SignatureInvalid):
        recover_signer(hashes(TRADE, DOMAIN).digest, broken)


def test_the_partys_signature_is_accepted_in_canonical_form():
    assert verify_trade_signature(TRADE, DOMAIN, compact(signed()), PARTY.address) == signed()


def test_a_strangers_signature_is_named_as_such():
    with pytest.raises(SignatureWrongSigner) as refused:
        verify_trade_signature(TRADE, DOMAIN, signed(account=STRANGER), PARTY.address)
    assert refused.value.context["recovered"] == STRANGER.address


@pytest.mark.parametrize("other", [Domain(1, DOMAIN.contract), Domain(31337, "0x" + "66" * 20)])
def test_a_signature_for_another_domain_is_named_as_such(other):
    with pytest.raises(SignatureWrongDomain) as refused:
        verify_trade_signature(TRADE, DOMAIN, signed(other), PARTY.address, [other])
    assert refused.value.context["signed_chain_id"] == other.chain_id


def test_a_signature_for_a_domain_nobody_named_is_a_wrong_signer():
    with pytest.raises(SignatureWrongSigner):
        verify_trade_signature(
            TRADE, DOMAIN, signed(Domain(987654, DOMAIN.contract)), PARTY.address
        )
