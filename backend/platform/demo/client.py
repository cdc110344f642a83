"""The demonstration's user: everything goes over the REST API, as anyone else's program would."""

import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from backend.kernel.errors import DomainError, ErrorCode

T = TypeVar("T")
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a refusal that may pass by itself is tried again."""


class ApiRefused(DomainError):
    """The API answered with a problem."""

    code = ErrorCode.CONFLICT

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


class TimedOut(DomainError):
    """What was waited for did not happen in time."""

    code = ErrorCode.CONFLICT


class Api:
    """One caller with a token."""

    def __init__(self, base_url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=30.0)

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Any, key: str | None = None) -> Any:
        """POST with an Idempotency-Key, a new one unless given."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._ask("POST", path, json=body, headers=headers)

    def put(self, path: str, body: Any) -> Any:
        return self._ask("PUT", path, json=body)

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list."""
        items: list[Any] = []
        while True:
            page = self.get(path, **query)
            items.extend(page["items"])
            if not page["has_more"]:
                return items
            query["cursor"] = page["next_cursor"]

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        """Ask again, with the same key, while the API says that it may pass by itself."""
        pauses = iter(PAUSES)
        while True:
            response = self._client.request(method, f"/api/v1{path}", **request)
            if response.status_code < 400:
                return response.json() if response.content else None
            problem = response.json()
            passes = response.status_code == 503 and problem.get("retryable")
            pause = next(pauses, None) if passes else None
            if pause is None:
                raise ApiRefused(response.status_code, problem)
            time.sleep(pause)


def wait_for(
    what: str, look: Callable[[], T | None], seconds: float = 60.0, meanwhile: Any = None
) -> T:
    """What ``look`` gives once it is not None; ``meanwhile`` runs between two looks."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        if meanwhile is not None:
            meanwhile()
        time.sleep(0.1)
    raise TimedOut(f"Waited {seconds:.0f} seconds for {what}.")
