"""The demonstration's witnesses: real processes, one of each trader, and the policy about them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from anchoring.policy import Policy, encode_policy, parse_policy
from backend.kernel.errors import KeyUnavailable
from backend.platform.demo import witnesses
from backend.platform.home import Home
from backend.platform.settings import Settings
from backend.platform.supervisor import ProcessDied, Supervisor
from backend.platform.witness_policy import configured_policy

NAMES = ("Alder Capital", "Birch Partners")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "home")
    found.make()
    found.demo.mkdir()
    return found


@pytest.fixture
def supervisor(home: Home) -> Iterator[Supervisor]:
    found = Supervisor({"DATABASE_URL": "postgresql://secret@127.0.0.1/x"}, home.process_logs)
    yield found
    found.stop()


def settings_in(home: Home, **given: object) -> Settings:
    return Settings(home=home.root, **given)  # type: ignore[arg-type]


def started(supervisor: Supervisor, home: Home) -> Policy:
    settings = settings_in(home)
    vouching = witnesses.start(supervisor, settings, home, NAMES)
    witnesses.introduce(supervisor, home, vouching)
    (name, path), *others = witnesses.environment(settings, home).items()
    assert (name, others) == ("TALLYSTICK_WITNESS_POLICY", [])
    found = configured_policy(settings_in(home, witness_policy=Path(path)))
    assert found is not None
    return found


def test_the_platform_takes_the_policy_and_it_asks_for_both(
    supervisor: Supervisor, home: Home
) -> None:
    policy = started(supervisor, home)
    alder, birch = policy.witnesses.values()
    assert not policy.is_met([alder])
    assert not policy.is_met([birch])
    assert policy.is_met([alder, birch])
    assert policy.logs == []
    assert [alder.name, birch.name] == [
        "alder-capital.example/witness",
        "birch-partners.example/witness",
    ]
    for key in (alder, birch):
        assert httpx.get(f"{policy.urls[str(key)]}/livez").status_code == 200
    for pid in supervisor.pids().values():
        assert "DATABASE_URL" not in psutil.Process(pid).environ()


def test_a_second_start_has_the_same_keys(supervisor: Supervisor, home: Home) -> None:
    first = started(supervisor, home)
    supervisor.stop()
    again = started(supervisor, home)
    assert again.witnesses == first.witnesses
    for key in again.witnesses.values():
        assert httpx.get(f"{again.urls[str(key)]}/livez").status_code == 200


def test_an_operators_own_policy_starts_none(
    supervisor: Supervisor, home: Home, tmp_path: Path
) -> None:
    settings = settings_in(home, witness_policy=tmp_path / "own.txt")
    assert witnesses.environment(settings, home) == {}
    assert witnesses.start(supervisor, settings, home, NAMES) == ()
    assert supervisor.pids() == {}
    assert list(home.demo.iterdir()) == []


def test_proofs_from_before_keep_the_policy_they_were_made_under(
    supervisor: Supervisor, home: Home
) -> None:
    log = home.log_signer("localhost/tallystick/dev").vkey
    before = encode_policy(Policy(logs=[log]))
    files = {"policy.txt": before, "keys": b"k", "trust": b"t"}
    proofs = {"1.event": b"e", "1.tlog-proof": b"p", "1.anchor": b"a", "x.stream": b"s"}
    for name, data in {**files, **proofs}.items():
        (home.demo / name).write_bytes(data)
    started(supervisor, home)
    kept = home.demo / "before-witnesses"
    assert {each.name: each.read_bytes() for each in kept.iterdir()} == {**files, **proofs}
    assert [each.name for each in home.demo.iterdir() if each.name in proofs] == []
    (home.demo / "2.event").write_bytes(b"later")
    supervisor.stop()
    started(supervisor, home)
    assert (home.demo / "2.event").exists(), "only what was there before the witnesses"


def test_a_witness_that_cannot_start_is_told(supervisor: Supervisor, home: Home) -> None:
    (home.demo / "birch").mkdir()
    (home.demo / "birch" / "witness.sqlite").write_bytes(b"no database" * 100)
    vouching = witnesses.start(supervisor, settings_in(home), home, NAMES)
    with pytest.raises(ProcessDied, match="witness-birch"):
        witnesses.introduce(supervisor, home, vouching)
    assert not (home.demo / "witness-policy.txt").exists()


def test_a_key_that_others_can_read_is_refused(supervisor: Supervisor, home: Home) -> None:
    started(supervisor, home)
    supervisor.stop()
    (home.demo / "alder" / "witness.key").chmod(0o644)
    with pytest.raises(KeyUnavailable, match="0600"):
        witnesses.start(supervisor, settings_in(home), home, NAMES)


_KILLED = """
import sys, time
from pathlib import Path
from backend.platform.demo import witnesses
from backend.platform.home import Home
from backend.platform.settings import Settings
from backend.platform.supervisor import Supervisor
home = Home(Path(sys.argv[1]))
supervisor = Supervisor({}, home.process_logs)
witnesses.introduce(
    supervisor, home, witnesses.start(supervisor, Settings(home=home.root), home, ["Alder Capital"])
)
print(supervisor.pids()["witness-alder"], flush=True)
time.sleep(300)
"""


def test_a_killed_supervisor_leaves_none(home: Home) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TALLYSTICK_")}
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(home.root)], stdout=subprocess.PIPE, env=kept
    ) as parent:
        assert parent.stdout is not None
        witness = psutil.Process(int(parent.stdout.readline()))
        assert witness.is_running()
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while witness.is_running() and witness.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "still there"
        time.sleep(0.1)


def test_the_log_keys_are_those_published(supervisor: Supervisor, home: Home) -> None:
    """A log that was rotated signs with keys that are not the first one's."""
    other = home.new_log_key("localhost/tallystick/dev").vkey
    (home.log / "policy.txt").write_bytes(encode_policy(Policy(logs=[other])))
    started(supervisor, home)
    command = psutil.Process(supervisor.pids()["witness-alder"]).cmdline()
    assert command[command.index("--log") + 1] == str(other)
    assert parse_policy((home.demo / "witness-policy.txt").read_bytes()).logs == []
