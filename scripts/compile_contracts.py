"""Compile `contracts/src` with py-solc-x into `contracts/artifacts/<Name>.json`.

The artifacts are committed, so running the platform needs no compiler; `--check` compiles again
and compares byte for byte. One JSON document a contract, sorted keys: `contractName`, `abi`,
`bytecode`, `deployedBytecode`, `immutableReferences`, `compiler`, `settings`, `sourceHashes`
(SHA-256 of every source that went in).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.solc_shim import ROOT, SHIM_FOLDER, SOLC_VERSION, ensure_shim

CONTRACTS = ROOT / "contracts"
ARTIFACTS = CONTRACTS / "artifacts"
NAMES = ("AnchorRegistry", "CashToken", "SecurityToken", "Settlement")

# The same settings as in contracts/foundry.toml.
SETTINGS: dict[str, Any] = {
    "evmVersion": "cancun",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 10_000},
    "viaIR": True,
}
OUTPUTS = [
    "abi",
    "metadata",
    "evm.bytecode.object",
    "evm.deployedBytecode.immutableReferences",
    "evm.deployedBytecode.object",
]


class CompileError(RuntimeError):
    """The compiler refused the sources, or warned; the message is the compiler's."""


def compile_sources(files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Compile files below `contracts/`; return the compiler's output by source and contract name.

    Raises:
        CompileError: the compiler reported an error or a warning.
        scripts.solc_shim.CompilerMissing: there is no compiler.
    """
    shim = ensure_shim()
    os.environ["SOLCX_BINARY_PATH"] = str(SHIM_FOLDER)
    import solcx  # reads SOLCX_BINARY_PATH when it looks for compilers

    sources = {
        path.relative_to(CONTRACTS).as_posix(): {"content": path.read_text()} for path in files
    }
    settings = {**SETTINGS, "outputSelection": {"*": {"*": OUTPUTS}}}
    output = solcx.compile_standard(
        {"language": "Solidity", "sources": dict(sorted(sources.items())), "settings": settings},
        solc_binary=shim,
        base_path=str(CONTRACTS),
    )
    problems = [problem["formattedMessage"] for problem in output.get("errors", [])]
    if problems:
        raise CompileError("\n".join(problems))
    contracts: dict[str, dict[str, Any]] = output["contracts"]
    return contracts


def artifact(name: str, contract: dict[str, Any]) -> dict[str, Any]:
    """The committed form of one compiled contract."""
    metadata = json.loads(contract["metadata"])
    deployed = contract["evm"]["deployedBytecode"]
    return {
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "compiler": metadata["compiler"]["version"],
        "contractName": name,
        "deployedBytecode": "0x" + deployed["object"],
        "immutableReferences": _by_position(deployed["immutableReferences"]),
        "settings": SETTINGS,
        "sourceHashes": {
            path: hashlib.sha256((CONTRACTS / path).read_bytes()).hexdigest()
            for path in sorted(metadata["sources"])
        },
    }


def _by_position(references: dict[str, list[dict[str, int]]]) -> list[dict[str, int]]:
    """Where immutables sit in the deployed code, without the compiler's node numbers."""
    return sorted(
        (place for places in references.values() for place in places), key=lambda p: p["start"]
    )


def render(document: dict[str, Any]) -> str:
    """Deterministic text of an artifact."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def build() -> dict[str, str]:
    """Compile every contract; return the text of each artifact by contract name."""
    compiled = compile_sources(sorted((CONTRACTS / "src").rglob("*.sol")))
    return {name: render(artifact(name, compiled[f"src/{name}.sol"][name])) for name in NAMES}


def stale(built: dict[str, str]) -> list[str]:
    """Names of contracts whose committed artifact is not what was built."""
    return [
        name
        for name, text in built.items()
        if not (path := ARTIFACTS / f"{name}.json").is_file() or path.read_text() != text
    ]


def main() -> int:
    """Write the artifacts, or with `--check` only compare; 1 if a committed artifact is stale."""
    parser = argparse.ArgumentParser(description=f"Compile the contracts with solc {SOLC_VERSION}.")
    parser.add_argument("--check", action="store_true", help="compare with the committed artifacts")
    check = parser.parse_args().check
    built = build()
    changed = stale(built)
    if check:
        for name in changed:
            print(f"contracts/artifacts/{name}.json is not what the sources compile to")
        return 1 if changed else 0
    ARTIFACTS.mkdir(exist_ok=True)
    for name in changed:
        (ARTIFACTS / f"{name}.json").write_text(built[name])
        print(f"wrote contracts/artifacts/{name}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
