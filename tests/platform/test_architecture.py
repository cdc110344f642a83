"""Who may know whom holds, and the rule of our own notices what it is there for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from grimp import ImportGraph
from importlinter import ContractCheck

from scripts.architecture import ContextBoundaryContract

_CHECKOUT = Path(__file__).resolve().parents[2]
_OPTIONS = {
    "root": "backend",
    "contexts": ["portfolio", "trading", "not_built_yet"],
    "public": ["events", "ids"],
    "wiring": ["backend.platform"],
}
_MODULES = (
    "backend",
    "backend.platform",
    "backend.portfolio",
    "backend.portfolio.events",
    "backend.portfolio.store",
    "backend.portfolio.service",
    "backend.trading",
    "backend.trading.service",
)


def _check(importer: str, imported: str) -> ContractCheck:
    graph = ImportGraph()
    for module in _MODULES:
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="-")
    contract = ContextBoundaryContract(
        name="boundary", session_options={}, contract_options=dict(_OPTIONS)
    )
    return contract.check(graph, verbose=False)


def test_the_sources_keep_every_contract() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=_CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(_CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("backend.trading.service", "backend.portfolio.events"),
        ("backend.portfolio.service", "backend.portfolio.store"),
        ("backend.platform", "backend.portfolio.store"),
    ],
)
def test_public_modules_own_modules_and_wiring_are_free(importer: str, imported: str) -> None:
    assert _check(importer, imported).kept


@pytest.mark.parametrize("imported", ["backend.portfolio.store", "backend.portfolio"])
def test_reaching_into_another_context_is_noticed(imported: str) -> None:
    check = _check("backend.trading.service", imported)
    assert not check.kept
    assert check.metadata["breaches"] == [("backend.trading.service", imported)]
