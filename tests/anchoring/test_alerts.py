"""Alerts reach a receiver that can tell they are ours, once, however often it fails."""

import hashlib
import hmac
import json

import pytest

from anchoring.alerts import ATTEMPTS, Alert, DeliveryFailed, Webhook
from anchoring.errors import MalformedInput
from anchoring.findings import Finding, Kind, exit_code
from tests.anchoring.web_support import receive_alerts

SECRET = b"0123456789abcdef0123"
ALERT = Alert(
    "log.example", Finding(Kind.SPLIT_VIEW, "log", "two heads", ("a", "b")), 1_700_000_000
)


def test_an_alert_is_signed_over_time_and_body():
    with receive_alerts() as received:
        Webhook(received.url, SECRET, now=lambda: 1_700_000_123.9).send(ALERT)
    ((headers, body),) = received.posts
    assert headers["Tallystick-Timestamp"] == "1700000123"
    expected = hmac.new(SECRET, b"1700000123." + body, hashlib.sha256).hexdigest()
    assert headers["Tallystick-Signature"] == f"v1={expected}"
    document = json.loads(body)
    assert len(document.pop("id")) == 32
    assert document == {
        "version": 1,
        "state": "firing",
        "log": "log.example",
        "kind": "split-view",
        "subject": "log",
        "message": "two heads",
        "first_seen": 1_700_000_000,
        "evidence": ["a", "b"],
    }


def test_without_a_secret_there_is_no_signature():
    with receive_alerts() as received:
        Webhook(received.url).send(ALERT)
    assert "Tallystick-Signature" not in received.posts[0][0]


def test_a_receiver_that_fails_is_tried_again_with_longer_pauses():
    pauses = []
    with receive_alerts() as received:
        received.answers = [500, 503, 429]
        Webhook(received.url, SECRET, pause=pauses.append).send(ALERT)
    assert pauses == [1, 2, 4]
    bodies = {body for _, body in received.posts}
    assert (len(received.posts), len(bodies)) == (4, 1)


def test_a_receiver_that_keeps_failing_is_given_up():
    with receive_alerts() as received:
        received.answers = [500] * 10
        with pytest.raises(DeliveryFailed, match="HTTP 500"):
            Webhook(received.url, SECRET, pause=lambda _seconds: None).send(ALERT)
        assert len(received.posts) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_repeated(status):
    with receive_alerts() as received:
        received.answers = [status]
        with pytest.raises(DeliveryFailed, match=str(status)):
            Webhook(received.url, SECRET).send(ALERT)
        assert len(received.posts) == 1


def test_nobody_listens():
    with pytest.raises(DeliveryFailed):
        Webhook("http://127.0.0.1:1/", SECRET, pause=lambda _seconds: None).send(ALERT)


@pytest.mark.parametrize(
    ("url", "secret"), [("ftp://example", None), ("example", None), ("https://example", b"short")]
)
def test_a_receiver_that_cannot_be(url, secret):
    with pytest.raises(MalformedInput):
        Webhook(url, secret)


def test_exit_codes_and_their_precedence():
    def code(*kinds):
        return exit_code(Finding(kind, "log", "") for kind in kinds)

    assert code() == 0
    assert {kind: code(kind) for kind in Kind} == {
        Kind.MALFORMED: 2,
        Kind.SPLIT_VIEW: 1,
        Kind.ROLLBACK: 1,
        Kind.BAD_SIGNATURE: 1,
        Kind.UNKNOWN_KEY: 1,
        Kind.INDEX_MISMATCH: 1,
        Kind.CONTENT_MISMATCH: 1,
        Kind.QUORUM_MISSING: 3,
        Kind.ANCHOR_LAG: 4,
        Kind.INDEX_LAG: 4,
        Kind.CHECKPOINT_STALE: 4,
        Kind.UNREACHABLE: 4,
    }
    assert code(Kind.ANCHOR_LAG, Kind.QUORUM_MISSING) == 3
    assert code(Kind.ANCHOR_LAG, Kind.QUORUM_MISSING, Kind.ROLLBACK) == 1
    assert code(*Kind) == 2
