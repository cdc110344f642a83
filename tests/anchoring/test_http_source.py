"""A log read over HTTP: from a real server, with and without the right to its entries."""

import pytest

from anchoring.errors import MalformedInput, NotAuthorised, StorageError
from anchoring.http_source import HttpSource
from anchoring.log_check import check_log
from anchoring.policy import parse_policy
from tests.anchoring.log_support import LogBuilder
from tests.anchoring.support import make_keys, make_policy
from tests.anchoring.web_support import serve_folder

POLICY = parse_policy(make_policy())


@pytest.fixture
def folder(tmp_path):
    LogBuilder().fill(300).publish(tmp_path / "log")
    return tmp_path / "log"


def test_a_log_is_checked_over_http(folder):
    with serve_folder(folder) as url:
        report = check_log(HttpSource(f"{url}/"), POLICY, make_keys())
    assert (report.problem, report.entries) == (None, 300)


def test_what_is_not_there_and_what_is_refused(folder):
    with serve_folder(folder, refuse="/tile/entries") as url:
        source = HttpSource(url)
        assert source.read("tile/0/007") is None
        with pytest.raises(NotAuthorised, match="401"):
            source.read("tile/entries/000")
        problem = check_log(source, POLICY, make_keys()).problem
    assert (problem.check, problem.where) == ("storage", "tile/entries/000")


def test_an_answer_without_end(folder, monkeypatch):
    monkeypatch.setattr("anchoring.http_source.MAX_RESPONSE_BYTES", 8_191)
    with serve_folder(folder) as url, pytest.raises(MalformedInput, match="longer than"):
        HttpSource(url).read("tile/0/000")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[bad", "nonsense://x"])
def test_no_server(url):
    with pytest.raises(StorageError):
        HttpSource(url).read("checkpoint")
