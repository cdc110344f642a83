"""Browser sessions: begun with a token, carried by a cookie, ended at once; never from afar."""

import hashlib
import re
from http.cookies import SimpleCookie
from typing import Any

import psycopg
import pytest

from backend.web.auth import SESSION_COOKIE
from tests.integration.parties import ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

OWN = {"Sec-Fetch-Site": "same-origin"}


def begin(world: World, token: str, **headers: str) -> Any:
    return world.http.post("/api/v1/sessions", json={"token": token}, headers=headers)


def secret_of(answer: Any) -> str:
    cookie = SimpleCookie(answer.headers["set-cookie"])
    return str(cookie[SESSION_COOKIE].value)


@pytest.fixture
def secret(world: World) -> str:
    """A session of Cedar."""
    world.http.cookies.clear()
    answer = begin(world, world.cedar.token)
    assert answer.status_code == 201
    return secret_of(answer)


def call(world: World, method: str, path: str, secret: str, body: Any = None, **extra: str) -> Any:
    headers = {"Cookie": f"{SESSION_COOKIE}={secret}", **extra}
    return world.http.request(method, f"/api/v1{path}", json=body, headers=headers)


def admin(world: World, query: str) -> None:
    with psycopg.connect(world.admin(), autocommit=True) as connection:
        connection.execute(query)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------- a session's life


def test_a_session_shows_who_is_signed_in(world: World, secret: str) -> None:
    found = ok(call(world, "GET", "/session", secret))
    assert found["participant_id"] == found["tenant_id"] == world.cedar.participant_id
    assert (found["name"], found["kind"]) == ("cedar", "participant")
    assert found["roles"] == ["investor", "trader"]
    assert found["wallets"][0]["address"] == str(world.cedar.wallet.address)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", found["expires_at"])


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http(world: World) -> None:
    answer = begin(world, world.cedar.token)
    (text,) = answer.headers.get_list("set-cookie")
    attributes = {each.strip().lower() for each in text.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= attributes
    assert not any(each.startswith("domain") for each in attributes)
    assert text.startswith("__Host-")
    assert len(secret_of(answer)) == 43  # 32 bytes, base64url


def test_only_the_hash_of_the_secret_is_kept(world: World, secret: str) -> None:
    with psycopg.connect(world.admin()) as connection:
        rows = connection.execute("SELECT session_hash, sessions::text FROM sessions").fetchall()
    hashes = {bytes(row[0]) for row in rows}
    assert hashlib.sha256(b"tallystick/session/v1\n" + secret.encode()).digest() in hashes
    assert not any(secret in row[1] for row in rows)


def test_a_session_serves_wherever_a_token_does(world: World, secret: str) -> None:
    me = ok(call(world, "GET", "/me", secret))
    assert me["roles"] == ["investor", "trader"]
    assert ok(call(world, "GET", "/orders", secret))["items"] == []
    body = {"address": str(world.cedar.wallet.address), "chain_id": 31_337}
    assert ok(call(world, "POST", "/wallet-statements", secret, body, **OWN))


def test_signing_out_ends_it_at_once_and_for_every_copy(world: World, secret: str) -> None:
    other = secret_of(begin(world, world.cedar.token))
    answer = call(world, "DELETE", "/session", secret, **OWN)
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    for path in ("/session", "/me", "/orders"):
        refused(call(world, "GET", path, secret), 401, "unauthenticated")
    assert ok(call(world, "GET", "/me", other)), "the other session is another one"
    assert ok(world.cedar.client.get("/me")), "the token is not the session"


@pytest.mark.parametrize(
    "change",
    [
        "expires_at = now() - interval '1 second'",
        "last_used_at = now() - interval '30 minutes 1 second'",
    ],
)
def test_an_expired_or_idle_session_is_none(world: World, secret: str, change: str) -> None:
    ok(call(world, "GET", "/session", secret))
    admin(world, f"UPDATE sessions SET {change}")
    for path in ("/session", "/me"):
        refused(call(world, "GET", path, secret), 401, "unauthenticated")


def test_using_it_keeps_it_alive_but_not_beyond_its_end(world: World, secret: str) -> None:
    admin(world, "UPDATE sessions SET last_used_at = now() - interval '29 minutes'")
    before = ok(call(world, "GET", "/session", secret))["expires_at"]
    with psycopg.connect(world.admin()) as connection:
        row = connection.execute("SELECT max(now() - last_used_at) FROM sessions").fetchone()
    assert row is not None
    assert row[0].total_seconds() < 60
    assert ok(call(world, "GET", "/session", secret))["expires_at"] == before


def test_a_session_never_outlives_its_token(world: World) -> None:
    issued = {"label": "short", "roles": ["investor"]}
    path = f"/participants/{world.cedar.participant_id}/tokens"
    token = ok(world.operator.post(path, issued))["token"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    admin(
        world,
        "UPDATE api_tokens SET expires_at = now() + interval '1 hour'"
        f" WHERE token_hash = '\\x{digest}'",
    )
    found = begin(world, token).json()
    assert found["roles"] == ["investor"]
    with psycopg.connect(world.admin()) as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM %s::timestamptz - now()) < 3601", (found["expires_at"],)
        ).fetchone()
    assert row == (True,)


@pytest.mark.parametrize(
    "end", ["DELETE FROM api_tokens", "UPDATE api_tokens SET expires_at = now()"]
)
def test_a_session_ends_when_its_token_is_withdrawn(world: World, end: str) -> None:
    issued = {"label": "withdrawn", "roles": ["investor"]}
    path = f"/participants/{world.cedar.participant_id}/tokens"
    token = ok(world.operator.post(path, issued))["token"]
    mine, other = secret_of(begin(world, token)), secret_of(begin(world, world.cedar.token))
    ok(call(world, "GET", "/me", mine))
    admin(world, f"{end} WHERE token_hash = '\\x{hashlib.sha256(token.encode()).hexdigest()}'")
    for get in ("/me", "/session"):
        refused(call(world, "GET", get, mine), 401, "unauthenticated")
    assert ok(call(world, "GET", "/me", other)), "another token's session stands"


def test_signing_in_over_a_session_ends_that_one(world: World, secret: str) -> None:
    cookie = {"Cookie": f"{SESSION_COOKIE}={secret}"}
    assert begin(world, "tally_wrong", **cookie).status_code == 401
    assert ok(call(world, "GET", "/me", secret)), "a failed sign-in ends nothing"
    again = secret_of(begin(world, world.birch.token, **cookie))
    refused(call(world, "GET", "/me", secret), 401, "unauthenticated")
    assert ok(call(world, "GET", "/me", again))["participant_id"] == world.birch.participant_id


# ------------------------------------------------------------------------------------ forgeries


@pytest.mark.parametrize("forged", ["", "x", "A" * 43, "é" * 10, "a" * 5_000])
def test_a_forged_cookie_is_nobody(world: World, forged: str) -> None:
    headers = {b"Cookie": f"{SESSION_COOKIE}={forged}".encode()}
    for path in ("/session", "/me"):
        answer = world.http.get(f"/api/v1{path}", headers=headers)
        refused(answer, 401, "unauthenticated")


def test_an_api_token_is_no_session_and_a_session_no_token(world: World, secret: str) -> None:
    refused(call(world, "GET", "/me", world.cedar.token), 401, "unauthenticated")
    refused(world.client(secret).get("/me"), 401, "unauthenticated")


@pytest.mark.parametrize("token", ["tally_wrong", "x"])
def test_a_wrong_token_begins_no_session(world: World, token: str) -> None:
    with world.nothing_written():
        answer = begin(world, token)
        refused(answer, 401, "unauthenticated")
        assert "set-cookie" not in answer.headers


def test_anothers_session_shows_nothing_of_mine(world: World, secret: str) -> None:
    path = f"/accounts/{world.birch.account_id}"
    refused(call(world, "GET", path, secret), 404, "not-found")
    refused(call(world, "GET", "/settlements", secret), 403, "forbidden")


# ------------------------------------------------------------------------------ foreign pages

FOREIGN = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://[broken"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_page_changes_nothing(world: World, secret: str, headers: dict[str, str]) -> None:
    body = {"name": "x", "base_currency": "USD"}
    extra = {**headers, "Idempotency-Key": "foreign"}
    with world.nothing_written():
        answer = call(world, "POST", "/portfolios", secret, body, **extra)
        refused(answer, 403, "forbidden")
        refused(call(world, "DELETE", "/session", secret, **headers), 403, "forbidden")
    assert ok(call(world, "GET", "/session", secret, **headers)), "reading changes nothing"


@pytest.mark.parametrize("headers", [OWN, {"Origin": "http://testserver"}])
def test_our_own_page_may(world: World, secret: str, headers: dict[str, str]) -> None:
    body = {"address": str(world.cedar.wallet.address), "chain_id": 31_337}
    assert ok(call(world, "POST", "/wallet-statements", secret, body, **headers))


@pytest.mark.parametrize("headers", [each for each in FOREIGN if each])
def test_a_foreign_page_signs_nobody_in(world: World, headers: dict[str, str]) -> None:
    with world.nothing_written():
        refused(begin(world, world.cedar.token, **headers), 403, "forbidden")


def test_a_bearer_token_needs_no_page(world: World) -> None:
    body = {"address": str(world.cedar.wallet.address), "chain_id": 31_337}
    headers = {
        "Authorization": f"Bearer {world.cedar.token}",
        "Sec-Fetch-Site": "cross-site",
        "Cookie": f"{SESSION_COOKIE}=stale",
    }
    answer = world.http.post("/api/v1/wallet-statements", json=body, headers=headers)
    assert answer.status_code == 200


def test_sessions_are_no_part_of_the_log_or_of_a_replay(world: World) -> None:
    before = len(world.rows("SELECT 1 FROM events"))
    secret = secret_of(begin(world, world.cedar.token))
    call(world, "DELETE", "/session", secret, **OWN)
    assert len(world.rows("SELECT 1 FROM events")) == before
    assert world.replay().equal


def test_no_other_role_of_the_database_reads_sessions(world: World) -> None:
    with psycopg.connect(world.admin(), autocommit=True) as connection:
        for role in ("tally_app", "tally_venue", "tally_sequencer", "tally_auditor"):
            connection.execute(f"SET ROLE {role}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT 1 FROM sessions")
            connection.execute("RESET ROLE")
