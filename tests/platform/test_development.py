"""Development mode: where it exists, whom it signs in, and what its wallet refuses to sign."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
import uvicorn
from eth_account import Account
from eth_account.messages import encode_defunct
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from backend.identity.ids import VENUE_PARTICIPANT
from backend.kernel.errors import NodeUnavailable
from backend.platform.anvil.process import free_port
from backend.platform.demo.wallet import DevelopmentWallet, application
from backend.platform.edge.development import PARTICIPANTS, Played, development_of
from backend.platform.errors import ConfigurationInvalid
from backend.platform.processes import api, wallet
from backend.platform.settings import Settings
from backend.settlement.trade import Domain
from backend.settlement.wallet import save_keystore
from backend.web.auth import SESSION_COOKIE
from tests.identity.test_sessions import secret_of
from tests.integration.fixtures import plan, world
from tests.integration.parties import ok, refused
from tests.integration.world import World

__all__ = ["plan", "world"]
pytestmark = [pytest.mark.db, pytest.mark.chain]

SECRET = "the wallet's secret"
OWN = {"Sec-Fetch-Site": "same-origin"}


def running(app: FastAPI) -> Iterator[str]:
    """The address of an application behind uvicorn."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def keystores(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alder's and Birch's keys, as they lie on the traders' side."""
    folder = tmp_path_factory.mktemp("wallets")
    for who in (world.alder, world.birch):
        save_keystore(
            folder / f"{who.name}.json", who.wallet, "word", kdf="pbkdf2", iterations=1_000
        )
        (folder / f"{who.name}.password").write_text("word")
    return folder


@pytest.fixture(scope="module")
def wallet_url(world: World, keystores: Path) -> Iterator[str]:
    adopted = world.core.adopted()
    held = DevelopmentWallet(keystores, Domain(adopted.chain_id, adopted.settlement))
    yield from running(application(held, SECRET))


def settings_of(world: World, url: str, **changes: Any) -> Settings:
    known = {
        "development_wallet_url": url,
        "development_wallet_secret": SecretStr(SECRET),
        **changes,
    }
    return world.settings.model_copy(update=known)


@pytest.fixture(scope="module")
def site(world: World, wallet_url: str) -> Iterator[TestClient]:
    """The API in development mode, under the name localhost."""
    core = replace(world.core, settings=settings_of(world, wallet_url))
    cast = [
        Played(world.alder.participant_id, "alder", ("investor", "trader")),
        Played(world.birch.participant_id, "birch", ("investor", "trader")),
        Played(VENUE_PARTICIPANT, "Venue", ("operator", "auditor")),
        Played(world.cedar.participant_id, "cedar", ("operator",)),  # more than it may have
        Played("nobody-registered", "ghost", ("trader",)),
    ]
    core.home.demo.mkdir(exist_ok=True)
    (core.home.demo / PARTICIPANTS).write_bytes(msgspec.json.encode(cast))
    with TestClient(api.application(core), base_url="http://localhost:8000") as client:
        yield client


def sign_in(site: TestClient, participant_id: str, **headers: str) -> Any:
    site.cookies.clear()
    body = {"participant_id": participant_id}
    return site.post("/api/v1/development/sessions", json=body, headers=headers)


def session(site: TestClient, who: Any) -> dict[str, str]:
    """Headers of a browser in which ``who`` is signed in."""
    answer = sign_in(site, who.participant_id)
    assert answer.status_code == 201, answer.text
    site.cookies.clear()
    return {"Cookie": f"{SESSION_COOKIE}={secret_of(answer)}", **OWN}


def rpc(site: TestClient, headers: dict[str, str], method: str, *params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
    return site.post("/api/v1/development/rpc", json=body, headers=headers)


def result(answer: Any) -> Any:
    found = ok(answer)
    assert (found["jsonrpc"], found["id"], found["error"]) == ("2.0", 7, None), found
    return found["result"]


def error(answer: Any) -> int:
    found = ok(answer)
    assert found["result"] is None
    return int(found["error"]["code"])


# --------------------------------------------------------------------------------- signing in


def test_the_configuration_offers_the_cast(site: TestClient, world: World) -> None:
    found = ok(site.get("/api/v1/config"))
    names = [each["name"] for each in found["development"]["participants"]]
    assert names[:3] == ["alder", "birch", "Venue"]
    assert ok(world.http.get("/api/v1/config"))["development"] is None


def test_a_participant_signs_in_by_name(site: TestClient, world: World) -> None:
    headers = session(site, world.alder)
    found = ok(site.get("/api/v1/session", headers=headers))
    assert (found["participant_id"], found["name"]) == (world.alder.participant_id, "alder")
    operator = ok(sign_in(site, VENUE_PARTICIPANT))
    assert (operator["kind"], operator["roles"]) == ("venue", ["auditor", "operator"])


@pytest.mark.parametrize("who", ["nobody-registered", "unheard-of", "cedar"])
def test_only_the_cast_signs_in_and_only_in_its_own_roles(
    site: TestClient, world: World, who: str
) -> None:
    name = world.cedar.participant_id if who == "cedar" else who
    refused(sign_in(site, name), 404, "not-found")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8000"},
        {"Host": "localhost.evil.example"},
        {"Host": "192.168.1.5:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},  # DNS rebinding
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"X-Forwarded-For": "203.0.113.5"},  # a proxy that sends its upstream's name as Host
        {"X-Forwarded-Host": "tally.example"},
        {"Forwarded": "for=203.0.113.5"},
        {"Host": "evil.example@localhost"},
        {"Host": "localhost/evil.example"},
        {"Host": "localhost:8000, evil.example"},
        {"Host": "localhost:port"},
        {"Host": "localhost?"},
        {"Host": ""},
    ],
)
def test_another_name_or_page_signs_nobody_in(
    site: TestClient, world: World, headers: dict[str, str]
) -> None:
    with world.nothing_written():
        refused(sign_in(site, world.alder.participant_id, **headers), 403, "forbidden")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_the_names_of_this_machine_may(site: TestClient, world: World, host: str) -> None:
    assert sign_in(site, world.alder.participant_id, Host=host).status_code == 201


# ----------------------------------------------------------------------------------- the wallet


def test_the_wallet_shows_ones_own_accounts_only(site: TestClient, world: World) -> None:
    for who in (world.alder, world.birch):
        headers = session(site, who)
        for method in ("eth_accounts", "eth_requestAccounts"):
            assert result(rpc(site, headers, method)) == [str(who.wallet.address)]
        assert result(rpc(site, headers, "eth_chainId")) == "0x7a69"


def test_it_signs_a_trade_as_the_party_itself_would(site: TestClient, world: World) -> None:
    trade_id = world.trade("1")
    _, consent = world.consent(world.alder, trade_id)
    headers, account = session(site, world.alder), str(world.alder.wallet.address)
    typed = consent["typed_data"]
    bare = {**typed, "types": {"Trade": typed["types"]["Trade"]}}
    expected = world.alder.sign(consent)
    for document in (typed, bare, msgspec.json.encode(typed).decode()):
        answer = rpc(site, headers, "eth_signTypedData_v4", account, document)
        assert result(answer) == expected
        lower = rpc(site, headers, "eth_signTypedData_v4", account.lower(), document)
        assert result(lower) == expected


def changed(typed: dict[str, Any], part: str, **values: Any) -> dict[str, Any]:
    return {**typed, part: {**typed[part], **values}}


def test_it_signs_no_other_contract_chain_or_thing(site: TestClient, world: World) -> None:
    trade_id = world.trade("1")
    _, consent = world.consent(world.alder, trade_id)
    headers, account = session(site, world.alder), str(world.alder.wallet.address)
    typed = consent["typed_data"]
    wrong = [
        changed(typed, "domain", verifyingContract="0x" + "22" * 20),
        changed(typed, "domain", chainId=1),
        changed(typed, "domain", name="Another"),
        changed(typed, "message", seller="0x" + "33" * 20, buyer="0x" + "44" * 20),
        {**typed, "primaryType": "Permit"},
        {**typed, "types": {"Permit": [{"name": "owner", "type": "address"}]}},
    ]
    for document in wrong:
        assert error(rpc(site, headers, "eth_signTypedData_v4", account, document)) == 4_100
    for params in ([account], [account, "{"], [account, "[]"], [None, typed], [account, None]):
        assert error(rpc(site, headers, "eth_signTypedData_v4", *params)) == -32_602


def test_it_signs_for_nobody_else(site: TestClient, world: World) -> None:
    _, consent = world.consent(world.alder, world.trade("1"))
    alder, headers = str(world.alder.wallet.address), session(site, world.birch)
    answer = rpc(site, headers, "eth_signTypedData_v4", alder, consent["typed_data"])
    assert error(answer) == 4_100
    assert error(rpc(site, headers, "personal_sign", "0x00", alder)) == 4_100
    stranger = str(Account.create().address)
    assert error(rpc(site, headers, "personal_sign", "0x00", stranger)) == 4_100


def test_a_personal_message_is_signed(site: TestClient, world: World) -> None:
    headers, account = session(site, world.alder), str(world.alder.wallet.address)
    for text in ("I bind the wallet", "0x" + b"I bind the wallet".hex()):
        signature = result(rpc(site, headers, "personal_sign", text, account))
        signer = Account.recover_message(
            encode_defunct(text="I bind the wallet"), signature=signature
        )
        assert signer == account
    assert error(rpc(site, headers, "personal_sign", "x" * 20_001, account)) == -32_602


@pytest.mark.parametrize("value", ['"\\ud800"', '{"chainId": 1e400}', '[-1e999, "x"]'])
def test_parameters_that_are_no_json_are_refused(
    site: TestClient, world: World, value: str
) -> None:
    account = str(world.alder.wallet.address)
    headers = {**session(site, world.alder), "Content-Type": "application/json"}
    for method, params in (
        ("eth_signTypedData_v4", f'["{account}", {value}]'),
        ("personal_sign", f'[{value}, "{account}"]'),
    ):
        body = f'{{"jsonrpc": "2.0", "id": 7, "method": "{method}", "params": {params}}}'
        answer = site.post("/api/v1/development/rpc", content=body, headers=headers)
        assert error(answer) == -32_602


def test_an_id_that_is_no_text_is_refused(site: TestClient, world: World) -> None:
    headers = {**session(site, world.alder), "Content-Type": "application/json"}
    body = '{"jsonrpc": "2.0", "id": "\\ud800", "method": "eth_accounts", "params": []}'
    answer = site.post("/api/v1/development/rpc", content=body, headers=headers)
    assert answer.status_code == 422


def test_only_a_trader_has_something_signed(site: TestClient, world: World) -> None:
    """An auditor with a wallet is still none who may act."""
    issued = {"label": "reader", "roles": ["investor"]}
    path = f"/participants/{world.alder.participant_id}/tokens"
    token = ok(world.operator.post(path, issued))["token"]
    site.cookies.clear()
    reader = {"Authorization": f"Bearer {token}"}
    account = str(world.alder.wallet.address)
    assert result(rpc(site, reader, "eth_accounts")) == [account]
    refused(rpc(site, reader, "personal_sign", "0x00", account), 403, "forbidden")
    refused(rpc(site, reader, "eth_signTypedData_v4", account, {}), 403, "forbidden")


def test_who_came_in_and_who_had_something_signed_is_logged(site: TestClient, world: World) -> None:
    with capture_logs() as lines:
        headers = session(site, world.alder)
        answer = rpc(site, headers, "personal_sign", "0x00", str(world.alder.wallet.address))
        site.cookies.clear()
        wrong = {"token": "tally_a-wrong-secret"}
        assert site.post("/api/v1/sessions", json=wrong).status_code == 401
    found = {each["event"]: each for each in lines}
    assert list(found) == ["session.begun", "development.signature", "session.refused"]
    who = world.alder.participant_id
    assert found["session.begun"]["participant_id"] == who
    assert found["development.signature"]["participant_id"] == who
    assert found["development.signature"]["request_id"] == answer.headers["x-request-id"]
    assert found["session.refused"]["participant_id"] is None
    secret = headers["Cookie"].partition("=")[2]
    assert not any(each in str(lines) for each in (secret, "a-wrong-secret", result(answer)))


@pytest.mark.parametrize(
    "method", ["eth_sendTransaction", "eth_sign", "anvil_setBalance", "eth_getBalance", "", "x"]
)
def test_no_other_method_reaches_the_wallet(site: TestClient, world: World, method: str) -> None:
    headers = session(site, world.alder)
    refused(rpc(site, headers, method, "0x00", "0x00"), 422, "value-invalid")


def test_it_needs_a_session_and_our_own_page(site: TestClient, world: World) -> None:
    account = str(world.alder.wallet.address)
    headers = session(site, world.alder)
    refused(rpc(site, OWN, "eth_accounts"), 401, "unauthenticated")
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        answer = rpc(site, {**headers, **foreign}, "personal_sign", "0x00", account)
        refused(answer, 403, "forbidden")


def test_the_wallets_process_answers_nobody_without_its_secret(wallet_url: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_accounts", "params": []}
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": SECRET + "x"}):
        assert httpx.post(wallet_url, json=body, headers=headers).status_code == 401
    known = {"Authorization": f"Bearer {SECRET}"}
    assert len(httpx.post(wallet_url, json=body, headers=known).json()["result"]) == 2
    unknown = {**body, "method": "eth_sendTransaction"}
    answer = httpx.post(wallet_url, json=unknown, headers=known).json()
    assert answer["error"]["code"] == 4_200
    assert httpx.post(wallet_url, json={"id": 1}, headers=known).status_code == 400


# ------------------------------------------------------------------------------- where it exists


def test_it_is_registered_nowhere_else(world: World) -> None:
    for path in ("/development/sessions", "/development/rpc"):
        refused(world.nobody.post(path, {}), 404, "not-found")
    assert development_of(world.settings, world.home.demo, world.core.database) is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"host": "0.0.0.0"}, "TALLYSTICK_HOST"),
        ({"host": "192.168.1.5"}, "TALLYSTICK_HOST"),
        ({"host": "example.org"}, "TALLYSTICK_HOST"),
        ({"development_wallet_url": "http://10.0.0.1:1"}, "wallet"),
        ({"development_wallet_secret": None}, "SECRET"),
        ({"chain_id": 1}, "31337"),
        ({"public_url": "https://tally.example"}, "PUBLIC_URL"),
        ({"chain_rpc_url": None}, "CHAIN_RPC_URL"),
    ],
)
def test_it_is_refused_where_it_must_not_be(
    world: World, wallet_url: str, changes: dict[str, Any], word: str
) -> None:
    settings = settings_of(world, wallet_url, **changes)
    with pytest.raises(ConfigurationInvalid, match=word):
        development_of(settings, world.home.demo, world.core.database)


def test_a_node_that_is_no_anvil_is_refused(world: World, wallet_url: str) -> None:
    app = FastAPI()

    @app.post("/")
    def other_node() -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": 1, "result": "Geth/v1.16.0/linux-amd64"}

    for url in running(app):
        settings = settings_of(world, wallet_url, chain_rpc_url=SecretStr(url))
        with pytest.raises(ConfigurationInvalid, match="Anvil"):
            development_of(settings, world.home.demo, world.core.database)
    gone = settings_of(world, wallet_url, chain_rpc_url=SecretStr("http://127.0.0.1:9"))
    with pytest.raises(NodeUnavailable):
        development_of(gone, world.home.demo, world.core.database)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"host": "0.0.0.0"}, "loopback"),
        ({"development_wallet_secret": None}, "SECRET"),
        ({"home": Path("/nowhere/at/all")}, "deployed"),
    ],
)
def test_the_wallets_process_refuses_to_start_there(
    world: World, wallet_url: str, changes: dict[str, Any], word: str
) -> None:
    settings = settings_of(world, wallet_url, **changes)
    with pytest.raises(ConfigurationInvalid, match=word):
        wallet.run(settings, threading.Event())


def test_a_wallet_that_is_away_is_a_typed_error(world: World, site: TestClient) -> None:
    core = replace(world.core, settings=settings_of(world, "http://127.0.0.1:9"))
    headers = session(site, world.alder)
    with TestClient(api.application(core), base_url="http://localhost:8000") as client:
        refused(rpc(client, headers, "eth_accounts"), 503, "node-unavailable")


def test_no_credential_stands_in_the_cast_file(world: World, site: TestClient) -> None:
    text = (world.home.demo / PARTICIPANTS).read_text()
    with psycopg.connect(world.admin()) as connection:
        assert connection.execute("SELECT count(*) FROM api_tokens").fetchone() != (0,)
    for who in (world.alder, world.birch, world.cedar):
        assert who.token not in text
