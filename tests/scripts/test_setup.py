"""Set-up says plainly what is missing, and never trusts what is half done."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import setup

_CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the set-up script and nothing made yet."""
    folder = tmp_path / "a checkout"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(_CHECKOUT / "scripts" / "setup.py", folder / "scripts")
    return folder


def _set_up(checkout: Path, path: Path, profile: str = "dev") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(checkout / "scripts" / "setup.py"), profile],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def _program(folder: Path, name: str, output: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho {output}\n")
    (folder / name).chmod(0o755)


def test_missing_node_is_named(checkout: Path, tmp_path: Path) -> None:
    done = _set_up(checkout, tmp_path)
    assert done.returncode == 1
    assert "Node.js is missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3", "v21.7.3", "v22.11.0", "nonsense"])
def test_an_old_node_is_named(checkout: Path, tmp_path: Path, version: str) -> None:
    _program(tmp_path / "bin", "node", version)
    done = _set_up(checkout, tmp_path / "bin")
    assert done.returncode == 1
    assert "will not do" in done.stderr


@pytest.mark.parametrize("version", ["v20.19.0", "v22.12.0", "v24.1.0"])
def test_a_good_node_is_accepted_and_missing_npm_named(
    checkout: Path, tmp_path: Path, version: str
) -> None:
    _program(tmp_path / "bin", "node", version)
    assert "npm, which belongs to Node.js, is missing" in _set_up(checkout, tmp_path / "bin").stderr


def test_an_unknown_profile_is_refused(checkout: Path, tmp_path: Path) -> None:
    assert _set_up(checkout, tmp_path, "everything").returncode == 2


def test_what_is_finished_serves_the_smaller_profile_too(tmp_path: Path) -> None:
    setup.finish(tmp_path, "dev", "digest of dev")
    assert setup.is_recorded(tmp_path, "dev", lambda profile: f"digest of {profile}")
    assert setup.is_recorded(tmp_path, "runtime", lambda profile: f"digest of {profile}")


def test_a_smaller_or_outdated_or_half_made_set_up_does_not_serve(tmp_path: Path) -> None:
    setup.finish(tmp_path, "runtime", "digest")
    assert not setup.is_recorded(tmp_path, "dev", lambda profile: "digest")
    assert not setup.is_recorded(tmp_path, "runtime", lambda profile: "another")
    assert setup.is_recorded(tmp_path, "runtime", lambda profile: "digest")
    (tmp_path / setup.UNFINISHED).touch()
    assert not setup.is_recorded(tmp_path, "runtime", lambda profile: "digest")


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / setup.RECORD).write_text(content)
    assert setup.read_record(tmp_path) == {}


def test_the_digest_follows_every_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    absent = setup.digest(file)
    file.write_text("one")
    first = setup.digest(file)
    file.write_text("two")
    assert len({absent, first, setup.digest(file)}) == 3


def test_the_command_that_set_up_writes_starts() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", setup.PROGRAM, "--help"],
        cwd=_CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "verify" in answer.stdout
