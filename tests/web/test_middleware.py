"""Bodies that Python's parser would take and a contract should not."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.kernel.errors import AmountInvalid, ErrorCode
from backend.web import problems
from backend.web.middleware import RequestContext
from backend.web.models import EdgeModel, PositiveDecimalText


class Body(EdgeModel):
    amount: PositiveDecimalText


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(RequestContext, max_body_bytes=2_000)
    problems.install(app)

    @app.post("/echo")
    def echo(body: Body) -> Body:
        return body

    @app.post("/fail")
    def fail() -> None:
        raise AmountInvalid("No.", value="1e5")

    return TestClient(app)


def post(client: TestClient, text: str) -> tuple[int, dict[str, object]]:
    answer = client.post("/echo", content=text, headers={"content-type": "application/json"})
    return answer.status_code, answer.json()


def test_a_good_body_passes(client: TestClient) -> None:
    assert post(client, '{"amount":"10.5"}') == (200, {"amount": "10.5"})


@pytest.mark.parametrize(
    "text",
    ['{"amount":"1","amount":"2"}', '{"amount":NaN}', '{"amount":', "[" * 60 + "]" * 60,
     "[" * 1_900,
     '{"amount":"1"} {"amount":"2"}', '\ufeff{"amount":"1"}'],
)  # fmt: skip
def test_what_is_not_one_json_document_is_malformed(client: TestClient, text: str) -> None:
    status, body = post(client, text)
    assert (status, body["code"]) == (400, "request-malformed")


@pytest.mark.parametrize(
    "amount", ['"1e5"', '"NaN"', '"-1"', '"01"', "1", "1.5", "null", '""', '"1\\n"']
)
def test_wrong_amounts_name_the_place(client: TestClient, amount: str) -> None:
    status, body = post(client, f'{{"amount":{amount}}}')
    assert (status, body["code"]) == (422, "value-invalid")
    assert body["errors"][0]["pointer"] == "/body/amount"  # type: ignore[index]


def test_unknown_fields_are_refused(client: TestClient) -> None:
    status, body = post(client, '{"amount":"1","memo":"x"}')
    assert (status, body["code"]) == (422, "value-invalid")


def test_large_bodies_are_refused(client: TestClient) -> None:
    status, body = post(client, '{"amount":"' + "1" * 3_000 + '"}')
    assert (status, body["code"]) == (413, "request-too-large")


def test_every_answer_carries_a_request_id_and_problems_their_type(client: TestClient) -> None:
    answer = client.post("/fail")
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == "/docs/errors#amount-invalid"
    assert body["instance"] == "urn:uuid:" + answer.headers["x-request-id"]
    assert body["context"] == {"value": "1e5"}


def test_unknown_paths_and_methods_are_problems_too(client: TestClient) -> None:
    assert client.get("/nowhere").json()["code"] == "not-found"
    assert client.get("/echo").json()["code"] == "method-not-allowed"


def test_every_code_has_a_status() -> None:
    assert set(problems.STATUS) == set(ErrorCode)
