"""Static files as gzip, made once a version: a slow line is what the first visit waits for."""

import gzip
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

COMPRESSIBLE = frozenset({".css", ".html", ".js", ".json", ".svg", ".txt"})
MIN_BYTES = 1_000


class Compression:
    """Keeps the compressed bytes of each file it was asked for, by the file's ETag."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, bytes]] = {}

    def apply(self, request: Request, found: Response) -> Response:
        """``found`` compressed, where it is a whole file and the caller takes gzip (RFC 9110)."""
        if not isinstance(found, FileResponse) or Path(found.path).suffix not in COMPRESSIBLE:
            return found
        found.headers.add_vary_header("Accept-Encoding")
        size = int(found.headers.get("content-length", "0"))
        if size < MIN_BYTES or "range" in request.headers or not _takes_gzip(request):
            return found
        # The same entity in another coding: a weak tag says so, and revalidates with either.
        headers = {**found.headers, "content-encoding": "gzip"}
        headers["etag"] = f"W/{found.headers['etag']}"
        for name in ("content-length", "accept-ranges"):
            headers.pop(name, None)
        content = self._bytes(Path(found.path), found.headers["etag"])
        return Response(content, found.status_code, headers)

    def _bytes(self, path: Path, etag: str) -> bytes:
        known = self._kept.get(str(path))
        if known is None or known[0] != etag:
            known = self._kept[str(path)] = (etag, gzip.compress(path.read_bytes(), 9, mtime=0))
        return known[1]


def _takes_gzip(request: Request) -> bool:
    """Whether ``Accept-Encoding`` names gzip, and not with a weight of zero."""
    for item in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = item.replace(" ", "").partition(";q=")
        if name in ("gzip", "*"):
            return weight.rstrip("0.") != "" if weight else True
    return False
