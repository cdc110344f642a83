"""The Solidity compiler for py-solc-x and forge: npm's `solc` behind `solc-wrapper.cjs`.

No registry carries a native solc, and both tools want an executable file, which py-solc-x moreover
copies. So a shim of two lines with absolute paths is written under `var/`, which git ignores.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOLC_VERSION = "0.8.37"
WRAPPER = ROOT / "scripts" / "solc-wrapper.cjs"
SHIM_FOLDER = ROOT / "var" / "solcx"


class CompilerMissing(RuntimeError):
    """Node, or the npm package `solc`, is not installed."""


def ensure_shim() -> Path:
    """Write the shim under the name py-solc-x looks for; return its absolute path.

    Raises:
        CompilerMissing: `node` is not on PATH, or `npm ci` was not run.
    """
    if shutil.which("node") is None:
        raise CompilerMissing("node is not on PATH; the Solidity compiler runs on it")
    if "SOLC_NODE_MODULES" not in os.environ and not (ROOT / "node_modules" / "solc").is_dir():
        raise CompilerMissing("npm package solc is not installed; run `npm ci --ignore-scripts`")
    shim = SHIM_FOLDER / f"solc-v{SOLC_VERSION}"
    text = f'#!/bin/sh\nexec node {shlex.quote(str(WRAPPER))} "$@"\n'
    if not shim.exists() or shim.read_text() != text:
        SHIM_FOLDER.mkdir(parents=True, exist_ok=True)
        fresh = shim.with_name(f"{shim.name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.replace(shim)
    return shim


def environment() -> dict[str, str]:
    """The process environment, with py-solc-x pointed at the shim's folder."""
    return {**os.environ, "SOLCX_BINARY_PATH": str(SHIM_FOLDER)}
