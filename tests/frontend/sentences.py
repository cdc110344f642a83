"""Typed data with the sentence and the hashes that the platform makes of it."""

from __future__ import annotations

from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from backend.settlement.errors import SignatureInvalid
from backend.settlement.sentence import TokenLabel, plain_sentence
from backend.settlement.signatures import canonical_signature, recover_signer
from backend.settlement.trade import Domain, Trade
from backend.settlement.typed_data import hashes, typed_data_json

SELLER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
BUYER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ASSET = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
CASH = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
STRANGER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
SHARES = TokenLabel("AAPL", 0)
DOLLARS = TokenLabel("USD", 6, money=True)
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = PrivateKey(keccak(b"a key of the tests"))
YEN = TokenLabel("JPY", 0, money=True)


def _trade(**changes: Any) -> Trade:
    terms: dict[str, Any] = {
        "number": 7,
        "seller": SELLER,
        "buyer": BUYER,
        "asset": ASSET,
        "cash": CASH,
        "asset_amount": 100,
        "cash_amount": 66_524_000_000,
        "min_asset_amount": 100,
        "valid_from": 1_346_630_400,
        "deadline": 1_347_235_200,
    }
    return Trade(**(terms | changes))


def _changes() -> dict[str, dict[str, Any]]:
    return {
        "whole": {},
        "another number": {"number": 2**256 - 1},
        "another seller": {"seller": STRANGER},
        "another buyer": {"buyer": STRANGER},
        "another asset": {"asset": STRANGER},
        "another cash token": {"cash": STRANGER},
        "one share": {"asset_amount": 1},
        "no share": {"asset_amount": 0},
        "a huge amount": {"asset_amount": 2**256 - 1, "cash_amount": 2**256 - 1},
        "no cash": {"cash_amount": 0},
        "one smallest unit": {"cash_amount": 1},
        "ten cents": {"cash_amount": 100_000},
        "a thousandth": {"cash_amount": 1_234_567_891_000},
        "a round million": {"cash_amount": 1_000_000_000_000},
        "partial": {"min_asset_amount": 40},
        "from the start": {"valid_from": 0},
        "a leap day": {"valid_from": 951_825_600},
        "the last second that a date has": {"deadline": 253_402_300_799},
        "the first second that it has not": {"deadline": 253_402_300_800},
        "for ever": {"deadline": 2**64 - 1},
    }


def _token(address: str, label: TokenLabel) -> dict[str, Any]:
    return {
        "address": address,
        "symbol": label.symbol,
        "decimals": label.decimals,
        "money": label.money,
    }


def _vector(trade: Trade, domain: Domain, party: str, labels: dict[str, TokenLabel]) -> Any:
    return {
        "party": party,
        "sentence": plain_sentence(trade, domain, party, labels),
        "tokens": [_token(address, label) for address, label in labels.items()],
        "typed_data": typed_data_json(trade, domain),
        **hashes(trade, domain).as_hex(),
    }


def sentence_vectors() -> dict[str, Any]:
    """Each change of a term, from both sides, and other labels, chains and contracts."""
    home = Domain(31337, "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0")
    labels = {ASSET.lower(): SHARES, CASH.lower(): DOLLARS}
    found: dict[str, Any] = {}
    for name, changes in _changes().items():
        trade = _trade(**changes)
        found[f"{name}, seller"] = _vector(trade, home, trade.seller, labels)
        found[f"{name}, buyer"] = _vector(trade, home, trade.buyer.lower(), labels)
    whole = _trade()
    other = {
        "another chain": (Domain(1, home.contract), labels),
        "another contract": (Domain(31337, STRANGER), labels),
        "no labels": (home, {}),
        "18 decimals": (home, {**labels, ASSET.lower(): TokenLabel("AAPL", 18)}),
        "two decimals of no money": (home, {**labels, ASSET.lower(): TokenLabel("BOND", 2)}),
        "money without decimals": (
            home,
            {**labels, CASH.lower(): TokenLabel("JPY", 0, money=True)},
        ),
    }
    for name, (domain, named) in other.items():
        found[name] = _vector(whole, domain, SELLER, named)
    return found


def signature_vectors() -> dict[str, Any]:
    """One consent in every spelling a wallet may give, and in those that are refused."""
    digest = keccak(b"a digest")
    whole = KEY.sign_msg_hash(digest).to_bytes()
    r, s, parity = whole[:32], int.from_bytes(whole[32:64], "big"), whole[64]
    compact = r + (s | parity << 255).to_bytes(32, "big")
    mirrored = (_ORDER - s).to_bytes(32, "big")
    spellings = {
        "v of 0 or 1": whole,
        "v of 27 or 28": whole[:64] + bytes([27 + parity]),
        "the other v": whole[:64] + bytes([28 - parity]),
        "compact": compact,
        "high s": r + mirrored + bytes([28 - parity]),
        "v of 29": whole[:64] + bytes([29]),
        "r of zero": bytes(32) + whole[32:],
        "s of zero": r + bytes(32) + whole[64:],
        "r beyond the order": b"\xff" * 32 + whole[32:],
        "r of no point": (5).to_bytes(32, "big") + whole[32:],
        "63 bytes": whole[:63],
        "66 bytes": whole + b"\x00",
        "nothing": b"",
    }
    return {
        name: {
            "digest": "0x" + digest.hex(),
            "signature": "0x" + data.hex(),
            **_recover(digest, data),
        }
        for name, data in spellings.items()
    }


def _recover(digest: bytes, signature: bytes) -> dict[str, str]:
    try:
        signer = recover_signer(digest, signature)
        return {"canonical": "0x" + canonical_signature(signature).hex(), "signer": signer}
    except SignatureInvalid as error:
        return {"refused": error.message}
