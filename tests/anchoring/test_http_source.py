"""A log read over HTTP: from a real server, with and without the right to its entries."""

import contextlib
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from anchoring.alerts import Alert, Webhook
from anchoring.errors import MalformedInput, NotAuthorised, StorageError
from anchoring.findings import Finding, Kind
from anchoring.http_source import HttpSource
from anchoring.log_check import check_log
from anchoring.policy import parse_policy
from tests.anchoring.log_support import LogBuilder
from tests.anchoring.support import ORIGIN, make_keys, make_policy
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


@contextmanager
def endless(head, piece):
    """A server that answers one request and never ends: gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(head)
            while True:
                connection.sendall(piece)
                time.sleep(0.02)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(20)


def test_an_answer_that_drips_is_given_up():
    """Each byte comes in time; a monitor would wait for the whole for days."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"
    with endless(head, b"x") as url, pytest.raises(StorageError, match="too slowly"):
        HttpSource(url, timeout=0.1).read("checkpoint")


def test_a_webhooks_receiver_cannot_hold_up_the_monitor():
    alert = Alert(ORIGIN, Finding(Kind.ROLLBACK, "log", "the log is smaller"), 1)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"
    with endless(head, b"x") as url:
        Webhook(url).send(alert)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[bad", "nonsense://x"])
def test_no_server(url):
    with pytest.raises(StorageError):
        HttpSource(url).read("checkpoint")
