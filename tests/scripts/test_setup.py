"""Set-up says plainly what is missing, and never trusts what is half done."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.setup_steps import dashboard, records
from scripts.setup_steps.programs import SetupError
from scripts.setup_steps.python import PROGRAM

_CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the set-up script and nothing made yet."""
    folder = tmp_path / "a checkout"
    (folder / "scripts").mkdir(parents=True)
    for name in ("setup.py", "__init__.py"):
        shutil.copy(_CHECKOUT / "scripts" / name, folder / "scripts")
    steps = shutil.ignore_patterns("__pycache__")
    shutil.copytree(_CHECKOUT / "scripts/setup_steps", folder / "scripts/setup_steps", ignore=steps)
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
    records.finish(tmp_path, "dev", "digest of dev")
    assert records.is_recorded(tmp_path, "dev", lambda profile: f"digest of {profile}")
    assert records.is_recorded(tmp_path, "runtime", lambda profile: f"digest of {profile}")


def test_a_smaller_or_outdated_or_half_made_set_up_does_not_serve(tmp_path: Path) -> None:
    records.finish(tmp_path, "runtime", "digest")
    assert not records.is_recorded(tmp_path, "dev", lambda profile: "digest")
    assert not records.is_recorded(tmp_path, "runtime", lambda profile: "another")
    assert records.is_recorded(tmp_path, "runtime", lambda profile: "digest")
    (tmp_path / records.UNFINISHED).touch()
    assert not records.is_recorded(tmp_path, "runtime", lambda profile: "digest")


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / records.RECORD).write_text(content)
    assert records.read_record(tmp_path) == {}


def test_the_digest_follows_every_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    absent = records.digest(file)
    file.write_text("one")
    first = records.digest(file)
    file.write_text("two")
    assert len({absent, first, records.digest(file)}) == 3


def test_the_command_that_set_up_writes_starts() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--help"],
        cwd=_CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "verify" in answer.stdout


@pytest.fixture
def frontend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dashboard's sources, with what set-up keeps beside them."""
    folder = tmp_path / "frontend"
    (folder / "src" / "app").mkdir(parents=True)
    (folder / "public").mkdir()
    for name in (*dashboard.FILES, "index.html", "vite.config.ts", "src/app/App.tsx"):
        (folder / name).write_text(name)
    modules = folder / "node_modules"
    (modules / ".tallystick").mkdir(parents=True)
    (folder / "dist").mkdir()
    for name, path in (
        ("FRONTEND", folder), ("NODE_MODULES", modules), ("DIST", folder / "dist"),
        ("BUILD", modules / ".tallystick"),
    ):  # fmt: skip
        monkeypatch.setattr(dashboard, name, path)
    return folder


def _record_build(frontend: Path) -> None:
    (frontend / "dist" / "index.html").write_text("page")
    records.finish(dashboard.BUILD, "runtime", dashboard.sources_digest("runtime"))


def test_a_built_dashboard_is_built_once(frontend: Path) -> None:
    assert not dashboard.is_built("runtime")
    _record_build(frontend)
    assert dashboard.is_built("runtime")
    assert not dashboard.is_built("dev"), "its packages have more in them"


@pytest.mark.parametrize("name", ["src/app/App.tsx", "package-lock.json", "src/new.css"])
def test_a_changed_source_is_built_anew(frontend: Path, name: str) -> None:
    _record_build(frontend)
    (frontend / name).write_text("changed")
    assert not dashboard.is_built("runtime")


def test_a_source_that_is_gone_and_pages_that_are_gone_count(frontend: Path) -> None:
    _record_build(frontend)
    (frontend / "dist" / "index.html").unlink()
    assert not dashboard.is_built("runtime")
    _record_build(frontend)
    (frontend / "src/app/App.tsx").unlink()
    assert not dashboard.is_built("runtime")


def _build(monkeypatch: pytest.MonkeyPatch, work: Callable[[Path], None]) -> None:
    """Build with ``work`` in the bundler's place: it gets the folder to write to."""
    monkeypatch.setattr(dashboard, "run", lambda command, *_, **__: work(command[4]))
    dashboard.build("runtime")


def test_a_build_takes_the_place_of_the_one_before(
    frontend: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _record_build(frontend)
    (dashboard.DIST / "old.js").write_text("old")

    def bundle(out: Path) -> None:
        assert not dashboard.is_built("runtime"), "while it is being built it is not built"
        assert (dashboard.DIST / "old.js").exists(), "the old pages are served meanwhile"
        out.mkdir(exist_ok=True)  # the offline verifier is built after the pages
        (out / "index.html").write_text("new")

    _build(monkeypatch, bundle)
    assert dashboard.is_built("runtime")
    assert [each.name for each in dashboard.DIST.iterdir()] == ["index.html"]
    assert not (dashboard.BUILD / "old").exists()


def test_a_build_that_was_interrupted_is_none(
    frontend: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _record_build(frontend)

    def killed(_out: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _build(monkeypatch, killed)
    assert not dashboard.is_built("runtime")


def test_pages_that_cannot_be_moved_are_a_set_up_error(
    frontend: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _record_build(frontend)
    with pytest.raises(SetupError, match="put in their place"):
        _build(monkeypatch, lambda out: None)  # it wrote nothing
    assert not dashboard.is_built("runtime")
    assert (dashboard.DIST / "index.html").read_text() == "page", "the old pages stay"


def test_the_build_needs_no_development_package() -> None:
    """What vite.config.ts imports is installed for running, too."""
    text = (_CHECKOUT / "frontend" / "vite.config.ts").read_text("utf-8")
    imported = set(re.findall(r'from "([^".][^"]*)"', text))
    packages = json.loads((_CHECKOUT / "frontend" / "package.json").read_text("utf-8"))
    assert imported
    assert imported <= set(packages["dependencies"])
