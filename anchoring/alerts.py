"""Alerts by webhook: one message when a finding appears, one when it has cleared.

The body is one JSON object::

    {
        "version": 1,
        "id": "...",
        "state": "firing" | "cleared",
        "log": "<origin>",
        "kind": "split-view",
        "subject": "log",
        "message": "...",
        "first_seen": 1700000000,
        "evidence": ["<file name>", ...],
    }

``Tallystick-Timestamp`` holds the seconds since 1970 at which it was sent and
``Tallystick-Signature`` is ``v1=`` and the hex HMAC-SHA256, under the shared secret, of timestamp,
a full stop and the body. A receiver compares in constant time, refuses old timestamps, and takes
``id`` for a repeated delivery: it stays the same however often a message is tried.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from anchoring.errors import MalformedInput, StorageError
from anchoring.findings import Finding

ATTEMPTS = 5
FIRST_PAUSE = 1.0
"""Seconds before the second attempt; each later pause is twice as long."""

MIN_SECRET_BYTES = 16


class DeliveryFailed(StorageError):
    """The receiver did not take a message; it is tried again in the next round."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One message. ``first_seen`` is in seconds since 1970."""

    origin: str
    finding: Finding
    first_seen: int
    is_cleared: bool = False

    @property
    def state(self) -> str:
        """Return ``firing`` or ``cleared``."""
        return "cleared" if self.is_cleared else "firing"

    def document(self) -> dict[str, object]:
        """Return the message's content."""
        finding = self.finding
        words = (self.origin, *finding.identity, str(self.first_seen), self.state)
        return {
            "version": 1,
            "id": hashlib.sha256("\n".join(words).encode()).hexdigest()[:32],
            "state": self.state,
            "log": self.origin,
            "kind": finding.kind.value,
            "subject": finding.subject,
            "message": finding.message,
            "first_seen": self.first_seen,
            "evidence": list(finding.evidence),
        }


def sign_body(secret: bytes, timestamp: int, body: bytes) -> str:
    """Return the value of the ``Tallystick-Signature`` header."""
    return "v1=" + hmac.new(secret, b"%d." % timestamp + body, hashlib.sha256).hexdigest()


class Webhook:
    """A receiver. ``secret`` None sends unsigned messages; ``pause`` waits seconds."""

    def __init__(
        self,
        url: str,
        secret: bytes | None = None,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        timeout: float = 10.0,
    ) -> None:
        """Raises MalformedInput for an address that is not HTTP or a short secret."""
        if not url.startswith(("https://", "http://")):
            raise MalformedInput("a webhook's address starts with https:// or http://")
        if secret is not None and len(secret) < MIN_SECRET_BYTES:
            raise MalformedInput(f"a webhook's secret has at least {MIN_SECRET_BYTES} bytes")
        self._url = url
        self._secret = secret
        self._now = now
        self._pause = pause
        self._timeout = timeout

    def send(self, alert: Alert) -> None:
        """Deliver ``alert``; raises DeliveryFailed after the last attempt.

        An answer 2xx is a delivery. 4xx other than 408 and 429 will not get better by repeating
        it, so it is not repeated.
        """
        body = json.dumps(alert.document(), sort_keys=True, separators=(",", ":")).encode()
        for attempt in range(ATTEMPTS):
            problem = self._try(body)
            if problem is None:
                return
            sentence, is_final = problem
            if is_final or attempt == ATTEMPTS - 1:
                raise DeliveryFailed(f"the webhook did not take an alert: {sentence}")
            self._pause(FIRST_PAUSE * 2**attempt)

    def _try(self, body: bytes) -> tuple[str, bool] | None:
        timestamp = int(self._now())
        headers = {"Content-Type": "application/json", "Tallystick-Timestamp": str(timestamp)}
        if self._secret is not None:
            headers["Tallystick-Signature"] = sign_body(self._secret, timestamp, body)
        try:
            # The status is all that is asked for: a body without an end would hold up the monitor.
            with httpx.stream(
                "POST", self._url, content=body, headers=headers, timeout=self._timeout,
                follow_redirects=False,
            ) as answer:  # fmt: skip
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error) or type(error).__name__, isinstance(error, httpx.InvalidURL)
        if 200 <= status < 300:
            return None
        is_final = 400 <= status < 500 and status not in (408, 429)
        return f"HTTP {status}", is_final
