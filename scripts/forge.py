"""Run forge in `contracts/` with the project's compiler: `python -m scripts.forge test -q`.

forge wants the compiler's absolute path, which has no place in foundry.toml: it is handed over in
the environment.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from scripts.solc_shim import ROOT, ensure_shim


def native_tool(name: str) -> Path:
    """Path of the native binary that npm installed for a Foundry tool.

    The `.bin` entries are node wrappers, which leave their child running when they are killed.

    Raises:
        FileNotFoundError: npm has not installed it, or there is none for this platform.
    """
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(
        platform.machine(), platform.machine()
    )
    package = f"{name}-{sys.platform}-{machine}"
    suffix = ".exe" if sys.platform == "win32" else ""
    binary = ROOT / "node_modules" / "@foundry-rs" / package / "bin" / f"{name}{suffix}"
    if not binary.is_file():
        raise FileNotFoundError(
            f"{name} is not installed for this platform: {binary.relative_to(ROOT)}"
        )
    return binary


def build_folder(arguments: list[str]) -> Path:
    """Where this command keeps its build, apart from commands that compile less than it does.

    `forge lint`, and a run with `--match-…`, leave artifacts without bytecode and call them up to
    date in the cache; a later `forge test` then skips those suites and still says that all passed.
    """
    command = arguments[0] if arguments else "help"
    partial = any(argument.startswith(("--match", "--no-match", "--m")) for argument in arguments)
    return ROOT / "var" / "forge" / (f"{command}-partial" if partial else command)


def main(arguments: list[str]) -> None:
    """Replace this process by forge."""
    forge = str(native_tool("forge"))
    folder = build_folder(arguments)
    environment = {
        **os.environ,
        "FOUNDRY_SOLC": str(ensure_shim()),
        "FOUNDRY_OUT": str(folder / "out"),
        "FOUNDRY_CACHE_PATH": str(folder / "cache"),
    }
    os.chdir(ROOT / "contracts")
    os.execve(forge, [forge, *arguments], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
