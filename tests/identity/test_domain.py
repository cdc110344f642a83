"""Given a participant's events, when a command, then events or a typed error."""

import pytest

from backend.identity import domain
from backend.identity.domain import Participant, SignatureWrongSigner, Wallet
from backend.identity.events import ApiTokenIssued, ParticipantRegistered, WalletBound
from backend.identity.ids import VENUE_PARTICIPANT, VENUE_TENANT
from backend.kernel.errors import Conflict, InvariantBroken, ValueInvalid

ID = "00000000-0000-7000-8000-0000000000aa"
WALLET = Wallet("0x" + "Ab" * 20, 31_337)


def after(*events):
    state = None
    for each in events:
        state = domain.evolve(state, each)
    return state


REGISTERED = ParticipantRegistered(participant_id=ID, name="Alder", kind="participant")
BOUND = WalletBound(
    participant_id=ID,
    address=WALLET.address,
    chain_id=WALLET.chain_id,
    statement="s",
    signature="0x",
)


def test_a_new_participant_is_registered_under_its_trimmed_name():
    assert domain.register(None, ID, "  Alder ", "participant") == [REGISTERED]


def test_registering_again_with_the_same_data_changes_nothing():
    assert domain.register(after(REGISTERED), ID, "Alder", "participant") == []


@pytest.mark.parametrize(("name", "kind"), [("Birch", "participant"), ("Alder", "venue")])
def test_registering_again_with_other_data_is_a_conflict(name, kind):
    with pytest.raises(Conflict):
        domain.register(after(REGISTERED), ID, name, kind)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", "a\x00b", "a\u202eb", "\u200b"])
def test_a_name_is_printable_and_short(name):
    with pytest.raises(ValueInvalid):
        domain.register(None, ID, name, "participant")


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueInvalid):
        domain.register(None, ID, "Alder", "broker")


@pytest.mark.parametrize("taken", [VENUE_TENANT, VENUE_PARTICIPANT])
def test_no_participant_takes_the_venues_own_id(taken):
    with pytest.raises(Conflict):
        domain.register(None, taken, "Mallory", "participant")


def test_the_statement_names_everything_it_binds():
    text = domain.wallet_statement(ID, WALLET.address, 31_337, "log.example/main")
    for part in (ID, WALLET.address, "31337", "log.example/main"):
        assert part in text


@pytest.mark.parametrize("signer", [WALLET.address, WALLET.address.lower(), WALLET.address.upper()])
def test_a_wallet_that_signed_is_bound(signer):
    (event,) = domain.bind_wallet(after(REGISTERED), WALLET, "s", "0x", signer)
    assert event == BOUND
    assert after(REGISTERED, BOUND).wallets == (WALLET,)


def test_binding_again_changes_nothing():
    assert domain.bind_wallet(after(REGISTERED, BOUND), WALLET, "s", "0x", WALLET.address) == []


def test_the_same_wallet_on_another_chain_is_another_wallet():
    other = Wallet(WALLET.address, 1)
    (event,) = domain.bind_wallet(after(REGISTERED, BOUND), other, "s", "0x", WALLET.address)
    assert after(REGISTERED, BOUND, event).wallets == (WALLET, other)


def test_another_signer_is_refused():
    with pytest.raises(SignatureWrongSigner):
        domain.bind_wallet(after(REGISTERED), WALLET, "s", "0x", "0x" + "cd" * 20)


@pytest.mark.parametrize("address", ["", "0x", "0x" + "ab" * 19, "0x" + "zz" * 20, "ab" * 20])
def test_an_address_is_twenty_bytes(address):
    with pytest.raises(ValueInvalid):
        domain.bind_wallet(after(REGISTERED), Wallet(address, 1), "s", "0x", address)


def test_a_token_names_its_roles_and_keeps_a_fingerprint_only():
    (event,) = domain.issue_token(after(REGISTERED), "cli", ("investor", "trader"), "f" * 16)
    assert event == ApiTokenIssued(
        participant_id=ID, label="cli", roles=("investor", "trader"), fingerprint="f" * 16
    )
    assert domain.evolve(after(REGISTERED), event) == after(REGISTERED)


@pytest.mark.parametrize(
    "roles", [(), ("admin",), ("trader", "root"), ("",), ("operator",), ("trader", "auditor")]
)
def test_a_participant_gets_no_role_but_its_own(roles):
    with pytest.raises(ValueInvalid):
        domain.issue_token(after(REGISTERED), "cli", roles, "f" * 16)


@pytest.mark.parametrize(
    "act",
    [
        lambda: domain.bind_wallet(None, WALLET, "s", "0x", WALLET.address),
        lambda: domain.issue_token(None, "cli", ("trader",), "f" * 16),
        lambda: domain.evolve(None, BOUND),
    ],
)
def test_nothing_comes_before_the_registration(act):
    with pytest.raises(InvariantBroken):
        act()


def test_the_first_event_makes_the_participant():
    assert after(REGISTERED) == Participant(ID, "Alder", "participant")
