"""EIP-712 by hand equals eth_account's independent encoder, and reads back strictly."""

import copy
import json

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given, settings

from backend.settlement.errors import TypedDataInvalid
from backend.settlement.trade import Domain, Trade
from backend.settlement.typed_data import hashes, parse_typed_data, typed_data_json
from tests.settlement.strategies import domains, trades

TRADE = Trade(
    number=17,
    seller="0x" + "11" * 20,
    buyer="0x" + "22" * 20,
    asset="0x" + "33" * 20,
    cash="0x" + "44" * 20,
    asset_amount=100_000_000,
    cash_amount=44_800_000_000,
    min_asset_amount=100_000_000,
    valid_from=1_362_700_800,
    deadline=1_363_132_799,
)
DOMAIN = Domain(31337, "0x" + "55" * 20)


@given(trades, domains)
@settings(max_examples=200, deadline=None)
def test_digest_and_its_parts_equal_eth_account(trade, domain):
    ours = hashes(trade, domain)
    theirs = encode_typed_data(full_message=typed_data_json(trade, domain))
    assert ours.domain_separator == theirs.header
    assert ours.struct_hash == theirs.body
    assert ours.digest == _hash_eip191_message(theirs)


@given(trades, domains)
@settings(max_examples=100, deadline=None)
def test_what_a_wallet_gets_reads_back_through_json(trade, domain):
    document = json.loads(json.dumps(typed_data_json(trade, domain)))
    assert parse_typed_data(document) == (trade, domain)


@pytest.mark.parametrize("field", ["number", "asset_amount", "valid_from", "deadline", "seller"])
def test_every_term_is_bound_by_the_digest(field):
    from msgspec.structs import replace

    value = getattr(TRADE, field)
    changed = replace(TRADE, **{field: "0x" + "99" * 20 if field == "seller" else value + 1})
    assert hashes(changed, DOMAIN).digest != hashes(TRADE, DOMAIN).digest


def test_the_domain_is_bound_by_the_digest():
    digest = hashes(TRADE, DOMAIN).digest
    assert hashes(TRADE, Domain(1, DOMAIN.contract)).digest != digest
    assert hashes(TRADE, Domain(31337, "0x" + "56" * 20)).digest != digest


def _broken():
    def change(path, value):
        document = copy.deepcopy(typed_data_json(TRADE, DOMAIN))
        target = document
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value
        return document

    yield "another primary type", change(["primaryType"], "Order")
    yield "a widened type", change(["types", "Trade", 8, "type"], "uint256")
    yield "a renamed application", change(["domain", "name"], "Settlement")
    yield "another version", change(["domain", "version"], "2")
    yield "a float", change(["message", "assetAmount"], 1.0)
    yield "a boolean", change(["message", "id"], True)
    yield "a signed number", change(["message", "id"], "-1")
    yield "leading zeros", change(["message", "id"], "017")
    yield "hex numbers", change(["message", "id"], "0x11")
    yield "too wide for uint64", change(["message", "deadline"], str(2**64))
    yield "too wide for uint256", change(["message", "cashAmount"], str(2**256))
    yield "a short address", change(["message", "seller"], "0x1234")
    yield "an address as number", change(["message", "seller"], 17)
    yield "an unknown member", change(["message", "fee"], "1")
    yield "an unknown domain member", change(["domain", "salt"], "0x00")
    yield "an unknown part", change(["extra"], {})
    missing = copy.deepcopy(typed_data_json(TRADE, DOMAIN))
    del missing["message"]["deadline"]
    yield "a missing member", missing
    yield "nothing", {}


@pytest.mark.parametrize(("why", "document"), list(_broken()), ids=lambda each: str(each)[:30])
def test_anything_but_our_trade_is_refused(why, document):
    with pytest.raises(TypedDataInvalid):
        parse_typed_data(document)
