"""The HTTP application: routers, problem details, health, documentation."""

import html
from collections.abc import Callable, Sequence
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.types import ASGIApp

from backend.kernel.errors import DomainError, ErrorCode
from backend.platform.edge.dashboard import Dashboard
from backend.platform.edge.headers import SecurityHeaders
from backend.platform.version import VERSION
from backend.web import openapi, problems
from backend.web.middleware import RequestContext
from backend.web.models import Problem

_DESCRIPTION = (
    "Hold, trade and settle securities; every event can be checked by anyone holding a proof."
)
# Swagger UI, from this server and without an inline script.
_DOCS_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tallystick API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></html>
"""
_DOCS_START = """SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
Check = Callable[[], str | None]


class Guarded(FastAPI):
    """An application whose every answer carries the security headers.

    Also those to what nobody foresaw: Starlette answers them outside all added middleware.
    """

    def build_middleware_stack(self) -> ASGIApp:
        return SecurityHeaders(super().build_middleware_stack())


def create_app(
    routers: Sequence[APIRouter],
    readiness: dict[str, Check],
    metrics: CollectorRegistry,
    swagger_ui: Path,
    dashboard: Path | None = None,
) -> FastAPI:
    """Assemble the application. ``readiness`` checks give None when well, else what is wrong.

    ``swagger_ui`` and ``dashboard`` are the folders of the two pages' files.
    """
    app = Guarded(
        title="Tallystick",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
    )
    app.add_middleware(RequestContext)
    problems.install(app)
    openapi.install(app)
    for each in routers:
        app.include_router(each)
    app.include_router(_health(readiness, metrics))
    app.include_router(_documentation())
    if swagger_ui.is_dir():
        app.mount("/docs/assets", StaticFiles(directory=swagger_ui))
    if dashboard is not None:
        app.router.default = Dashboard(dashboard, app.router.default)
    return app


def _health(readiness: dict[str, Check], metrics: CollectorRegistry) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/livez")
    async def livez() -> dict[str, str]:
        """The process answers; looks at nothing else, and waits for no thread."""
        return {"status": "ok"}

    @routes.get("/readyz", response_model=None)
    def readyz() -> JSONResponse:
        """Whether database, schema, log and chain are in order; 503 names what is not."""
        checks = {name: check() for name, check in readiness.items()}
        failed = any(found is not None for found in checks.values())
        body = {
            "status": "unavailable" if failed else "ok",
            "checks": {name: found or "ok" for name, found in checks.items()},
        }
        return JSONResponse(body, 503 if failed else 200)

    @routes.get("/metrics", include_in_schema=False)
    def metrics_text() -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return routes


def _documentation() -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    def docs() -> HTMLResponse:
        return HTMLResponse(_DOCS_PAGE)

    @routes.get("/docs/start.js")
    def start() -> Response:
        return Response(_DOCS_START, media_type="text/javascript")

    @routes.get("/docs/errors")
    def errors() -> HTMLResponse:
        """Every error code: what the ``type`` of a problem points to."""
        rows = "".join(
            f'<tr id="{code.value}"><td><code>{code.value}</code></td>'
            f"<td>{problems.STATUS[code].value}</td><td>{html.escape(meaning(code))}</td></tr>"
            for code in ErrorCode
        )
        return HTMLResponse(
            "<!doctype html><html lang=en><meta charset=utf-8><title>Tallystick error codes</title>"
            "<style>body{font:16px system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
            "td{padding:.3rem .8rem;vertical-align:top}tr:target{background:#ffd}</style>"
            f"<h1>Error codes</h1><table><tr><th>Code<th>Status<th>Meaning</tr>{rows}</table>"
        )

    return routes


def meaning(code: ErrorCode) -> str:
    """What a code means: the first sentence of the error class that carries it."""
    for kind in _subclasses(DomainError):
        if kind.__dict__.get("code") is code and kind.__doc__:
            return " ".join(kind.__doc__.split())
    return code.value.replace("-", " ").capitalize() + "."


def _subclasses(kind: type) -> list[type]:
    direct: list[type] = kind.__subclasses__()
    return [*direct, *(below for each in direct for below in _subclasses(each))]
