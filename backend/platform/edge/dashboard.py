"""The dashboard's files on the API's own port, for every path that no route has.

What belongs to the API, the log or a probe is never answered with a page: there an unknown path
is a problem document, whatever the caller accepts.
"""

import re
from pathlib import Path

from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.platform.edge.compression import Compression

RESERVED = ("api", "log", "witness", "livez", "readyz", "metrics", "docs")
OFFLINE_VERIFIER = "verify.html"
_METHODS = ("GET", "HEAD")
_OWN_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]+)"')
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tallystick</title>
<h1>The dashboard is not built</h1>
<p>Build it with <code>make run</code>, or with <code>npm ci</code> and <code>npm run build</code>
in the folder <code>frontend</code>, and start again.</p>
<p>The REST API is here: <a href="/docs">/docs</a>.</p></html>
"""


class Dashboard:
    """Serves a built front end; unknown paths get its page, so that deep links work."""

    def __init__(self, folder: Path, otherwise: ASGIApp) -> None:
        self._built = (folder / "index.html").is_file()
        self._files = StaticFiles(directory=folder, check_dir=False)
        self._otherwise = otherwise
        self._compression = Compression()
        self._offline_policy = _offline_policy(folder / OFFLINE_VERIFIER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_reserved(scope["path"]) or scope["method"] not in _METHODS:
            await self._otherwise(scope, receive, send)
            return
        response = await self._find(Request(scope))
        await (self._otherwise if response is None else response)(scope, receive, send)

    async def _find(self, request: Request) -> Response | None:
        wants_page = "text/html" in request.headers.get("accept", "")
        if not self._built:
            is_root = request.url.path == "/"
            return HTMLResponse(_NOT_BUILT, 503) if wants_page or is_root else None
        path = request.url.path.lstrip("/")
        found = await self._file(path or "index.html", request.scope)
        # Below /assets/ a page would be kept under a missing script's name.
        if found is None and wants_page and not path.startswith("assets/"):
            found = await self._file("index.html", request.scope)
        return found

    async def _file(self, path: str, scope: Scope) -> Response | None:
        """The file, with ETag and ranges; None where there is none (a hidden one is none)."""
        if any(part.startswith(".") for part in path.split("/")):
            return None
        try:
            found = await self._files.get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404:
                raise
            return None
        if path == OFFLINE_VERIFIER and self._offline_policy is not None:
            found.headers["Content-Security-Policy"] = self._offline_policy
        return self._compression.apply(Request(scope), found)


def _offline_policy(page: Path) -> str | None:
    """The rules that the offline verifier sets for itself: it names its inline script by hash.

    Served under the dashboard's own rules that script would not run; these allow no connection.
    """
    found = _OWN_POLICY.search(page.read_text("utf-8")) if page.is_file() else None
    return None if found is None else f"{found[1]}; frame-ancestors 'none'"


def is_reserved(path: str) -> bool:
    """Whether a path belongs to something that is not the dashboard."""
    return path.lstrip("/").split("/", 1)[0].lower() in RESERVED
