"""``tally witness`` as a counterparty runs it: a process of its own, over HTTP."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import structlog
import uvicorn
from typer.testing import CliRunner

from anchoring import witness_server
from anchoring.checkpoint import parse_checkpoint
from anchoring.cli_witness import app
from anchoring.cosignature import verifiers_for
from anchoring.errors import WitnessFailed
from anchoring.note import open_note, parse_vkey
from anchoring.witness import MAX_REQUEST_BYTES, Witness, origin_hash
from anchoring.witness_client import HttpTransport, WitnessClient
from anchoring.witness_server import application, witness_routes
from anchoring.witness_store import SqliteHeadStore
from tests.anchoring.support import LOG_SIGNER, ORIGIN, WITNESS
from tests.anchoring.test_witness import FORK, head, prove, request

COMMAND = [sys.executable, "-m", "backend", "witness"]


@contextmanager
def running(folder, mldsa=True):
    """The command, started; gives (base URL, the keys it printed)."""
    keys = ["--key", str(folder / "w.key"), "--name", "witness.example/cli"]
    if mldsa:
        keys += ["--mldsa-key", str(folder / "w.mldsa")]
    environment = {**os.environ, "TALLY_KEY_PASSPHRASE": "secret"}
    if not (folder / "w.key").exists():
        made = subprocess.run(
            [*COMMAND, *keys, "--new-key"], env=environment, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
    log = ["--log", str(LOG_SIGNER.vkey)]
    process = subprocess.Popen(
        [*COMMAND, *keys, *log, "--state", str(folder / "state"), "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        vkeys = [parse_vkey(process.stdout.readline().strip()) for _ in range(1 + mldsa)]
        line = json.loads(process.stderr.readline())
        assert line["event"] == "listening"
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield f"http://{line['host']}:{line['port']}", vkeys
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_counterparty_runs_a_witness_with_the_package_alone(tmp_path):
    with running(tmp_path) as (url, vkeys):
        assert httpx.get(f"{url}/livez").json() == {"status": "ok"}
        name = f"{url}/{origin_hash(ORIGIN)}/checkpoint"
        assert httpx.get(name).status_code == 404
        with HttpTransport(url) as transport:
            lines = WitnessClient(transport, vkeys).cosign(head(5), prove)
        assert [line.key_id for line in lines] == [key.key_id for key in vkeys]
        monitored = httpx.get(name).content
        opened = open_note(monitored, verifiers_for([LOG_SIGNER.vkey, *vkeys]))
        assert len(opened.verified) == 3
    with running(tmp_path) as (url, again):  # restarted: it remembers
        assert again == vkeys
        conflict = httpx.post(f"{url}/add-checkpoint", content=request(0, 9))
        assert (conflict.status_code, conflict.text) == (409, "5\n")
        assert conflict.headers["content-type"] == "text/x.tlog.size"
        assert httpx.post(f"{url}/add-checkpoint", content=request(5, 9)).status_code == 200
        monitored = httpx.get(f"{url}/{origin_hash(ORIGIN)}/checkpoint").content
        assert parse_checkpoint(monitored)[0].size == 9


def test_a_history_that_does_not_fit_is_kept_in_the_log_line(client):
    client.post("/add-checkpoint", content=request(0, 5))
    with structlog.testing.capture_logs() as lines:
        assert client.post("/add-checkpoint", content=request(5, 5, FORK)).status_code == 422
        assert client.post("/add-checkpoint", content=request(4, 5)).status_code == 409
    assert [line.get("checkpoint") for line in lines] == [head(5, FORK).decode(), None]


def test_key_files_are_closed_encrypted_and_never_overwritten(tmp_path):
    run = CliRunner().invoke
    options = ["witness", "--key", str(tmp_path / "k"), "--name", "w.example/1", "--new-key"]
    made = run(app, [*options, "--passphrase", "p"])
    assert made.exit_code == 0
    assert made.stdout.startswith("w.example/1+")
    data = (tmp_path / "k").read_bytes()
    assert b"ENCRYPTED" in data
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    again = run(app, [*options, "--passphrase", "p"])
    assert again.exit_code == 1
    assert (tmp_path / "k").read_bytes() == data
    wrong = run(app, [*options[:-1], "--log", str(LOG_SIGNER.vkey), "--passphrase", "q"])
    assert (wrong.exit_code, "passphrase" in wrong.output) == (1, True)
    (tmp_path / "k").chmod(0o644)
    open_key = run(app, [*options[:-1], "--log", str(LOG_SIGNER.vkey), "--passphrase", "p"])
    assert (open_key.exit_code, "0600" in open_key.output) == (1, True)


def test_bad_options_are_one_line(tmp_path):
    run = CliRunner().invoke
    base = ["witness", "--key", str(tmp_path / "k"), "--name", "w.example/1"]
    assert run(app, [*base, "--new-key"]).exit_code == 0
    for extra in ([], ["--log", "junk"], ["--log", str(WITNESS.vkey)], ["--policy", "nowhere"]):
        result = run(app, [*base, *extra])
        assert result.exit_code == 1
        assert "Traceback" not in result.output
    assert run(app, [*base[:-1], "a b", "--new-key"]).exit_code == 1


@pytest.fixture
def client(tmp_path):
    from starlette.testclient import TestClient

    witness = Witness([LOG_SIGNER.vkey], [WITNESS], SqliteHeadStore(tmp_path / "w.sqlite"))
    with TestClient(application(witness_routes(witness))) as found:
        yield found


def test_a_body_that_is_too_long_is_refused_and_other_paths_do_not_exist(client):
    assert client.post("/add-checkpoint", content=b"x" * (MAX_REQUEST_BYTES + 1)).status_code == 413
    assert client.post("/add-checkpoint", content=b"x" * MAX_REQUEST_BYTES).status_code == 400
    assert client.get("/add-checkpoint").status_code == 405
    assert client.post("/sign-subtree", content=b"").status_code in (404, 405)
    for name in ("a" * 63, "A" * 64, "..", "%2e%2e"):
        assert client.get(f"/{name}/checkpoint").status_code == 404


def test_a_state_that_cannot_be_used_is_503(client, tmp_path):
    (tmp_path / "w.sqlite").write_bytes(b"junk" * 1000)
    assert client.post("/add-checkpoint", content=request(0, 5)).status_code == 503
    assert client.get(f"/{origin_hash(ORIGIN)}/checkpoint").status_code == 503


def test_a_body_that_does_not_come_is_not_waited_for(client, monkeypatch):
    """Else as many connections as a client opens would be held for as long as it likes."""
    monkeypatch.setattr(witness_server, "BODY_SECONDS", 0.2)
    server = uvicorn.Server(uvicorn.Config(client.app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = server.servers[0].sockets[0].getsockname()
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 408")
    server.should_exit = True
    thread.join(20)


def test_a_witness_that_is_away_is_a_typed_failure():
    with (
        HttpTransport("http://127.0.0.1:9", 1.0) as transport,
        pytest.raises(WitnessFailed) as found,
    ):
        WitnessClient(transport, [WITNESS.vkey]).cosign(head(5), prove)
    assert found.value.reason == "unreachable"


def test_an_answer_that_drips_is_given_up():
    """Each byte comes in time; the whole never would."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(1000):
                connection.sendall(b"x")
                time.sleep(0.05)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with HttpTransport(url, 0.2) as transport, pytest.raises(WitnessFailed) as found:
        WitnessClient(transport, [WITNESS.vkey]).cosign(head(5), prove)
    assert found.value.reason == "timeout"
    listener.close()
    thread.join(20)


def test_when_too_many_wait_the_next_is_told_so(client, monkeypatch):
    assert client.post("/add-checkpoint", content=request(0, 5)).status_code == 200
    monkeypatch.setattr(witness_server, "MOST_WAITING", 0)
    assert client.post("/add-checkpoint", content=request(5, 9)).status_code == 503
    assert client.get(f"/{origin_hash(ORIGIN)}/checkpoint").status_code == 503
    assert client.get("/livez").status_code == 200


def test_a_counterparty_needs_nothing_of_the_platform():
    """No database driver, no web framework of the API's, no chain library is loaded."""
    script = (
        "import sys, backend.cli as cli; cli._app_for('witness'); cli._app_for('mirror');"
        "print([m for m in ('psycopg', 'fastapi', 'web3', 'sqlalchemy', 'pandas')"
        " if m in sys.modules], 'starlette' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[] True", done.stderr
