"""Static files travel compressed to whoever takes gzip, and byte for byte to everybody else."""

import gzip
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from backend.platform.app import create_app

SCRIPT = b"console.log('tally');\n" * 400


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>small</title>")
    (folder / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (folder / "assets" / "font-abc.woff2").write_bytes(SCRIPT)
    return folder


@pytest.fixture
def client(dist: Path) -> TestClient:
    return TestClient(create_app([], {}, CollectorRegistry(), dist / "none", dist))


def raw(client: TestClient, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers, and the bytes as they travelled."""
    with client.stream("GET", path, headers=headers) as answer:
        return answer.status_code, dict(answer.headers), b"".join(answer.iter_raw())


def test_a_script_is_compressed(client: TestClient) -> None:
    status, headers, body = raw(
        client, "/assets/index-abc.js", **{"Accept-Encoding": "br, gzip;q=0.8"}
    )
    assert status == 200
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert int(headers["content-length"]) == len(body) < len(SCRIPT)
    assert "javascript" in headers["content-type"]
    assert "immutable" in headers["cache-control"]
    assert gzip.decompress(body) == SCRIPT


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "gzip;q=0.00", ""])
def test_who_takes_no_gzip_gets_the_file(client: TestClient, accepted: str) -> None:
    _, headers, body = raw(client, "/assets/index-abc.js", **{"Accept-Encoding": accepted})
    assert "content-encoding" not in headers
    assert headers["vary"] == "Accept-Encoding"
    assert body == SCRIPT


@pytest.mark.parametrize("path", ["/index.html", "/assets/font-abc.woff2"])
def test_what_is_small_or_compressed_already_is_left_alone(client: TestClient, path: str) -> None:
    _, headers, _ = raw(client, path, **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in headers


def test_a_range_is_of_the_file_itself(client: TestClient) -> None:
    status, headers, body = raw(
        client, "/assets/index-abc.js", **{"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    )
    assert status == 206
    assert "content-encoding" not in headers
    assert body == SCRIPT[:10]


def test_the_weak_tag_revalidates(client: TestClient) -> None:
    path = "/assets/index-abc.js"
    _, headers, _ = raw(client, path, **{"Accept-Encoding": "gzip"})
    assert headers["etag"].startswith("W/")
    again, _, body = raw(
        client, path, **{"Accept-Encoding": "gzip", "If-None-Match": headers["etag"]}
    )
    assert (again, body) == (304, b"")


def test_a_new_version_is_compressed_anew(client: TestClient, dist: Path) -> None:
    path = "/assets/index-abc.js"
    raw(client, path, **{"Accept-Encoding": "gzip"})
    (dist / "assets" / "index-abc.js").write_bytes(SCRIPT * 2)
    _, _, body = raw(client, path, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(body) == SCRIPT * 2
