"""Headers that every answer carries: what a page may load, how long it may be kept. Pure ASGI."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STRICT = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}
# Swagger UI writes style elements and markup of its own; it runs no inline script.
_DOCUMENTATION = {**_STRICT, "style-src": "'self' 'unsafe-inline'"}


def _policy(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in directives.items())


DASHBOARD_POLICY = _policy({**_STRICT, "require-trusted-types-for": "'script'"})
DOCUMENTATION_POLICY = _policy(_DOCUMENTATION)
_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A wallet may open a window of its own, which has to find its way back.
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"
_CACHEABLE = (200, 206, 304)


class SecurityHeaders:
    """Adds the headers that an answer does not carry already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _headers(scope["path"], message["status"], headers).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _headers(path: str, status: int, sent: Headers) -> dict[str, str]:
    documentation = path == "/docs" or path.startswith("/docs/")
    policy = DOCUMENTATION_POLICY if documentation else DASHBOARD_POLICY
    found = {**_EVERYWHERE, "Content-Security-Policy": policy}
    cache = _cache(path, status, sent.get("content-type", ""))
    return {**found, "Cache-Control": cache} if cache else found


def _cache(path: str, status: int, kind: str) -> str | None:
    """A page is asked for anew each time; what has its hash in its name is kept for ever."""
    if path.startswith("/api/"):
        return "no-store"
    if kind.startswith("text/html"):
        return "no-cache"
    if path.startswith("/assets/"):
        return _KEPT_FOR_EVER if status in _CACHEABLE else "no-store"
    return None
