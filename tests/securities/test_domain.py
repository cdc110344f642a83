"""The register's rules as given events, a command, then events."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import InvariantBroken, ValueInvalid
from backend.kernel.events import from_payload
from backend.securities.domain import (
    AssetClass,
    Listing,
    SecurityState,
    Token,
    checked_address,
    evolve,
    evolve_cash,
    register,
    register_cash,
    tokenise,
)
from backend.securities.errors import (
    DuplicateSecurity,
    IdentifierInvalid,
    SecurityUnknown,
    TokenConflict,
)
from backend.securities.events import EVENTS, SecurityRegistered, SecurityTokenised

# EIP-55's own test vectors.
EIP55 = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
TOKEN = Token(chain_id=31337, address=EIP55[0], decimals=6)
OTHER = Token(chain_id=31337, address=EIP55[1], decimals=6)


def listing(**changes) -> Listing:
    fields = {
        "isin": "US0378331005",
        "ticker": "AAPL",
        "name": "Apple Inc.",
        "currency": "USD",
        "asset_class": AssetClass.EQUITY,
        "mic": "XNAS",
    }
    return Listing(**{**fields, **changes})


def registered() -> SecurityState:
    [event] = register(None, "s-1", listing())
    return evolve(None, event)


def test_registering_records_the_listing():
    [event] = register(None, "s-1", listing())
    assert event == SecurityRegistered(
        security_id="s-1",
        isin="US0378331005",
        ticker="AAPL",
        name="Apple Inc.",
        currency="USD",
        asset_class="equity",
        mic="XNAS",
    )
    assert evolve(None, event).listing == listing()


def test_an_id_is_registered_once():
    with pytest.raises(DuplicateSecurity):
        register(registered(), "s-1", listing())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"isin": "US0378331003"}, IdentifierInvalid),
        ({"ticker": "aapl"}, IdentifierInvalid),
        ({"mic": "NASDAQ"}, IdentifierInvalid),
        ({"currency": "XXX"}, ValueInvalid),
        ({"currency": "usd"}, ValueInvalid),
        ({"name": ""}, ValueInvalid),
        ({"name": " Apple"}, ValueInvalid),
        ({"name": "Apple\u0000"}, ValueInvalid),
        ({"name": "a" * 201}, ValueInvalid),
    ],
)
def test_a_bad_listing_cannot_be_made(changes, error):
    with pytest.raises(error):
        listing(**changes)


def test_a_token_is_bound_once_and_repeating_it_changes_nothing():
    state = registered()
    [event] = tokenise(state, TOKEN)
    assert isinstance(event, SecurityTokenised)
    bound = evolve(state, event)
    assert bound.token == TOKEN
    assert tokenise(bound, TOKEN) == []
    with pytest.raises(TokenConflict):
        tokenise(bound, OTHER)


def test_an_unknown_security_has_no_token():
    with pytest.raises(SecurityUnknown):
        tokenise(None, TOKEN)


def test_cash_tokens_follow_the_same_rule():
    [event] = register_cash(None, "USD", TOKEN)
    state = evolve_cash(None, event)
    assert (state.currency, state.token) == ("USD", TOKEN)
    assert register_cash(state, "USD", TOKEN) == []
    with pytest.raises(TokenConflict):
        register_cash(state, "USD", OTHER)


def test_a_cash_token_carries_the_minor_unit():
    coarse = Token(chain_id=1, address=EIP55[0], decimals=1)
    with pytest.raises(ValueInvalid):
        register_cash(None, "USD", coarse)
    assert register_cash(None, "JPY", Token(chain_id=1, address=EIP55[0], decimals=0))


@pytest.mark.parametrize("address", EIP55)
def test_the_standards_addresses_are_accepted(address):
    assert checked_address(address) == address


@given(st.sampled_from(EIP55), st.integers(2, 41))
def test_a_letter_in_the_wrong_case_is_refused(address, place):
    changed = address[:place] + address[place].swapcase() + address[place + 1 :]
    if changed == address:
        return
    with pytest.raises(IdentifierInvalid):
        checked_address(changed)


@pytest.mark.parametrize(
    "text",
    [
        EIP55[0].lower(),
        EIP55[0].upper(),
        EIP55[0][2:],
        EIP55[0] + "0",
        EIP55[0][:-1],
        "0x" + "0" * 40,
        "",
        "0x",
    ],
)
def test_not_addresses(text):
    with pytest.raises(IdentifierInvalid):
        checked_address(text)


@pytest.mark.parametrize(
    "changes", [{"decimals": 19}, {"decimals": -1}, {"chain_id": 0}, {"chain_id": 2**53}]
)
def test_not_tokens(changes):
    with pytest.raises(ValueInvalid):
        Token(**{"chain_id": 1, "address": EIP55[0], "decimals": 6, **changes})


def test_a_foreign_event_is_no_silent_state():
    [cash] = register_cash(None, "USD", TOKEN)
    with pytest.raises(InvariantBroken):
        evolve(registered(), cash)
    with pytest.raises(InvariantBroken):
        evolve_cash(None, register(None, "s-1", listing())[0])


def test_events_survive_their_payload():
    state = registered()
    events = [
        *register(None, "s-1", listing()),
        *tokenise(state, TOKEN),
        *register_cash(None, "USD", TOKEN),
    ]
    assert {type(each) for each in events} == set(EVENTS)
    for each in events:
        assert from_payload(type(each), each.payload()) == each


GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type)
def test_the_first_version_ever_shipped_can_still_be_read(kind):
    sample = json.loads((GOLDEN / f"{kind.type}.v1.json").read_text())
    assert json.loads(json.dumps(from_payload(kind, sample).payload())) == sample
