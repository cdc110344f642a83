"""The command line as a user runs it: the main job, its proofs, and one line for each failure."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from backend.platform.anvil.process import free_port

pytestmark = [pytest.mark.db, pytest.mark.chain]

CHECKOUT = Path(__file__).resolve().parents[2]
DEAD_CHAIN = "http://127.0.0.1:9"
DEAD_DATABASE = "postgresql://someone:hunter2-is-secret@127.0.0.1:9/nowhere"


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def tally(*arguments: str, home: Path, seconds: float = 150, **environment: str) -> Done:
    """Run ``python -m backend``; whatever it left running is ended with it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TALLYSTICK_")}
    for name in ("DATABASE_URL", "CHAIN_RPC_URL"):
        kept.pop(name, None)
    child = subprocess.Popen(
        [sys.executable, "-m", "backend", *arguments],
        cwd=CHECKOUT,
        env={**kept, "TALLYSTICK_HOME": str(home), "COLUMNS": "200", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        raise AssertionError(f"no end after {seconds} s:\n{out}\n{err}") from None
    return Done(child.returncode, out, err)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home that the database's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="tally-cli-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    yield folder
    left = [each for each in _users(folder) if each.is_running()]
    assert left == [], f"still running: {left}"
    shutil.rmtree(folder)


def _users(folder: Path) -> list[psutil.Process]:
    """Processes that name the folder in their command line or environment."""
    found = []
    for each in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in each.info["cmdline"] or []):
            found.append(each)
    return found


@pytest.fixture(scope="module")
def first(home: Path) -> Done:
    """The main job on a new home."""
    done = tally("demo", "--once", "--port", str(free_port()), home=home)
    assert done.code == 0, done.text
    return done


def bundles(home: Path) -> list[Path]:
    return sorted((home / "demo").glob("*.tlog-proof"))


def must_fail_in_one_line(done: Done, *words: str) -> None:
    """Not zero, no traceback, a code and a sentence, nothing secret."""
    assert done.code not in (0, None), done.text
    assert "Traceback" not in done.text
    assert "hunter2" not in done.text
    lines = [each for each in done.err.splitlines() if re.match(r"^[a-z]+(-[a-z]+)+: ", each)]
    assert len(lines) == 1, done.text
    for word in words:
        assert word in done.text, done.text


# ------------------------------------------------------------------------------ the main job


def test_the_main_job_does_all_its_steps(first: Done, home: Path) -> None:
    for words in ("Settle on", "FINAL", "all verified", "refused", "AnchorRegistry"):
        assert words in first.text
    numbers = [int(n) for n in re.findall(r"^ ?(\d+)  ", first.out, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 10
    assert not _users(home), "nothing may be left running"


def test_it_writes_a_bundle_for_every_event_and_the_trust_inputs(first: Done, home: Path) -> None:
    proofs = bundles(home)
    assert len(proofs) > 50
    for proof in proofs:
        for suffix in (".event", ".anchor"):
            assert proof.with_name(proof.name.replace(".tlog-proof", suffix)).exists()
    for name in ("policy.txt", "keys", "trust"):
        assert (home / "demo" / name).exists()
    kinds = " ".join(each.name for each in proofs)
    for kind in (
        "order.accepted",
        "trade.executed",
        "settlement.finalised",
        "account.trade_booked",
    ):
        assert kind in kinds


def test_keys_and_secrets_are_for_their_owner_alone(first: Done, home: Path) -> None:
    found = [*(home / "keys").iterdir(), *(home / "demo" / "wallets").iterdir()]
    assert found
    assert [each for each in found if each.stat().st_mode & 0o077] == []
    assert (home / "demo" / "cast.json").stat().st_mode & 0o077 == 0


def test_verify_accepts_a_bundle_alone_in_a_folder(first: Done, home: Path, tmp_path: Path) -> None:
    proof = next(each for each in bundles(home) if "settlement.finalised" in each.name)
    done = tally("verify", str(proof), "--json", home=tmp_path / "none")
    assert done.code == 0, done.text
    report = json.loads(done.out)
    assert {each["status"] for each in report["verdicts"].values()} == {"ok"}
    assert set(report["verdicts"]) == {
        "entry", "signature", "inclusion", "checkpoint", "witnesses", "anchor",
    }  # fmt: skip
    told = report["verdicts"]["witnesses"]["detail"]
    assert told == "quorum reached by alder-capital, birch-partners"


@pytest.mark.parametrize("suffix", [".event", ".anchor"])
def test_verify_refuses_a_copy_with_one_byte_changed(
    first: Done, home: Path, tmp_path: Path, suffix: str
) -> None:
    proof = next(each for each in bundles(home) if "trade.executed" in each.name)
    stem = proof.name.removesuffix(".tlog-proof")
    for each in (
        "policy.txt",
        "keys",
        "trust",
        *(stem + s for s in (".event", ".tlog-proof", ".anchor")),
    ):
        shutil.copy(home / "demo" / each, tmp_path / each)
    target = tmp_path / (stem + suffix)
    data = bytearray(target.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    target.write_bytes(data)
    done = tally("verify", str(tmp_path / proof.name), home=tmp_path / "none")
    assert done.code in (1, 2), done.text
    assert "Traceback" not in done.text


def test_verify_says_what_is_missing(first: Done, home: Path, tmp_path: Path) -> None:
    proof = bundles(home)[0]
    stem = proof.name.removesuffix(".tlog-proof")
    for each in (proof.name, stem + ".event"):
        shutil.copy(home / "demo" / each, tmp_path / each)
    missing = tally("verify", str(tmp_path / proof.name), home=tmp_path)
    assert (missing.code, "policy" in missing.text) == (2, True)
    for each in ("policy.txt", "keys"):
        shutil.copy(home / "demo" / each, tmp_path / each)
    assert tally("verify", str(tmp_path / proof.name), home=tmp_path).code == 4  # no anchor


def account_stream(home: Path) -> tuple[str, str]:
    """(tenant, stream) of the first trader's account, as the demonstration's own bundle says."""
    lines = (home / "demo" / "account-alder-capital.stream").read_text().split("\n")
    return lines[1].removeprefix("tenant "), lines[2].removeprefix("stream ")


def test_the_demonstration_gives_whole_accounts_and_one_proof_of_the_run(
    first: Done, home: Path, tmp_path: Path
) -> None:
    folder = home / "demo"
    (batch,) = folder.glob("run-*.tlog-batch")
    for proof in (*folder.glob("account-*.stream"), batch):
        done = tally("verify", str(proof), "--json", home=tmp_path)
        assert done.code == 0, done.text
    assert len(list(folder.glob("account-*.stream"))) == 2
    assert "the same without its last event" in first.text


def test_prove_writes_a_whole_stream_and_verify_says_so(
    first: Done, home: Path, tmp_path: Path
) -> None:
    tenant, stream = account_stream(home)
    account = stream.removeprefix("account-")
    for number, arguments in enumerate(([account], [stream], [stream, "--tenant", tenant])):
        folder = tmp_path / str(number)
        made = tally("prove", "--stream", *arguments, "--out", str(folder), "--json", home=home)
        assert made.code == 0, made.text
        told = json.loads(made.out)
        assert (told["stream_id"], told["anchored"]) == (stream, True)
        done = tally("verify", told["proof"], "--json", home=tmp_path)
        assert done.code == 0, done.text
        detail = json.loads(done.out)["verdicts"]["completeness"]["detail"]
        assert f"{told['count']} events of {stream}" in detail


def test_prove_shows_that_a_stream_is_not_there(first: Done, home: Path, tmp_path: Path) -> None:
    tenant, _ = account_stream(home)
    absent = ("prove", "--stream", "account-of-nobody", "--out", str(tmp_path))
    must_fail_in_one_line(tally(*absent, home=home), "not-found")
    must_fail_in_one_line(tally(*absent, "--allow-absent", home=home), "not-found", "--tenant")
    made = tally(*absent, "--allow-absent", "--tenant", tenant, "--json", home=home)
    assert made.code == 0, made.text
    done = tally("verify", json.loads(made.out)["proof"], home=tmp_path)
    assert done.code == 0, done.text
    known = ("prove", "--stream", "participant", "--out", str(tmp_path))
    must_fail_in_one_line(tally(*known, home=home), "not-found")


def test_prove_takes_several_events_or_a_range(first: Done, home: Path, tmp_path: Path) -> None:
    ids = [
        json.loads(each.read_bytes())["event"]["event_id"]
        for each in sorted((home / "demo").glob("*.event"))[3:40:9]
    ]
    for arguments in (ids, ["--range", "3", "40"]):
        made = tally("prove", *arguments, "--out", str(tmp_path), "--json", home=home)
        assert made.code == 0, made.text
        done = tally("verify", json.loads(made.out)["proof"], "--json", home=tmp_path)
        assert done.code == 0, done.text
    for wrong in ([], [ids[0], "--range", "3", "40"], ["--range", "40", "3"]):
        must_fail_in_one_line(tally("prove", *wrong, home=home), "value-invalid")
    must_fail_in_one_line(tally("prove", "--range", "3", "4000", home=home), "proof-not-ready")


def test_the_whole_log_verifies_from_its_folder(first: Done, home: Path, tmp_path: Path) -> None:
    """The newest head is past the cosigned one: its quorum is asked for and is not there."""
    asking = tally("verify-log", str(home / "log"), "--json", home=home)
    assert asking.code == 3, asking.text
    assert json.loads(asking.out)["entries"] >= len(bundles(home)), "all the same, all is checked"
    policy = tmp_path / "policy.txt"
    policy.write_text(
        re.sub("^quorum .*", "quorum none", (home / "log/policy.txt").read_text(), flags=re.M)
    )
    done = tally("verify-log", str(home / "log"), "--json", "--policy", str(policy), home=home)
    assert done.code == 0, done.text
    assert json.loads(done.out)["entries"] >= len(bundles(home))


def test_replay_check_is_equal(first: Done, home: Path) -> None:
    done = tally("replay", "--check", "--json", home=home)
    assert done.code == 0, done.text
    report = json.loads(done.out)
    assert report["differences"] == []
    assert report["events"] > 50
    assert not _users(home)


def test_doctor_finds_everything_in_order(first: Done, home: Path) -> None:
    done = tally("doctor", "--json", home=home)
    assert done.code == 0, done.text
    assert json.loads(done.out)["database"] == "ok"


def test_a_second_run_finds_its_data_again(first: Done, home: Path) -> None:
    before = {each.name for each in bundles(home)}
    witnesses = {path: path.read_bytes() for path in (home / "demo").glob("*/witness.key")}
    assert len(witnesses) == 2
    kept = {name: (home / "demo" / name).read_bytes() for name in sorted(before)[:5]}
    done = tally("demo", "--once", "--port", str(free_port()), home=home)
    assert done.code == 0, done.text
    assert re.search(r"found [\d,]+ events of earlier runs", done.text), done.text
    assert "already in" in done.text
    after = {each.name for each in bundles(home)}
    assert before < after
    for name, data in kept.items():
        assert (home / "demo" / name).read_bytes() == data
    assert {path: path.read_bytes() for path in witnesses} == witnesses
    addresses = [
        re.findall(r"AnchorRegistry (0x[0-9a-fA-F]{40})", each.text) for each in (first, done)
    ]
    assert addresses[0] == addresses[1] != []
    old = tally("verify", str(home / "demo" / sorted(before)[0]), home=home)
    assert old.code == 0, old.text
    assert "quorum reached by alder-capital, birch-partners" in old.text
    assert not (home / "demo" / "before-witnesses").exists()
    assert tally("replay", "--check", home=home).code == 0


# ------------------------------------------------------------------------------ what goes wrong


@pytest.fixture
def empty_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tally-bad-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    yield folder
    assert not _users(folder)
    shutil.rmtree(folder)


def test_a_port_that_is_taken(empty_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = tally("demo", "--once", "--port", str(port), home=empty_home)
    must_fail_in_one_line(done, str(port), "taken")
    assert not (empty_home / "pg").exists(), "refused before anything was started"


@pytest.mark.parametrize(
    ("command", "url", "code"),
    [
        ("demo", DEAD_DATABASE, "database-unavailable"),
        ("demo", "mysql://someone:hunter2-is-secret@127.0.0.1/x", "configuration-invalid"),
        ("replay", "nonsense hunter2-is-secret", "configuration-invalid"),
        ("worker", DEAD_DATABASE, "database-unavailable"),
    ],
)
def test_a_bad_database_url(empty_home: Path, command: str, url: str, code: str) -> None:
    options = ("--once", "--port", str(free_port())) if command == "demo" else ()
    done = tally(command, *options, home=empty_home, DATABASE_URL=url, seconds=60)
    must_fail_in_one_line(done, code)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (DEAD_CHAIN, "node-unavailable"),
        ("nonsense", "configuration-invalid"),
    ],
)
def test_a_bad_chain_url(empty_home: Path, url: str, code: str) -> None:
    arguments = ("demo", "--once", "--port", str(free_port()))
    done = tally(*arguments, home=empty_home, CHAIN_RPC_URL=url)
    must_fail_in_one_line(done, code)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TALLYSTICK_PORT", "many"),
        ("TALLYSTICK_PROT", "8000"),
    ],
)
def test_a_wrong_setting_is_named(empty_home: Path, name: str, value: str) -> None:
    done = tally("replay", home=empty_home, **{name: value})
    must_fail_in_one_line(done, "configuration-invalid", name)


def test_an_unknown_command_is_usage(empty_home: Path) -> None:
    done = tally("nonsense", home=empty_home)
    assert done.code == 2
    assert "Traceback" not in done.text
    assert not (empty_home / "pg").exists()
