"""``tally verify-log``: options, output, exit codes, and the auditor's cosignature."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from anchoring.cli import app
from anchoring.cosignature import verifiers_for
from anchoring.keys import EventKey, write_private_key
from anchoring.note import ALG_ED25519_COSIGNATURE, make_vkey, open_note
from anchoring.trust import Trust
from tests.anchoring.log_support import LogBuilder, make_ring
from tests.anchoring.support import EVENT_SIGNER, ROOT, signer
from tests.anchoring.web_support import serve_folder

run = CliRunner().invoke
AUDITOR = signer("auditor")
SECOND = signer("event-2")
NAME = "audit.example/2026"


@pytest.fixture
def log(tmp_path):
    builder = LogBuilder().fill(400)
    builder.commit()
    builder.fill(600).publish(tmp_path / "log", kept=(256,))
    return tmp_path / "log"


@pytest.fixture
def key(tmp_path):
    write_private_key(tmp_path / "audit.key", AUDITOR)
    return tmp_path / "audit.key"


def verify_log(log, *options):
    result = run(app, ["verify-log", str(log), *map(str, options)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_what_was_checked_is_told(log):
    result = verify_log(log)
    assert result.exit_code == 0
    assert "600 entries in 9 streams" in result.stdout
    assert "1 commitments to the index of streams recomputed; the last covers 400" in result.stdout
    assert "the log holds" in result.stdout
    document = json.loads(verify_log(log, "--json").stdout)
    assert document["indexed"] == 400
    assert (document["entries"], document["indexes"], document["exit_code"]) == (600, 1, 0)
    assert document["problem"] is None


def test_the_state_file_is_used_and_named(log, tmp_path):
    state = tmp_path / "state"
    assert json.loads(verify_log(log, "--state", state, "--json").stdout)["resumed"] == 0
    result = verify_log(log, "--state", state)
    assert "the first 512 entries were checked by an earlier run" in result.stdout
    with sqlite3.connect(state) as database:
        database.execute("DELETE FROM pending")
    database.close()
    result = verify_log(log, "--state", state)
    assert result.exit_code == 2
    assert "delete it to start anew" in result.stderr


def test_an_auditor_cosigns_what_holds(log, key, tmp_path):
    out = tmp_path / "checkpoint.cosigned"
    result = verify_log(log, "--cosign", key, "--cosigner", NAME, "--out", out)
    assert result.exit_code == 0
    vkey = make_vkey(NAME, ALG_ED25519_COSIGNATURE, AUDITOR.public_key)
    opened = open_note(out.read_bytes(), verifiers_for([vkey]))
    assert opened.signed_by(vkey)
    published = (log / "checkpoint").read_bytes()
    assert out.read_bytes().startswith(published)
    # A policy that asks for the auditor is met by it, and not by the checkpoint without it.
    policy = tmp_path / "policy.txt"
    lines = (log / "policy.txt").read_text().splitlines()
    policy.write_text(f"{lines[1]}\nwitness auditor {vkey}\nquorum auditor\n")
    assert verify_log(log, "--policy", policy).exit_code == 3
    (log / "checkpoint").write_bytes(out.read_bytes())
    assert verify_log(log, "--policy", policy).exit_code == 0


def test_cosigning_again_replaces_the_line(log, key):
    for _ in range(2):
        out = log / "checkpoint"
        assert verify_log(log, "--cosign", key, "--cosigner", NAME, "--out", out).exit_code == 0
    assert (log / "checkpoint").read_text().count(f"— {NAME} ") == 1


def test_without_out_the_checkpoint_is_printed(log, key):
    result = verify_log(log, "--cosign", key, "--cosigner", NAME)
    assert f"— {NAME} " in result.stdout
    document = json.loads(verify_log(log, "--cosign", key, "--cosigner", NAME, "--json").stdout)
    assert document["cosigned"].count("\n— ") == 3


def test_a_log_that_does_not_hold_is_not_cosigned(log, key, tmp_path):
    out = tmp_path / "never"
    bundle = log / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"side":"buy"', b'"side":"SEL"', 1))
    result = verify_log(log, "--cosign", key, "--cosigner", NAME, "--out", out)
    assert result.exit_code == 1
    assert not out.exists()


def test_a_log_with_a_wrong_index_is_not_cosigned(tmp_path, key):
    log = LogBuilder().fill(40)
    log.commit(root="11" * 32)
    log.publish(tmp_path / "log")
    out = tmp_path / "never"
    result = verify_log(tmp_path / "log", "--cosign", key, "--cosigner", NAME, "--out", out)
    assert result.exit_code == 1
    assert "index: entry 40" in result.stdout
    assert not out.exists()


def test_a_log_without_an_index_is_not_cosigned(tmp_path, key):
    LogBuilder().fill(40).publish(tmp_path / "log")
    out = tmp_path / "never"
    result = verify_log(tmp_path / "log", "--cosign", key, "--cosigner", NAME, "--out", out)
    assert result.exit_code == 2
    assert "no commitment to its index" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cosign", "audit.key"), "belong together"),
        (("--cosigner", NAME), "belong together"),
        (("--cosign", "nowhere", "--cosigner", NAME), "cannot read the key file"),
        (("--cosign", "audit.key", "--cosigner", "two words"), "holds a space"),
        (("--state", "nowhere/state"), "cannot be used"),
        (("--policy", "nowhere"), "policy"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(log, key, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    result = verify_log(log, *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_encrypted_key_needs_its_passphrase(log, tmp_path, monkeypatch):
    path = tmp_path / "locked.key"
    write_private_key(path, AUDITOR, b"correct horse")
    options = ("--cosign", path, "--cosigner", NAME)
    assert verify_log(log, *options).exit_code == 2
    monkeypatch.setenv("TALLY_KEY_PASSPHRASE", "correct horse")
    assert verify_log(log, *options).exit_code == 0


def test_the_bar_is_shown_on_a_terminal_only(log):
    """Through a pseudo-terminal on standard error; standard output stays clean."""
    command = [sys.executable, "-m", "backend", "verify-log", str(log), "--json"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "PYTHONPATH": str(ROOT)}
    master, slave = os.openpty()
    options = {"env": environment, "cwd": ROOT, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, stderr=slave, **options) as process:
        os.close(slave)
        shown = "".join(_lines(master))
        told = process.stdout.read()
    os.close(master)
    assert (process.returncode, json.loads(told or shown)["exit_code"]) == (0, 0)
    assert "checking" in shown
    assert "600 of 600" in shown
    piped = subprocess.run(command, stderr=subprocess.PIPE, check=True, timeout=60, **options)
    assert piped.stderr == b""


def rotate(log):
    """Append an entry by a key that the log announced; returns the keys file that lists it."""
    builder = LogBuilder().fill(400)
    builder.commit()
    builder.fill(600)
    position = builder.announce(SECOND)
    builder.add(signer=SECOND)
    shutil.rmtree(log)
    builder.publish(log)
    return make_ring(EventKey(EVENT_SIGNER.public_key, 0), EventKey(SECOND.public_key, position))


def test_a_key_that_is_listed_a_moment_later_is_not_unknown(log, tmp_path, monkeypatch):
    """A live log publishes its keys file after the checkpoint; what was checked is kept."""
    ring = rotate(log)
    monkeypatch.setattr("time.sleep", lambda _: (log / "keys").write_bytes(ring))
    document = json.loads(verify_log(log, "--json").stdout)
    assert (document["problem"], document["entries"], document["resumed"]) == (None, 602, 0)
    assert document["streams"] == 9


def test_a_key_that_stays_unknown_is_the_problem(log, monkeypatch):
    rotate(log)
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    result = verify_log(log)
    assert result.exit_code == 1
    assert "unknown key: entry 601" in result.stdout
    assert len(pauses) == 1


def test_keys_that_the_user_brings_are_not_replaced(log, tmp_path, monkeypatch):
    ring = rotate(log)
    (tmp_path / "mine").write_bytes((log / "keys").read_bytes())
    monkeypatch.setattr("time.sleep", lambda _: (log / "keys").write_bytes(ring))
    assert verify_log(log, "--keys", tmp_path / "mine").exit_code == 1


def test_names_cannot_steer_the_terminal(tmp_path):
    """A stream called by an escape sequence could clear the screen and draw a verdict."""
    log = LogBuilder().fill(40)
    log.add(stream="order\x1b[2J\x1b[Hthe log holds\u202e", stream_version=2, previous="00" * 32)
    log.publish(tmp_path / "log")
    result = verify_log(tmp_path / "log")
    assert result.exit_code == 1
    assert r"order\x1b[2J\x1b[Hthe log holds\u202e" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "\u202e" not in result.stdout


def test_a_nodes_address_is_not_told(log, tmp_path):
    """Whoever has the address of a hosted node has its access key."""
    trust = tmp_path / "trust"
    trust.write_bytes(Trust(1, bytes(20)).encode())
    with serve_folder(tmp_path / "empty") as url:
        address = url.replace("//", "//user:word@") + "/v3/secret-key"
        result = verify_log(log, "--trust", trust, "--rpc", address)
    assert result.exit_code == 2
    assert "HTTP 501" in result.stderr
    assert "secret-key" not in result.output
    assert "word" not in result.output


def _lines(terminal):
    """What is shown, until the other side closes (a pseudo-terminal then fails with EIO)."""
    while True:
        try:
            yield os.read(terminal, 4_096).decode()
        except OSError:
            return
