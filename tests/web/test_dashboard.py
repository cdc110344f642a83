"""What the dashboard's server answers, path by path, and the headers every answer carries."""

from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from backend.platform.app import create_app
from backend.platform.edge.headers import DASHBOARD_POLICY

PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
CSP = "content-security-policy"
STRICT = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'"
)


def client_of(folder: Path) -> TestClient:
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/things")
    def things() -> dict[str, str]:
        return {"thing": "one"}

    @routes.get("/broken")
    def broken() -> None:
        raise RuntimeError("nobody foresaw this")

    app = create_app([routes], {}, CollectorRegistry(), folder / "none", folder / "dist")
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder = tmp_path_factory.mktemp("built")
    dist = folder / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / ".vite").mkdir()
    (dist / "index.html").write_text("<!doctype html><title>The dashboard</title>")
    (dist / "assets" / "index-abc123.js").write_text("1")
    (dist / ".vite" / "manifest.json").write_text("{}")
    (folder / "secret.txt").write_text("not for anyone")
    (dist / "link.txt").symlink_to(folder / "secret.txt")
    return client_of(folder)


@pytest.mark.parametrize("path", ["/", "/orders/123", "/sign/x", "/index.html", "/apix", "/logs"])
def test_a_deep_link_is_the_page(built: TestClient, path: str) -> None:
    answer = built.get(path, headers={"Accept": PAGE})
    assert answer.status_code == 200
    assert "The dashboard" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers[CSP] == STRICT == DASHBOARD_POLICY


@pytest.mark.parametrize(
    "path",
    [
        "/api", "/api/v1/nothing", "/API/v1/things", "//api/v1/nothing", "/log", "/log/x",
        "/witness/add-checkpoint", "/livez/x", "/readyz/x", "/metrics/x", "/docs/x",
    ],
)  # fmt: skip
def test_what_is_not_the_dashboards_is_never_a_page(built: TestClient, path: str) -> None:
    answer = built.get(f"http://testserver{path}", headers={"Accept": PAGE})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not-found"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/assets/gone-123.js", "/../secret.txt", "/%2e%2e/secret.txt", "/link.txt",
     "/.vite/manifest.json", "/assets/"],
)  # fmt: skip
def test_a_file_that_is_not_there_is_a_problem(built: TestClient, path: str) -> None:
    answer = built.get(path, headers={"Accept": "*/*"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "not for anyone" not in answer.text


def test_a_hashed_file_is_kept_for_ever_and_a_missing_one_is_not(built: TestClient) -> None:
    found = built.get("/assets/index-abc123.js")
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = built.get("/assets/index-abc123.js", headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304
    assert "immutable" in again.headers["cache-control"]
    # Never answered with the page: a browser would keep it under the script's name for a year.
    tag = built.get("/").headers["etag"]
    for accept in (PAGE, "*/*"):
        for extra in ({}, {"If-None-Match": tag}):
            gone = built.get("/assets/gone-123.js", headers={"Accept": accept, **extra})
            assert gone.status_code == 404
            assert gone.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/things", "/docs", "/api/v1/nothing", "/livez", "/api/v1/broken"]
)
def test_every_answer_is_guarded(built: TestClient, path: str) -> None:
    headers = built.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin-allow-popups"
    assert headers["permissions-policy"] == "camera=(), microphone=(), geolocation=()"
    assert "frame-ancestors 'none'" in headers[CSP]
    assert "script-src 'self';" in headers[CSP]


def test_answers_of_the_api_are_not_kept(built: TestClient) -> None:
    assert built.get("/api/v1/things").headers["cache-control"] == "no-store"
    assert built.get("/api/v1/nothing").headers["cache-control"] == "no-store"


def test_what_nobody_foresaw_is_guarded_too_and_not_kept(built: TestClient) -> None:
    answer = built.get("/api/v1/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "invariant-broken")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get_list(CSP) == [STRICT]
    assert "foresaw" not in answer.text


def test_only_the_documentation_may_write_style_elements(built: TestClient) -> None:
    assert "style-src 'self' 'unsafe-inline'" in built.get("/docs").headers[CSP]
    assert "unsafe-inline" not in built.get("/docsx", headers={"Accept": PAGE}).headers[CSP]
    assert "<script>" not in built.get("/docs").text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_dashboard_is_read_only(built: TestClient, method: str) -> None:
    answer = built.request(method, "/orders", headers={"Accept": PAGE})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert built.request(method, "/api/v1/things").status_code == 405


def test_head_has_no_body(built: TestClient) -> None:
    answer = built.head("/orders", headers={"Accept": PAGE})
    assert (answer.status_code, answer.content) == (200, b"")


def test_without_a_build_it_says_how_to_make_one(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    answer = client.get("/", headers={"Accept": PAGE})
    assert answer.status_code == 503
    assert "make run" in answer.text
    assert answer.headers[CSP] == STRICT
    assert client.get("/api/v1/things").json() == {"thing": "one"}
    assert client.get("/api/v1/nothing", headers={"Accept": PAGE}).status_code == 404
