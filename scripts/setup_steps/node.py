"""Node.js, and the tools that come from npm: Anvil and the Solidity compiler."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from scripts.setup_steps.programs import CHECKOUT, SetupError, run
from scripts.setup_steps.records import digest, finish

NODE_MODULES = CHECKOUT / "node_modules"
FILES = ("package.json", "package-lock.json", ".npmrc")


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


def node_digest(profile: str) -> str:
    """Names everything ``node_modules`` of ``profile`` is made from."""
    return digest(*(CHECKOUT / name for name in FILES))


def set_up_node(npm: str, profile: str) -> None:
    """Install what package-lock.json pins; no install script of any package runs."""
    install(npm, profile, CHECKOUT)
    finish(NODE_MODULES, profile, node_digest(profile))


def install(npm: str, profile: str, folder: Path) -> None:
    """``npm ci`` in ``folder``, without what only development needs for ``runtime``."""
    omit = [] if profile == "dev" else ["--omit=dev"]
    run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *omit], folder=folder)
