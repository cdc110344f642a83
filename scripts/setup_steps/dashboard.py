"""The dashboard: its packages, and the built pages that the API serves."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from scripts.setup_steps.node import FILES, install
from scripts.setup_steps.programs import CHECKOUT, SetupError, run
from scripts.setup_steps.records import UNFINISHED, digest, finish, is_recorded

FRONTEND = CHECKOUT / "frontend"
NODE_MODULES = FRONTEND / "node_modules"
DIST = FRONTEND / "dist"
# The build's own record; npm empties the folder, and what was built before then counts no more.
BUILD = NODE_MODULES / ".tallystick"
VITE = NODE_MODULES / "vite" / "bin" / "vite.js"
# What the pages are made from, below ``frontend``.
SOURCES = (
    "index.html",
    "vite.config.ts",
    "vite.verify.config.ts",
    "tsconfig.json",
    "src",
    "public",
)


def packages_digest(profile: str) -> str:
    """Names everything the dashboard's packages are made from."""
    return digest(*(FRONTEND / name for name in FILES))


def sources_digest(profile: str) -> str:
    """Names everything the built pages are made from; the same for every profile."""
    paths = (FRONTEND / name for name in (*FILES, *SOURCES))
    files = [each for path in paths for each in ([path] if path.is_file() else path.rglob("*"))]
    return digest(*sorted(each for each in files if each.is_file()))


def is_built(profile: str) -> bool:
    """Whether the pages are there, and made from the present sources."""
    return (DIST / "index.html").is_file() and is_recorded(BUILD, profile, sources_digest)


def set_up_packages(npm: str, profile: str) -> None:
    """Install what the dashboard's lock file pins."""
    install(npm, profile, FRONTEND)
    finish(NODE_MODULES, profile, packages_digest(profile))


def build(profile: str) -> None:
    """Build the pages beside the old ones, then take their place: a server may be running."""
    node = shutil.which("node")
    if node is None:
        raise SetupError("Node.js is missing.")
    BUILD.mkdir(exist_ok=True)
    (BUILD / UNFINISHED).touch()  # from here on nothing counts as built
    value = sources_digest(profile)
    fresh = BUILD / "dist"
    vite: list[str | Path] = [node, VITE, "build", "--outDir", fresh]
    run([*vite, "--emptyOutDir"], {"NO_COLOR": "1"}, folder=FRONTEND)
    run([*vite, "--config", "vite.verify.config.ts"], {"NO_COLOR": "1"}, folder=FRONTEND)
    _take_place(fresh, DIST)
    finish(BUILD, profile, value)


def _take_place(fresh: Path, place: Path) -> None:
    """Put the new pages where the old ones are; in between there are none for a moment only.

    Raises SetupError when the folders cannot be moved; the old pages stay then.
    """
    old = fresh.with_name("old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        if place.exists():
            place.rename(old)
        fresh.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        if old.exists() and not place.exists():
            with contextlib.suppress(OSError):
                old.rename(place)
        raise SetupError(f"The built pages cannot be put in their place: {error}") from error
