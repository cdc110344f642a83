"""What the built dashboard loads: a budget for the first visit, and nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from scripts.bench.dashboard import DIST, MAX_SCRIPT_KB, initial_script_kb

pytestmark = pytest.mark.skipif(
    not (DIST / ".vite" / "manifest.json").exists(), reason="the dashboard is not built here"
)


def test_the_first_visit_stays_within_its_budget() -> None:
    assert initial_script_kb() <= MAX_SCRIPT_KB


def test_the_chart_is_no_part_of_it() -> None:
    entry = (DIST / "index.html").read_text("utf-8")
    assert "NavChart" not in entry
    assert list(DIST.glob("assets/NavChart-*.js"))


def test_the_page_loads_nothing_from_elsewhere_and_has_no_inline_script() -> None:
    page = (DIST / "index.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="([^"]+)"', page)
    assert not re.findall(r'(?:src|href)="(?!/)[^"]*"', page)
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
    assert "<style" not in page


def test_no_source_map_and_no_test_code_is_shipped() -> None:
    files = [path for path in DIST.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix == ".map"]
    scripts = "".join(path.read_text("utf-8") for path in files if path.suffix == ".js")
    assert "vitest" not in scripts
    assert not _machine_paths(scripts)


def _machine_paths(text: str) -> list[str]:
    return [each for each in (str(Path.home()), str(DIST.parents[1])) if f"{each}/" in text]
