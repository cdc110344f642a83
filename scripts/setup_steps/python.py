"""The virtual environment: pinned packages, and the `tally` command."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.setup_steps.programs import CHECKOUT, SetupError, Steps, run, works
from scripts.setup_steps.records import UNFINISHED, digest, finish

VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
PROGRAM = "from backend.cli import main; main()"


def python_digest(profile: str) -> str:
    """Names everything the virtual environment of ``profile`` is made from."""
    files = ("requirements/uv.txt", f"requirements/{profile}.txt", "scripts/setup_steps/python.py")
    return digest(VENV / "pyvenv.cfg", *(CHECKOUT / name for name in files), CHECKOUT)


def set_up_python(profile: str, steps: Steps) -> None:
    """Make or complete the virtual environment."""
    with steps.step(f"Creating .venv with Python {sys.version_info[0]}.{sys.version_info[1]}"):
        make_venv()
    (VENV / UNFINISHED).touch()
    with steps.step("Installing uv"):
        pip("install", "--quiet", "--require-hashes", "-r", "requirements/uv.txt")
    with steps.step(f"Installing Python packages ({profile})"):
        sync(f"requirements/{profile}.txt")
    with steps.step("Installing the tally command"):
        install_command()
        finish(VENV, profile, python_digest(profile))


def make_venv() -> None:
    """A working virtual environment; one that is broken or was left half made is made anew."""
    whole = (VENV / "pyvenv.cfg").exists() and not (VENV / UNFINISHED).exists()
    if whole and PYTHON.exists() and works([PYTHON, "-m", "pip", "--version"]):
        return
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    (VENV / UNFINISHED).touch()
    try:
        run([sys.executable, "-m", "venv", VENV])
    except SetupError as error:
        raise SetupError(
            "this Python cannot make virtual environments "
            f"(on Debian and Ubuntu: install python3-venv). {error}"
        ) from None


def sync(requirements: str) -> None:
    """Install exactly what ``requirements`` pins, by uv, or by pip where uv has no access.

    pip may be configured on this machine with an index that uv does not know of.
    """
    uv: list[str | Path] = [VENV / "bin" / "uv", "pip", "sync", "--quiet", "--require-hashes"]
    environment = {"UV_PYTHON_DOWNLOADS": "never", **pip_index()}
    try:
        run([*uv, "--python", PYTHON, requirements], environment)
    except SetupError as error:
        print("uv could not, trying pip ... ", end="", flush=True)
        try:
            pip("install", "--quiet", "--require-hashes", "--no-deps", "-r", requirements)
        except SetupError as second:
            raise SetupError(f"{second}\n\nBefore that, uv: {error}") from None


def pip_index() -> dict[str, str]:
    """pip's index, if one is configured, in the form uv takes it."""
    if "UV_DEFAULT_INDEX" in os.environ or "UV_INDEX_URL" in os.environ:
        return {}
    answer = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    index = os.environ.get("PIP_INDEX_URL") or answer.stdout.strip()
    return {"UV_DEFAULT_INDEX": index} if index else {}


def pip(*arguments: str) -> None:
    """Run the environment's own pip."""
    run([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments])


def install_command() -> None:
    """Put the checkout on the path of `.venv` and write `.venv/bin/tally`.

    The same as an editable install, without a build back end and without network.
    """
    answer = run([PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    (Path(answer.strip()) / "tallystick.pth").write_text(f"{CHECKOUT}\n", encoding="utf-8")
    command = VENV / "bin" / "tally"
    # A shell, because a #! line cannot hold a path with a space in it.
    command.write_text(
        f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -c {shlex.quote(PROGRAM)} "$@"\n',
        encoding="utf-8",
    )
    command.chmod(0o755)
