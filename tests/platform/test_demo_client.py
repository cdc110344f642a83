"""The demonstration's client asks again when the API says that a refusal may pass by itself."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from backend.platform.demo import client, script
from backend.platform.demo.client import Api, ApiRefused


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSES", (0.0, 0.0))


def api_of(answers: Iterator[httpx.Response], seen: list[httpx.Request]) -> Api:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return next(answers)

    api = Api("http://platform")
    api._client = httpx.Client(base_url="http://platform", transport=httpx.MockTransport(answer))
    return api


def refusal(status: int, *, retryable: bool) -> httpx.Response:
    return httpx.Response(
        status, json={"code": "database-unavailable", "detail": "slow", "retryable": retryable}
    )


def test_what_may_pass_is_asked_again_with_the_same_key() -> None:
    seen: list[httpx.Request] = []
    answers = iter([refusal(503, retryable=True), httpx.Response(201, json={"id": "1"})])
    assert api_of(answers, seen).post("/orders", {"quantity": "1"}) == {"id": "1"}
    assert len({each.headers["Idempotency-Key"] for each in seen}) == 1
    assert len(seen) == 2


@pytest.mark.parametrize("final", [refusal(503, retryable=False), refusal(422, retryable=True)])
def test_what_does_not_pass_by_itself_is_raised_at_once(final: httpx.Response) -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(ApiRefused):
        api_of(iter([final]), seen).get("/orders")
    assert len(seen) == 1


def test_patience_ends() -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(ApiRefused):
        api_of(iter([refusal(503, retryable=True)] * 3), seen).get("/orders")
    assert len(seen) == 3


def test_a_stop_that_an_earlier_run_left_is_lifted_before_the_drill() -> None:
    seen: list[httpx.Request] = []
    breakers = [
        {"scope": "venue", "state": "open", "reason": "drill"},
        {"scope": "apple", "state": "closed", "reason": None},
        {"scope": "other", "state": "open", "reason": "not ours"},
    ]
    answers = iter([httpx.Response(200, json=breakers), httpx.Response(200, json={})])
    play: Any = SimpleNamespace(
        operator=api_of(answers, seen), telling=SimpleNamespace(say=lambda _: None)
    )
    script._reset_open(play, {"venue", "apple"})
    assert [each.url.path for each in seen] == [
        "/api/v1/circuit-breakers",
        "/api/v1/circuit-breakers/venue/reset",
    ]
