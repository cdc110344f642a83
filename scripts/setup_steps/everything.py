"""Everything a profile needs, in order; what is done already is skipped."""

from __future__ import annotations

from scripts.setup_steps import dashboard, node
from scripts.setup_steps.node import node_digest, require_node, set_up_node
from scripts.setup_steps.programs import Steps
from scripts.setup_steps.python import VENV, python_digest, set_up_python
from scripts.setup_steps.records import is_recorded, recorded_profile, widest


def set_up(profile: str) -> None:
    """Do what is missing for ``profile``; a development set-up serves running as well."""
    python_done = is_recorded(VENV, profile, python_digest) and (VENV / "bin" / "tally").exists()
    node_done = is_recorded(node.NODE_MODULES, profile, node_digest)
    packages_done = is_recorded(dashboard.NODE_MODULES, profile, dashboard.packages_digest)
    built = packages_done and dashboard.is_built(profile)
    if python_done and node_done and built:
        return
    folders = (VENV, node.NODE_MODULES, dashboard.NODE_MODULES)
    profile = widest(profile, *(recorded_profile(each) for each in folders))
    missing = (not node_done) + (not packages_done) + (not built)
    steps = Steps(1 + (0 if python_done else 4) + missing)
    with steps.step("Checking Python and Node.js"):
        npm = require_node()
    if not python_done:
        set_up_python(profile, steps)
    if not node_done:
        with steps.step("Installing Anvil and the Solidity compiler from npm"):
            set_up_node(npm, profile)
    if not packages_done:
        with steps.step("Installing the dashboard's packages from npm"):
            dashboard.set_up_packages(npm, profile)
    if not built:
        with steps.step("Building the dashboard"):
            dashboard.build(profile)
