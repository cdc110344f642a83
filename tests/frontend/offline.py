"""Builds verify.html into a folder, as the dashboard's own build does."""

import shutil
import subprocess
from pathlib import Path

from scripts.setup_steps.dashboard import FRONTEND, VITE


def build(folder: Path) -> Path:
    """The path of the page; fails with what the builder said."""
    node = shutil.which("node")
    assert node is not None
    command = [node, VITE, "build", "--config", "vite.verify.config.ts", "--outDir", folder]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "verify.html"
