"""Registering, proving wallets and issuing tokens over HTTP."""

import hashlib
import uuid

import psycopg
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from backend.identity.service import IdentityService
from tests.integration.blueprint import CHAIN_ID, ORIGIN
from tests.integration.parties import ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


@pytest.fixture
def participant(world: World):
    """(id, client) of a participant nobody else uses."""
    identity = str(uuid.uuid4())
    ok(world.operator.put(f"/participants/{identity}", {"name": f"Participant {identity[:8]}"}))
    issued = {"label": "test", "roles": ["investor", "trader"]}
    token = ok(world.operator.post(f"/participants/{identity}/tokens", issued))["token"]
    return identity, world.client(token)


def signed(account, text: str) -> str:
    return account.sign_message(encode_defunct(text=text)).signature.to_0x_hex()


def wallet_body(account, signature: str, chain_id: int = CHAIN_ID) -> dict:
    return {"address": str(account.address), "chain_id": chain_id, "signature": signature}


def statement(client, account, chain_id: int = CHAIN_ID) -> str:
    body = {"address": str(account.address), "chain_id": chain_id}
    return str(ok(client.post("/wallet-statements", body))["statement"])


# ------------------------------------------------------------------------------ participants


def test_a_participant_sees_itself(world: World, participant) -> None:
    identity, client = participant
    me = ok(client.get("/me"))
    assert (me["participant_id"], me["kind"], me["wallets"]) == (identity, "participant", [])


def test_registering_again_changes_nothing_and_otherwise_conflicts(
    world: World, participant
) -> None:
    identity, client = participant
    name = ok(client.get("/me"))["name"]
    with world.nothing_written():
        ok(world.operator.put(f"/participants/{identity}", {"name": name}))
        answer = world.operator.put(f"/participants/{identity}", {"name": "Another"})
        refused(answer, 409, "conflict")


@pytest.mark.parametrize("identity", ["x", "1", str(uuid.uuid4()).upper(), uuid.uuid4().hex])
def test_an_id_is_a_uuid_in_its_one_spelling(world: World, identity: str) -> None:
    with world.nothing_written():
        refused(
            world.operator.put(f"/participants/{identity}", {"name": "x"}), 422, "value-invalid"
        )


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", 7, None, ["x"]])
def test_a_name_is_printable_and_short(world: World, name: object) -> None:
    with world.nothing_written():
        answer = world.operator.put(f"/participants/{uuid.uuid4()}", {"name": name})
        refused(answer, 422, "value-invalid")


def test_the_venues_ids_are_not_given_away(world: World) -> None:
    from backend.identity.ids import VENUE_PARTICIPANT, VENUE_TENANT

    with world.nothing_written():
        for taken in (VENUE_TENANT, VENUE_PARTICIPANT):
            answer = world.operator.put(f"/participants/{taken}", {"name": "Mallory"})
            refused(answer, 409, "conflict")


# ------------------------------------------------------------------------------ wallets


def test_a_wallet_is_bound_by_its_signature_once(world: World, participant) -> None:
    _, client = participant
    account = Account.create()
    body = wallet_body(account, signed(account, statement(client, account)))
    ok(client.post("/wallets", body))
    with world.nothing_written():
        ok(client.post("/wallets", body))
        lower = {**body, "address": body["address"].lower()}
        ok(client.post("/wallets", lower))
    wallets = ok(client.get("/me"))["wallets"]
    assert wallets == [{"address": str(account.address), "chain_id": CHAIN_ID}]


def test_a_signature_over_anything_else_binds_nothing(world: World, participant) -> None:
    identity, client = participant
    account, other = Account.create(), Account.create()
    text = statement(client, account)
    elsewhere = statement(client, account, chain_id=1)
    typed = encode_typed_data(
        full_message={
            "types": {"EIP712Domain": [{"name": "name", "type": "string"}],
                      "Bind": [{"name": "text", "type": "string"}]},
            "primaryType": "Bind",
            "domain": {"name": "x"},
            "message": {"text": text},
        }
    )  # fmt: skip
    wrong = {
        "another wallet's": signed(other, text),
        "over another chain": signed(account, elsewhere),
        "over another participant": signed(account, statement(world.cedar.client, account)),
        "over the text with a blank": signed(account, text + " "),
        "over nothing": signed(account, ""),
        "over typed data": account.sign_message(typed).signature.to_0x_hex(),
        "over the bare hash": account.unsafe_sign_hash(
            hashlib.sha256(text.encode()).digest()
        ).signature.to_0x_hex(),
    }
    with world.nothing_written():
        for what, signature in wrong.items():
            answer = client.post("/wallets", wallet_body(account, signature))
            assert answer.json().get("code") == "signature-wrong-signer", (what, answer.text)
            refused(answer, 422, "signature-wrong-signer")
    assert identity in text


@pytest.mark.parametrize(
    ("signature", "code"),
    [
        ("0x" + "00" * 65, "signature-invalid"),
        ("0x" + "ff" * 65, "signature-invalid"),
        ("0x" + "11" * 64, "signature-invalid"),
        ("0x" + "11" * 64 + "1d", "signature-invalid"),
        ("0x", "value-invalid"),
        ("", "value-invalid"),
        ("0x" + "11" * 66, "value-invalid"),
        ("0x" + "zz" * 65, "value-invalid"),
        ("11" * 65, "value-invalid"),
        (None, "value-invalid"),
        (7, "value-invalid"),
    ],
)
def test_what_no_wallet_can_have_signed(
    world: World, participant, signature: object, code: str
) -> None:
    _, client = participant
    body = {"address": str(Account.create().address), "chain_id": CHAIN_ID, "signature": signature}
    with world.nothing_written():
        answer = client.post("/wallets", body)
        assert answer.json()["code"] in (code, "signature-wrong-signer"), answer.text
        refused(answer, 422, answer.json()["code"])
        if code == "value-invalid":
            refused(answer, 422, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "0x" + "ab" * 19},
        {"address": "0x" + "zz" * 20},
        {"address": "ab" * 20},
        {"address": None},
        {"chain_id": 0},
        {"chain_id": -1},
        {"chain_id": "31337"},
        {"chain_id": 1.5},
        {"chain_id": True},
        {"chain_id": 2**53},
    ],
)
def test_a_malformed_wallet(world: World, participant, changes: dict) -> None:
    _, client = participant
    body = {"address": str(Account.create().address), "chain_id": CHAIN_ID, **changes}
    with world.nothing_written():
        refused(client.post("/wallet-statements", body), 422, "value-invalid")
        signature = {"signature": "0x" + "11" * 65}
        refused(client.post("/wallets", {**body, **signature}), 422, "value-invalid")


def test_anothers_proof_binds_nothing_to_me(world: World, participant) -> None:
    """Alder's statement and signature, replayed by somebody else."""
    _, client = participant
    text = statement(world.alder.client, world.alder.wallet)
    body = wallet_body(world.alder.wallet, signed(world.alder.wallet, text))
    with world.nothing_written():
        refused(client.post("/wallets", body), 422, "signature-wrong-signer")


def test_a_wallet_of_another_chain_opens_no_account(world: World, participant) -> None:
    _, client = participant
    account = Account.create()
    text = statement(client, account, chain_id=1)
    ok(client.post("/wallets", wallet_body(account, signed(account, text), chain_id=1)))
    portfolio = ok(client.post("/portfolios", {"name": "x", "base_currency": "USD"}))["id"]
    body = {"name": "x", "currency": "USD", "wallet_address": str(account.address)}
    with world.nothing_written():
        answer = client.post(f"/portfolios/{portfolio}/accounts", body)
        refused(answer, 404, "wallet-unknown")


# ------------------------------------------------------------------------------ tokens


def test_a_token_is_kept_as_a_hash_only_and_never_in_an_event(world: World, participant) -> None:
    identity, client = participant
    token = client.token
    assert token.startswith("tally_")
    with psycopg.connect(world.admin()) as connection:
        rows = connection.execute(
            "SELECT token_hash FROM api_tokens WHERE participant_id = %s", (identity,)
        ).fetchall()
        assert [bytes(row[0]) for row in rows] == [hashlib.sha256(token.encode()).digest()]
        entries = connection.execute("SELECT entry FROM events").fetchall()
    assert not any(token.encode() in bytes(row[0]) for row in entries)
    full = hashlib.sha256(token.encode()).hexdigest().encode()
    assert not any(full in bytes(row[0]) for row in entries), "a fingerprint, not the hash"


@pytest.mark.parametrize(
    "body",
    [
        {"label": "x", "roles": []},
        {"label": "x", "roles": ["admin"]},
        {"label": "x", "roles": ["operator"]},
        {"label": "x", "roles": ["auditor", "trader"]},
        {"label": "x", "roles": "trader"},
        {"label": "", "roles": ["trader"]},
        {"label": "x" * 61, "roles": ["trader"]},
        {"label": "x", "roles": ["trader"] * 5},
        {"label": "x"},
        {"roles": ["trader"]},
    ],
)
def test_a_token_needs_a_label_and_roles_of_its_participant(
    world: World, participant, body: dict
) -> None:
    identity, _ = participant
    with world.nothing_written():
        answer = world.operator.post(f"/participants/{identity}/tokens", body)
        refused(answer, 422, "value-invalid")


def test_a_token_for_nobody(world: World) -> None:
    with world.nothing_written():
        body = {"label": "x", "roles": ["trader"]}
        answer = world.operator.post(f"/participants/{uuid.uuid4()}/tokens", body)
        refused(answer, 404, "not-found")


def test_a_token_is_read_exactly(world: World, participant) -> None:
    _, client = participant
    token = client.token
    for wrong in (token[:-1], token + "x", token.upper(), token.swapcase(), "tally_", " "):
        refused(world.client(wrong).get("/me"), 401, "unauthenticated")


def test_an_expired_or_withdrawn_token_is_none(world: World, participant) -> None:
    identity, client = participant
    service = IdentityService(world.core.store, ORIGIN)
    assert service.holder_of(client.token) is not None
    with psycopg.connect(world.admin()) as connection:
        connection.execute(
            "UPDATE api_tokens SET expires_at = now() - interval '1 second'"
            " WHERE participant_id = %s",
            (identity,),
        )
    assert IdentityService(world.core.store, ORIGIN).holder_of(client.token) is None
    with psycopg.connect(world.admin()) as connection:
        connection.execute("DELETE FROM api_tokens WHERE participant_id = %s", (identity,))
    assert IdentityService(world.core.store, ORIGIN).holder_of(client.token) is None


def test_two_tokens_differ_and_each_has_its_roles(world: World, participant) -> None:
    identity, client = participant
    path = f"/participants/{identity}/tokens"
    reader = ok(world.operator.post(path, {"label": "r", "roles": ["investor"]}))["token"]
    assert reader != client.token
    refused(world.client(reader).post("/wallet-statements", {}), 403, "forbidden")
    assert client.post("/wallet-statements", {}).status_code == 422
