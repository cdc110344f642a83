"""The HTTP application: routers, problem details, health, the public log, documentation."""

import html
from collections.abc import Callable, Sequence
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from anchoring.errors import MalformedInput
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import parse_tile_path
from backend.kernel.errors import DomainError, ErrorCode, NotFound
from backend.web import problems
from backend.web.middleware import RequestContext
from backend.web.models import Problem

VERSION = "0.1.0"
_DESCRIPTION = (
    "Hold, trade and settle securities; every event can be checked by anyone holding a proof."
)
Check = Callable[[], str | None]


def create_app(
    routers: Sequence[APIRouter],
    log: DirectoryStore,
    readiness: dict[str, Check],
    metrics: CollectorRegistry,
    swagger_ui: Path,
) -> FastAPI:
    """Assemble the application. ``readiness`` checks give None when well, else what is wrong."""
    app = FastAPI(
        title="Tallystick",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
    )
    app.add_middleware(RequestContext)
    problems.install(app)
    for each in routers:
        app.include_router(each)
    app.include_router(_health(readiness, metrics))
    app.include_router(_public_log(log))
    app.include_router(_documentation())
    if swagger_ui.is_dir():
        app.mount("/docs/assets", StaticFiles(directory=swagger_ui))
    return app


def _health(readiness: dict[str, Check], metrics: CollectorRegistry) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/livez")
    def livez() -> dict[str, str]:
        """The process answers; looks at nothing else."""
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


def _public_log(log: DirectoryStore) -> APIRouter:
    """C2SP tlog-tiles over HTTP: hashes are public, entry bundles are not served here."""
    routes = APIRouter(prefix="/log", tags=["log"])

    @routes.get("/checkpoint", response_class=PlainTextResponse)
    def checkpoint() -> Response:
        """The newest signed tree head."""
        return Response(
            _file(log, "checkpoint"), media_type="text/plain; charset=utf-8",
            headers={"Cache-Control": "max-age=1"},
        )  # fmt: skip

    @routes.get("/keys", response_class=PlainTextResponse)
    def keys() -> Response:
        """The event keys, signed by the log key."""
        return Response(_file(log, "keys"), media_type="text/plain; charset=utf-8")

    @routes.get("/policy", response_class=PlainTextResponse)
    def policy() -> Response:
        """The log's own policy line, for those who take it from here."""
        return Response(_file(log, "policy.txt"), media_type="text/plain; charset=utf-8")

    @routes.get("/tile/{path:path}", response_class=Response)
    def tile(path: str) -> Response:
        """A tile of hashes. Immutable."""
        try:
            found = parse_tile_path(f"tile/{path}")
        except MalformedInput:
            raise NotFound("There is no such tile.") from None
        if found.level is None:
            raise NotFound("Entry bundles are for authorised auditors.")
        return Response(
            _file(log, found.path()), media_type="application/octet-stream",
            headers={"Cache-Control": "max-age=31536000, immutable"},
        )  # fmt: skip

    return routes


def _file(log: DirectoryStore, path: str) -> bytes:
    data = log.read(path)
    if data is None:
        raise NotFound("The log does not have this yet.", path=path)
    return data


def _documentation() -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/api/v1/openapi.json",
            title="Tallystick API",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon-32x32.png",
        )

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

    @routes.get("/", include_in_schema=False)
    def root(request: Request) -> JSONResponse:
        return JSONResponse({"name": "Tallystick", "version": VERSION, "docs": "/docs"})

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
