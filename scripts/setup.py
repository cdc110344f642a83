"""Sets up the checkout: `.venv`, pinned Python packages, npm tools, and the `tally` command.

Run by make, with the machine's own Python and nothing but its standard library:

    python3 scripts/setup.py runtime|dev

What was done is recorded with the hash of everything it depended on, so that a second run
returns at once. An interrupted run is noticed and made good. Outside the checkout only the
package managers' caches are touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
NODE_MODULES = CHECKOUT / "node_modules"
OLDEST_PYTHON = (3, 11)
PYTHON_CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.14")
PROFILES = ("runtime", "dev")

# Present while a part is being made: if it is still there, the part is half done.
PROGRAM = "from backend.cli import main; main()"
UNFINISHED = "tallystick-unfinished"
RECORD = "tallystick-setup.json"


class SetupError(Exception):
    """Set-up cannot go on; the message is for the person at the keyboard."""


class Steps:
    """Prints numbered steps with the seconds each took."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and its time when it is done."""
        self._done += 1
        print(f"[{self._done}/{self._total}] {title} ... ", end="", flush=True)
        start = time.monotonic()
        try:
            yield
        except BaseException:
            print("failed", flush=True)
            raise
        print(f"{time.monotonic() - start:.1f} s", flush=True)


def main(arguments: list[str]) -> int:
    """Set up for the profile named on the command line; the exit code."""
    if arguments not in [["runtime"], ["dev"]]:
        print(__doc__, file=sys.stderr)
        return 2
    require_python()
    try:
        with lock():
            set_up(arguments[0])
    except SetupError as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; run the same command to go on.", file=sys.stderr)
        return 130
    return 0


def set_up(profile: str) -> None:
    """Do what is missing for ``profile``; a development set-up serves running as well."""
    python_done = is_recorded(VENV, profile, python_digest) and (VENV / "bin" / "tally").exists()
    node_done = is_recorded(NODE_MODULES, profile, node_digest)
    if python_done and node_done:
        return
    profile = widest(profile, recorded_profile(VENV), recorded_profile(NODE_MODULES))
    steps = Steps(1 + (0 if python_done else 4) + (0 if node_done else 1))
    with steps.step("Checking Python and Node.js"):
        npm = require_node()
    if not python_done:
        set_up_python(profile, steps)
    if not node_done:
        with steps.step("Installing Anvil and the Solidity compiler from npm"):
            set_up_node(npm, profile)


# ---------------------------------------------------------------------------- what is needed


def require_python() -> None:
    """Go on under a Python that is new enough, or say which one is needed."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for name in PYTHON_CANDIDATES:
        found = shutil.which(name)
        # A version manager's shim exists for versions that are not selected: ask it.
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, *sys.argv])
    sys.exit(
        "Tallystick needs Python 3.11 or newer, and this is Python {}.{}. Install one from "
        "https://www.python.org/downloads/ or name it: make PYTHON=/path/to/python3.12".format(
            *sys.version_info
        )
    )


def require_node() -> str:
    """The path of npm; Node.js 20.19 or newer of the 20 series, or 22.12 or newer."""
    node, npm = shutil.which("node"), shutil.which("npm")
    advice = "install it from https://nodejs.org/ (20.19 or newer of 20.x, or 22.12 or newer)."
    if node is None:
        raise SetupError(f"Node.js is missing: {advice}")
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.(\d+)\.", answer.stdout)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (version >= (22, 12) or (20, 19) <= version < (21, 0)):
        found = answer.stdout.strip() or "of unknown version"
        raise SetupError(f"Node.js {found} will not do: {advice}")
    if npm is None:
        raise SetupError(f"npm, which belongs to Node.js, is missing: {advice}")
    return npm


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """Let one set-up of this checkout run at a time; the lock ends with the process."""
    descriptor = os.open(CHECKOUT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this checkout is running; waiting for it.", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------------------- what was done


def python_digest(profile: str) -> str:
    """Names everything the virtual environment of ``profile`` is made from."""
    files = ("requirements/uv.txt", f"requirements/{profile}.txt", "scripts/setup.py")
    return digest(VENV / "pyvenv.cfg", *(CHECKOUT / name for name in files), CHECKOUT)


def node_digest(profile: str) -> str:
    """Names everything ``node_modules`` of ``profile`` is made from."""
    files = ("package.json", "package-lock.json", ".npmrc")
    return digest(*(CHECKOUT / name for name in files))


def digest(*paths: Path) -> str:
    """SHA-256 over the names of ``paths``, and the contents of those that are files."""
    whole = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        whole.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def read_record(folder: Path) -> dict[str, str]:
    """What was recorded about ``folder``; empty if nothing, or if it is only half made."""
    if (folder / UNFINISHED).exists():
        return {}
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def recorded_profile(folder: Path) -> str:
    """The profile ``folder`` was made for; the smallest if none was recorded."""
    return read_record(folder).get("profile", PROFILES[0])


def is_recorded(folder: Path, profile: str, digest_of: Callable[[str], str]) -> bool:
    """Whether ``folder`` is complete for ``profile``, or for one that includes it."""
    record = read_record(folder)
    made_for = record.get("profile", "")
    serves = made_for in PROFILES[PROFILES.index(profile) :]
    return serves and record.get("digest") == digest_of(made_for)


def widest(*profiles: str) -> str:
    """The profile among ``profiles`` that includes the others."""
    return max(profiles, key=PROFILES.index)


def finish(folder: Path, profile: str, value: str) -> None:
    """Record that ``folder`` is complete."""
    record = {"profile": profile, "digest": value}
    draft = folder / f".{RECORD}"
    draft.write_text(json.dumps(record) + "\n", encoding="utf-8")
    draft.replace(folder / RECORD)
    with contextlib.suppress(FileNotFoundError):
        (folder / UNFINISHED).unlink()


# -------------------------------------------------------------------------------- Python


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


# ---------------------------------------------------------------------------------- Node


def set_up_node(npm: str, profile: str) -> None:
    """Install what package-lock.json pins; no install script of any package runs."""
    omit = [] if profile == "dev" else ["--omit=dev"]
    run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *omit])
    finish(NODE_MODULES, profile, node_digest(profile))


# ------------------------------------------------------------------------------- programs


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> str:
    """Run a program in the checkout and return what it printed; ``SetupError`` if it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=CHECKOUT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise SetupError(f"{words[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        raise SetupError(f"`{shlex.join(words)}` failed:\n{excerpt(done.stdout + done.stderr)}")
    return done.stdout


def excerpt(text: str) -> str:
    """The beginning and the end of ``text``: npm says what is wrong first, pip says it last."""
    lines = text.strip().splitlines()
    return "\n".join(lines if len(lines) <= 30 else [*lines[:15], "[...]", *lines[-15:]])


def works(command: Sequence[str | Path]) -> bool:
    """Whether a program runs and says that it succeeded."""
    with contextlib.suppress(SetupError):
        run(command)
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
