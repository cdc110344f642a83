"""Settlement over HTTP: a party sees and signs its own; the venue sees all."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.eventstore.scope import Scope
from backend.identity.ids import VENUE_TENANT
from backend.settlement.api import router
from backend.settlement.wallet import sign_trade
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency
from backend.web.middleware import RequestContext
from backend.web.paging import Cursors
from backend.web.problems import install as install_problems
from tests.settlement.harness import BUYER, BUYER_TENANT, SELLER, SELLER_TENANT

pytestmark = [pytest.mark.db, pytest.mark.chain]
PEOPLE = {
    "seller": Principal(SELLER_TENANT, "p-seller", frozenset({"trader"})),
    "buyer": Principal(BUYER_TENANT, "p-buyer", frozenset({"trader"})),
    "operator": Principal(VENUE_TENANT, "p-venue", frozenset({"operator"})),
}


class KnownTokens:
    def principal_of(self, token):
        return PEOPLE.get(token)


@pytest.fixture
def client(venue):
    app = FastAPI()
    install_problems(app)
    app.add_middleware(RequestContext, max_body_bytes=10_000)
    app.include_router(
        router(
            venue.store,
            venue.service,
            Authenticator(KnownTokens()),
            Idempotency(venue.store),
            Cursors(b"test"),
        )
    )
    return TestClient(app)


def get(client, who, path):
    return client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {who}"})


def post(client, who, path, body, key="k1"):
    headers = {"Authorization": f"Bearer {who}", "Idempotency-Key": key}
    return client.post(f"/api/v1{path}", json=body, headers=headers)


def test_a_party_reads_signs_with_its_wallet_and_sees_it_settle(venue, client, chain):
    trade_id = venue.trade()
    for who, account in (("seller", SELLER), ("buyer", BUYER)):
        (item,) = get(client, who, "/instructions").json()["items"]
        assert (item["quantity"], item["amount"]) == ("100", "44800.00")
        path = f"/instructions/{item['instruction_id']}"
        consent = get(client, who, path).json()["consent"]
        assert consent["sentence"].startswith("You")
        signed = sign_trade(account, consent)  # the CLI signs the same JSON
        assert signed.sentence == consent["sentence"]
        assert "0x" + signed.hashes.digest.hex() == consent["digest"]
        first = post(client, who, f"{path}/signature", {"signature": signed.signature})
        again = post(client, who, f"{path}/signature", {"signature": signed.signature})
        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert first.json()["status"] == "SIGNED"
    venue.pump()
    worker = venue.worker()
    worker.drain(3)
    chain.finalize()
    worker.drain(3)
    (item,) = get(client, "seller", "/instructions").json()["items"]
    assert (item["status"], item["advice"], item["direction"]) == ("SETTLED", "SETT", "DELI")
    (process,) = get(client, "operator", "/settlements").json()["items"]
    assert (process["trade_id"], process["state"]) == (trade_id, "FINAL")
    body = {"signature": "0x" + "11" * 65}
    late = post(client, "seller", f"{path_of(client)}/signature", body, key="k2")
    assert late.status_code == 409
    assert late.json()["code"] == "already-settled"


def path_of(client):
    (item,) = get(client, "seller", "/instructions").json()["items"]
    return f"/instructions/{item['instruction_id']}"


def test_nobody_sees_or_signs_anothers_instruction(venue, client):
    trade_id = venue.trade()
    (_, sellers), _ = venue.sides(trade_id)
    assert get(client, "buyer", f"/instructions/{sellers}").status_code == 404
    stolen = post(
        client, "buyer", f"/instructions/{sellers}/signature", {"signature": "0x" + "11" * 65}
    )
    assert stolen.status_code == 404
    assert get(client, "seller", "/settlements").status_code == 403
    assert get(client, "operator", "/instructions").status_code == 403
    assert get(client, "nobody", "/instructions").status_code == 401


@pytest.mark.parametrize(
    "signature", ["", "1234", "0x1234", "0x" + "zz" * 65, "0x" + "00" * 65, "0x" + "11" * 66]
)
def test_what_is_no_signature_is_refused(venue, client, signature):
    venue.trade()
    answer = post(client, "seller", f"{path_of(client)}/signature", {"signature": signature})
    assert (answer.status_code, answer.json()["code"]) == (422, "signature-invalid")


def test_the_other_partys_signature_is_a_wrong_signer(venue, client):
    venue.trade()
    consent = get(client, "seller", path_of(client)).json()["consent"]
    signature = sign_trade(BUYER, consent).signature
    answer = post(client, "seller", f"{path_of(client)}/signature", {"signature": signature})
    assert (answer.status_code, answer.json()["code"]) == (422, "signature-wrong-signer")


def test_pages_follow_each_other(venue, client):
    trades = [venue.trade(quantity=str(n)) for n in (1, 2, 3)]
    first = get(client, "operator", "/settlements?limit=2").json()
    assert first["has_more"]
    rest = get(client, "operator", f"/settlements?limit=2&cursor={first['next_cursor']}").json()
    seen = [each["trade_id"] for each in first["items"] + rest["items"]]
    assert seen == sorted(trades, reverse=True)


def test_row_level_security_hides_the_other_side_even_from_sql(venue):
    venue.trade()
    with venue.database.transaction(Scope.app(SELLER_TENANT)) as db:
        rows = db.execute("SELECT tenant_id::text FROM instructions").fetchall()
        assert [row["tenant_id"] for row in rows] == [SELLER_TENANT]
        assert db.execute("SELECT * FROM settlements").fetchall() == []
