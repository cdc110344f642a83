"""The demonstration's user: everything goes over the REST API, as anyone else's program would."""

import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from backend.kernel.errors import DomainError, ErrorCode

T = TypeVar("T")


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
        return self._read(self._client.get(f"/api/v1{path}", params=query))

    def post(self, path: str, body: Any, key: str | None = None) -> Any:
        """POST with an Idempotency-Key, a new one unless given."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._read(self._client.post(f"/api/v1{path}", json=body, headers=headers))

    def put(self, path: str, body: Any) -> Any:
        return self._read(self._client.put(f"/api/v1{path}", json=body))

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list."""
        items: list[Any] = []
        while True:
            page = self.get(path, **query)
            items.extend(page["items"])
            if not page["has_more"]:
                return items
            query["cursor"] = page["next_cursor"]

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        if response.status_code >= 400:
            raise ApiRefused(response.status_code, response.json())
        return response.json() if response.content else None


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
