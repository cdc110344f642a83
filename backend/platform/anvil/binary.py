"""Finds the native Anvil of the npm package.

The package's own ``.bin/anvil`` is a node wrapper that leaves the server running when it gets a
signal, so it is never used.
"""

import platform
import shutil
from pathlib import Path

from backend.platform.errors import ToolMissing

_CHECKOUT = Path(__file__).resolve().parents[3]
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def find_anvil(node_modules: Path = _CHECKOUT / "node_modules") -> Path:
    """The program for this machine, or one on the ``PATH``; ``ToolMissing`` if there is none."""
    system = platform.system().lower()
    architecture = _ARCHITECTURES.get(platform.machine().lower(), platform.machine().lower())
    packaged = node_modules / "@foundry-rs" / f"anvil-{system}-{architecture}" / "bin" / "anvil"
    if packaged.is_file():
        return packaged
    on_path = shutil.which("anvil")
    if on_path is not None:
        return Path(on_path)
    raise ToolMissing(
        "Anvil, the development chain, is not installed for this machine: run `make run` or "
        "`make test`, which set up everything, or set CHAIN_RPC_URL to a node of yours.",
        system=system,
        architecture=architecture,
    )
