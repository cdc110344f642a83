"""The files of a log over HTTP, read only."""

from __future__ import annotations

import time

import httpx

from anchoring.errors import MalformedInput, NotAuthorised, StorageError

MAX_RESPONSE_BYTES = 20_000_000
"""More than the largest entry bundle: 256 entries of 65,535 bytes with their lengths."""

PATIENCE = 4

_REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


class HttpSource:
    """Resources below a prefix; ``token`` authorises reading the entries.

    ``timeout`` is in seconds and bounds each wait; an answer that drips takes PATIENCE times that
    at most. Redirects are not followed, and an answer longer than MAX_RESPONSE_BYTES is refused
    while it arrives.
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)
        self._prefix = url.rstrip("/")
        self._longest = PATIENCE * timeout

    def read(self, path: str) -> bytes | None:
        """Return a resource, None if the server has none.

        Raises NotAuthorised, and StorageError for everything else that is not an answer.
        """
        try:
            with self._client.stream("GET", f"{self._prefix}/{path}") as response:
                return self._body(path, response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StorageError(f"cannot read {path}: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _body(self, path: str, response: httpx.Response) -> bytes | None:
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code in _REFUSED:
            raise NotAuthorised(f"cannot read {path}: HTTP {response.status_code}")
        if response.status_code != httpx.codes.OK:
            raise StorageError(f"cannot read {path}: HTTP {response.status_code}")
        data = bytearray()
        deadline = time.monotonic() + self._longest
        for chunk in response.iter_bytes():
            data += chunk
            if time.monotonic() > deadline:
                raise StorageError(f"cannot read {path}: the answer comes too slowly")
            if len(data) > MAX_RESPONSE_BYTES:
                raise MalformedInput(f"{path} is longer than {MAX_RESPONSE_BYTES:,} bytes")
        return bytes(data)
