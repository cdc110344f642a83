"""Settlement over HTTP: a party sees and signs its own; the venue sees all."""

import uuid

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


def path_of(client, who="seller"):
    (item,) = get(client, who, "/instructions").json()["items"]
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


# ------------------------------------------------------------------------------------ timelines


def steps_of(answer):
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["timeline"]["steps"]}


def test_a_party_and_the_venue_see_the_same_steps_with_their_own_events(venue, client, chain):
    trade_id = venue.trade()
    path = f"{path_of(client)}/timeline"
    before = steps_of(get(client, "seller", path))
    assert [each["state"] for each in before.values()][:3] == ["done", "current", "current"]
    venue.sign_both(trade_id)
    worker = venue.worker()
    worker.drain(3)
    chain.finalize()
    worker.drain(3)
    venue.pump()
    mine, venues = (
        get(client, "seller", path), get(client, "operator", f"/settlements/{trade_id}"),
    )  # fmt: skip
    assert {**mine.json(), "timeline": None} == {**venues.json(), "timeline": None}
    assert mine.json()["state"] == "FINAL"
    for name, step in steps_of(mine).items():
        theirs = steps_of(venues)[name]
        assert (step["state"], step["detail"]) == (theirs["state"], theirs["detail"])
        assert step["state"] == "done"
        assert theirs["event_id"] != step["event_id"]
    own = {str(row["event_id"]) for row in rows_of(venue, SELLER_TENANT)}
    shown = {name: each["event_id"] for name, each in steps_of(mine).items()}
    assert {name for name, each in shown.items() if each is None} == {"signed_buyer"}
    assert {each for each in shown.values() if each is not None} <= own
    types = {row["event_id"]: row["type"] for row in rows_of(venue, SELLER_TENANT)}
    found = [str(types[uuid.UUID(each)]).split(".")[1] for each in shown.values() if each]
    assert found == ["received", "signed", "advised", "advised", "advised", "settled", "settled"]


def rows_of(venue, tenant):
    with venue.database.transaction(Scope.app(tenant)) as db:
        return db.execute("SELECT event_id, type FROM events").fetchall()


def test_ones_own_consent_shows_before_the_venue_has_it(venue, client):
    venue.trade()
    path = path_of(client)
    consent = get(client, "seller", path).json()["consent"]
    body = {"signature": sign_trade(SELLER, consent).signature}
    assert post(client, "seller", f"{path}/signature", body).status_code == 200
    first = steps_of(get(client, "seller", f"{path}/timeline"))
    assert [first[n]["state"] for n in ("signed_seller", "signed_buyer")] == ["done", "current"]
    venue.pump()
    then = steps_of(get(client, "seller", f"{path}/timeline"))
    for name in ("state", "at", "event_id", "detail"):
        assert then["signed_seller"][name] == first["signed_seller"][name]


def test_timelines_are_for_parties_and_the_venue(venue, client):
    trade_id = venue.trade()
    path = f"{path_of(client)}/timeline"
    assert get(client, "buyer", path).status_code == 404
    assert get(client, "operator", path).status_code == 403
    assert get(client, "seller", f"/settlements/{trade_id}").status_code == 403
    assert get(client, "operator", "/settlements/unknown").status_code == 404
    assert get(client, "nobody", path).status_code == 401


def test_what_the_worker_ran_into_shows_until_it_passes(venue, client):
    trade_id = venue.trade()
    with venue.database.transaction(Scope.venue()) as db:
        db.execute("UPDATE settlement_work SET attempts = 2, last_error = 'node-unavailable: away'")
    found = get(client, "operator", f"/settlements/{trade_id}").json()["timeline"]
    assert found["last_error"] == "node-unavailable: away"
    assert found["next_retry_at"] is not None
    party = get(client, "seller", f"{path_of(client)}/timeline").json()["timeline"]
    assert party["last_error"] == "node-unavailable", "a party gets the code, not the words"
    assert party["next_retry_at"] is not None
    with venue.database.transaction(Scope.venue()) as db:
        db.execute("UPDATE settlement_work SET last_error = NULL")
    found = get(client, "operator", f"/settlements/{trade_id}").json()["timeline"]
    assert (found["last_error"], found["next_retry_at"]) == (None, None)


def test_a_party_sees_its_own_shortage_and_of_the_others_the_code(venue, client, chain):
    trade_id = venue.trade()
    with venue.database.transaction(Scope.venue()) as db:
        db.execute("UPDATE settlements SET reasons = '{BUYER_ALLOWANCE,HALTED}'")
    expected = {
        "seller": ["CMON", "HALTED"],
        "buyer": ["BUYER_ALLOWANCE", "HALTED"],
    }
    for who, reasons in expected.items():
        found = get(client, who, f"{path_of(client, who)}/timeline").json()
        assert found["reasons"] == reasons
    venues = get(client, "operator", f"/settlements/{trade_id}").json()
    assert venues["reasons"] == ["BUYER_ALLOWANCE", "HALTED"]
