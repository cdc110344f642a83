"""Keystores on disk, and signing only what was read as our trade."""

import json
import stat

import pytest
from eth_account import Account
from msgspec.structs import replace

from backend.kernel.errors import KeyUnavailable
from backend.settlement.errors import SignatureWrongSigner, TypedDataInvalid
from backend.settlement.signatures import recover_signer
from backend.settlement.typed_data import typed_data_json
from backend.settlement.wallet import load_keystore, save_keystore, sign_file, sign_trade
from tests.settlement.test_typed_data import DOMAIN, TRADE

SELLER = Account.from_key("0x" + "01" * 32)
BUYER = Account.from_key("0x" + "02" * 32)
DEAL = replace(TRADE, seller=SELLER.address, buyer=BUYER.address)
DOCUMENT = {
    "typed_data": typed_data_json(DEAL, DOMAIN),
    "tokens": [
        {"address": DEAL.asset, "symbol": "AAPL", "decimals": 6},
        {"address": DEAL.cash, "symbol": "USD", "decimals": 6, "money": True},
    ],
}


@pytest.fixture
def keystore(tmp_path):
    path = tmp_path / "seller.json"
    save_keystore(path, SELLER, "correct horse", kdf="pbkdf2", iterations=2)
    return path


def test_a_keystore_is_private_and_round_trips(keystore):
    assert stat.S_IMODE(keystore.stat().st_mode) == 0o600
    assert json.loads(keystore.read_text())["version"] == 3
    assert load_keystore(keystore, "correct horse").address == SELLER.address


def test_a_keystore_is_never_overwritten(keystore):
    with pytest.raises(KeyUnavailable):
        save_keystore(keystore, BUYER, "other", kdf="pbkdf2", iterations=2)
    assert load_keystore(keystore, "correct horse").address == SELLER.address


def test_wrong_password_open_mode_and_missing_file_are_told(keystore, tmp_path):
    with pytest.raises(KeyUnavailable, match="password"):
        load_keystore(keystore, "wrong")
    keystore.chmod(0o644)
    with pytest.raises(KeyUnavailable, match="0600"):
        load_keystore(keystore, "correct horse")
    with pytest.raises(KeyUnavailable, match="read"):
        load_keystore(tmp_path / "none.json", "x")
    other = tmp_path / "other.json"
    other.write_text("[]")
    other.chmod(0o600)
    with pytest.raises(KeyUnavailable):
        load_keystore(other, "x")


def test_the_seller_reads_a_plain_sentence_and_signs_exactly_that():
    result = sign_trade(SELLER, DOCUMENT)
    assert result.sentence == (
        f"You deliver 100 AAPL (token {DEAL.asset}) to {BUYER.address} and receive "
        f"44,800.00 USD (token {DEAL.cash}); both or nothing, trade number 17, "
        "valid from 2013-03-08 00:00:00 UTC until 2013-03-12 23:59:59 UTC, "
        f"on chain 31337 at contract {DOMAIN.contract}."
    )
    assert recover_signer(result.hashes.digest, bytes.fromhex(result.signature[2:])) == (
        SELLER.address
    )
    independent = SELLER.sign_typed_data(full_message=DOCUMENT["typed_data"])
    assert result.signature == "0x" + bytes(independent.signature).hex()


def test_the_buyer_reads_the_other_side():
    assert sign_trade(BUYER, DOCUMENT).sentence.startswith(
        f"You pay 44,800.00 USD (token {DEAL.cash}) to {SELLER.address} and receive 100 AAPL"
    )


def test_without_labels_smallest_units_are_shown():
    assert (
        "100000000 smallest units of token" in sign_trade(SELLER, DOCUMENT["typed_data"]).sentence
    )


def test_who_is_no_party_cannot_sign():
    with pytest.raises(SignatureWrongSigner):
        sign_trade(Account.from_key("0x" + "03" * 32), DOCUMENT)


def test_a_file_is_signed_with_consent_and_not_without(keystore, tmp_path):
    file = tmp_path / "trade.json"
    file.write_text(json.dumps(DOCUMENT))
    shown = []
    declined = sign_file(file, keystore, "correct horse", lambda each: bool(shown.append(each)))
    assert declined is None
    assert shown[0].sentence.startswith("You deliver 100 AAPL")
    result = sign_file(file, keystore, "correct horse")
    assert result is not None
    assert result.signer == SELLER.address


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"typed_data": 1}'])
def test_a_file_that_is_no_trade_is_refused(keystore, tmp_path, text):
    file = tmp_path / "trade.json"
    file.write_text(text)
    with pytest.raises(TypedDataInvalid):
        sign_file(file, keystore, "correct horse")
