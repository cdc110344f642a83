"""Malformed amounts and malformed JSON over HTTP: a typed problem, and nothing written."""

import json

import pytest

from tests.integration.parties import PROBLEM, Client, ok, refused
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]

# Every one is wrong as a quantity, a price, a limit and a unit cost.
NOT_AMOUNTS = [
    "1e5", "1E5", "1e-5", "NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "", " ", " 1", "1 ",
    "+1", "01", "1.", ".5", "1,000", "1_000", "0x10", "1/2", "½", "１", "١", "−1", "1\n",
    "0.0000000000000000001", "1.0000000000000000001", "9" * 41, "9" * 400, "-1", "-0.5",
    1, 1.5, -1, 0, True, False, None, [], {}, ["1"], {"value": "1"},
]  # fmt: skip
TOO_LARGE = ["9" * 30, "9" * 40, "1" + "0" * 38]
NOT_POSITIVE = ["0", "0.0", "0.000000"]
CODES = ("amount-invalid", "value-invalid")


def must_refuse(answer, codes=CODES):
    """422 with one of the codes; a pointer or a sentence says what is wrong."""
    assert answer.status_code == 422, answer.text
    problem = refused(answer, 422, answer.json()["code"])
    assert problem["code"] in codes, problem
    assert problem["detail"]


@pytest.mark.parametrize("field", ["quantity", "limit_price"])
def test_an_order_takes_plain_positive_decimals_only(world: World, field: str) -> None:
    with world.nothing_written():
        for value in (*NOT_AMOUNTS, *TOO_LARGE, *NOT_POSITIVE):
            body = world.order(world.alder, "buy", **{field: value})
            must_refuse(world.alder.client.post("/orders", body))


def test_the_control_order_is_taken(world: World) -> None:
    body = world.order(world.alder, "buy", quantity="5", limit_price="600.25")
    assert ok(world.alder.client.post("/orders", body))["status"] == "accepted"


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", "1.0000001"), ("limit_price", "600.00001")],
)
def test_an_order_with_too_many_decimals_for_its_field(
    world: World, field: str, value: str
) -> None:
    with world.nothing_written():
        body = world.order(world.alder, "buy", **{field: value})
        must_refuse(world.alder.client.post("/orders", body))


@pytest.mark.parametrize("field", ["max_units", "max_notional", "max_weight"])
def test_a_limit_takes_plain_decimals_only(world: World, field: str) -> None:
    known = {"tenant_id": world.cedar.participant_id, "reason": "test"}
    with world.nothing_written():
        for value in NOT_AMOUNTS:
            if value is not None:
                must_refuse(world.operator.put("/limits", {**known, field: value}))


def test_a_unit_cost_takes_plain_decimals_only(world: World) -> None:
    path = f"/accounts/{world.birch.account_id}/deposits"
    body = {"chain_id": 31_337, "tx_hash": "0x" + "ab" * 32, "log_index": 0}
    with world.nothing_written():
        for value in NOT_AMOUNTS:
            cost = {"unit_cost": {"amount": value, "currency": "USD"}}
            answer = world.birch.client.post(path, {**body, **cost})
            must_refuse(answer, (*CODES, "deposit-unproven"))
        for currency in ("usd", "US", "USDX", "", "U$D", 840, None):
            cost = {"unit_cost": {"amount": "1", "currency": currency}}
            must_refuse(world.birch.client.post(path, {**body, **cost}))


BODIES = {
    "nothing": b"",
    "half an object": b'{"account_id": "x"',
    "an array": b"[]",
    "null": b"null",
    "a string": b'"order"',
    "a number": b"1",
    "two documents": b"{}{}",
    "trailing words": b"{} and more",
    "a repeated key": b'{"quantity": "1", "quantity": "1000"}',
    "a repeated inner key": b'{"a": {"b": 1, "b": 2}}',
    "NaN": b'{"quantity": NaN}',
    "Infinity": b'{"quantity": -Infinity}',
    "single quotes": b"{'quantity': '1'}",
    "a comment": b'{"quantity": "1" /* one */}',
    "invalid UTF-8": b'{"quantity": "\xff"}',
    "UTF-16": '{"quantity": "1"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a lone surrogate": b'{"client_order_id": "\\ud800"}',
    "a zero byte": b'{"quantity": "1\\u0000"}',
    "deep nesting": b"[" * 5_000 + b"]" * 5_000,
    "deep objects": b'{"a":' * 200 + b"1" + b"}" * 200,
    "a huge integer": b'{"quantity": ' + b"9" * 5_000 + b"}",
    "XML": b"<order/>",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_malformed_body_is_a_problem(world: World, body: bytes) -> None:
    client = world.alder.client
    paths = ("/orders", "/portfolios", "/wallets", "/wallet-statements")
    with world.nothing_written():
        for path in paths:
            answer = client.raw(path, body)
            assert answer.status_code in (400, 422), (path, answer.status_code, answer.text)
            refused(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_a_body_of_another_type_is_a_problem(world: World, kind: str) -> None:
    body = json.dumps(world.order(world.alder, "buy")).encode()
    with world.nothing_written():
        answer = world.alder.client.raw("/orders", body, kind)
        assert answer.status_code in (400, 415, 422)
        assert answer.headers["content-type"] == PROBLEM


def test_a_body_without_a_type_gets_no_way_around_the_checks(world: World) -> None:
    body = world.order(world.alder, "buy", limit_price="600")
    doubled = json.dumps(body)[:-1].encode() + b', "quantity": "1"}'
    headers = {"Idempotency-Key": "no-type", "Authorization": f"Bearer {world.alder.token}"}
    with world.nothing_written():
        request = world.http.build_request(
            "POST", "/api/v1/orders", content=doubled, headers=headers
        )
        assert "content-type" not in request.headers
        answer = world.http.send(request)
        assert answer.status_code in (400, 415, 422)
        assert answer.headers["content-type"] == PROBLEM


TEXTS = [
    "",
    "x" * 5_000,
    "a\u0000b",
    "\ud800",
    "a\nb",
    "\u202eevil",
    "<script>",
    "\u200b",
    7,
    None,
    ["x"],
]


def test_a_text_is_stored_as_it_is_or_refused(world: World) -> None:
    """Names, labels and reasons: never a crash, and what is taken comes back unchanged."""
    client, operator, known = world.cedar.client, world.operator, world.cedar.participant_id
    wallet = str(world.cedar.wallet.address)
    writes = {
        "name": lambda text: client.raw(
            "/portfolios", json.dumps({"name": text, "base_currency": "USD"}).encode()
        ),
        "account": lambda text: client.raw(
            f"/portfolios/{world.cedar.portfolio_id}/accounts",
            json.dumps({"name": text, "currency": "USD", "wallet_address": wallet}).encode(),
        ),
        "label": lambda text: operator.raw(
            f"/participants/{known}/tokens",
            json.dumps({"label": text, "roles": ["investor"]}).encode(),
        ),
        "reason": lambda text: operator.raw(
            "/circuit-breakers/venue/reset", json.dumps({"reason": text}).encode()
        ),
        "order": lambda text: client.raw(
            "/orders",
            json.dumps(world.order(world.cedar, "buy", client_order_id=text)).encode(),
        ),
    }
    wrong = []
    for what, write in writes.items():
        for text in TEXTS:
            answer = write(text)
            if answer.status_code >= 500:
                wrong.append((what, text[:10] if isinstance(text, str) else text))
            elif answer.status_code >= 400:
                assert answer.headers["content-type"] == PROBLEM
    assert wrong == []
    names = [each["name"] for each in client.pages("/portfolios")]
    assert set(names) <= {"cedar", *(t for t in TEXTS if isinstance(t, str))}
    world.pump()
    assert world.replay().equal


def test_a_body_of_a_megabyte_and_more_is_refused_unread(world: World) -> None:
    body = json.dumps(world.order(world.alder, "buy")).encode()
    with world.nothing_written():
        answer = world.alder.client.raw("/orders", body + b" " * 1_100_000)
        refused(answer, 413, "request-too-large")


def test_unknown_and_missing_fields_are_named_by_pointer(world: World) -> None:
    body = world.order(world.alder, "buy")
    with world.nothing_written():
        extra = world.alder.client.post("/orders", {**body, "urgent": True})
        assert "/body/urgent" in [
            e["pointer"] for e in refused(extra, 422, "value-invalid")["errors"]
        ]
        del body["side"]
        missing = world.alder.client.post("/orders", body)
        assert refused(missing, 422, "value-invalid")["errors"][0]["pointer"] == "/body/side"


STRANGE_IDS = [
    "x", "0", "-1", "null", "%00", "a%00b", "%F0%9F%92%A9", "%ff", "x" * 80, "x" * 81, "x" * 5_000,
    "..%2f..%2fetc", "'; DROP TABLE orders; --", "%7B%7D", "00000000-0000-0000-0000-000000000000",
    "00000000-0000-7000-8000-00000000000G", "%20", "١",
]  # fmt: skip


def test_a_strange_id_in_a_path_is_a_problem_never_a_crash(world: World) -> None:
    paths = [
        path.removeprefix("/api/v1")
        for path, item in world.app.openapi()["paths"].items()
        if "{" in path and "get" in item and path.startswith("/api/v1")
    ]
    assert len(paths) >= 10
    seen = []
    for path in paths:
        for strange in STRANGE_IDS:
            filled = path
            while "{" in filled:
                head, _, rest = filled.partition("{")
                filled = head + strange + rest.partition("}")[2]
            for who in (world.alder.client, world.operator):
                answer = who.get(
                    filled, **{"on": "2012-09-04", "from": "2012-09-01", "to": "2012-09-04"}
                )
                if answer.status_code >= 500 or answer.status_code < 400:
                    seen.append((answer.status_code, filled))
                elif answer.headers["content-type"] != PROBLEM:
                    seen.append((answer.headers["content-type"], filled))
    # Public reference data answers an unknown security with an empty list (see the test below);
    # block 0 is a block.
    public = ("/prices", "/actions", "/books/", "/chain/blocks/0")
    assert [e for e in seen if e[0] != 200 or not any(part in e[1] for part in public)] == []


def test_strange_query_values_are_problems(world: World) -> None:
    strange = ["\x00", "a\x00b", "💩" * 10, "x" * 5_000, "'", "%", "\ud7ff"]
    seen = []
    for path, item in world.app.openapi()["paths"].items():
        if "get" not in item or "{" in path or not path.startswith("/api/v1"):
            continue
        for parameter in item["get"].get("parameters", []):
            if parameter["in"] != "query":
                continue
            for value in strange:
                client = world.alder.client if path != "/api/v1/settlements" else world.operator
                answer = client.get(path.removeprefix("/api/v1"), **{parameter["name"]: value})
                if answer.status_code >= 500:
                    seen.append((answer.status_code, path, parameter["name"], value[:10]))
    assert seen == []


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1e2", "x", "", "9" * 30])
def test_a_page_size_out_of_range(world: World, limit: str) -> None:
    for path in ("/orders", "/events", "/trades", "/portfolios", "/instructions"):
        refused(world.alder.client.get(path, limit=limit), 422, "value-invalid")


def listings(world: World) -> list[tuple[Client, str]]:
    """Every list that takes a cursor, with somebody who may read it."""
    found = []
    for path, item in world.app.openapi()["paths"].items():
        names = [each["name"] for each in item.get("get", {}).get("parameters", [])]
        if "cursor" in names:
            short = path.removeprefix("/api/v1").replace("{account_id}", world.alder.account_id)
            short = short.replace("{stream_id}", f"account-{world.alder.account_id}")
            client = world.operator if "settlements" in path else world.alder.client
            found.append((client, short))
    return found


def test_a_cursor_that_is_not_ours_is_refused_by_every_list(world: World) -> None:
    page = ok(world.alder.client.get("/events", limit=1))
    ours = page["next_cursor"]
    changed = ("A" if ours[0] != "A" else "B") + ours[1:]
    forged = ["x", "", "é", "AAAA", "=", "a" * 499, changed, ours[:-2], ours + "AA"]
    lists = listings(world)
    assert len(lists) >= 9
    for client, path in lists:
        assert client.get(path).status_code == 200
        for cursor in forged:
            if cursor == "":
                continue  # an empty parameter is none
            refused(client.get(path, cursor=cursor), 400, "cursor-invalid")
        if path != "/events":
            refused(client.get(path, cursor=ours), 400, "cursor-invalid")


def test_pages_lead_through_a_list_without_gap_or_repetition(world: World) -> None:
    for client, path in listings(world):
        whole = client.pages(path, limit=200)
        assert client.pages(path, limit=1) == whole, path
