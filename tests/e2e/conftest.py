"""The whole platform as `make run` starts it, and a headless Chromium in front of it.

Screenshots go to ``var/e2e``. Without a Chromium the tests are skipped with a reason, unless
``REQUIRE_BROWSER=1`` says that there has to be one.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from scripts.running import BROWSER_FLAGS, Platform, find_chromium, running_platform
from tests.e2e.actors import SHOTS, Visitor, open_visitor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; none is a reason to skip, or to fail where one is required."""
    found = find_chromium()
    if found is None:
        reason = "no Chromium on this machine (install one, or name it: CHROMIUM=/path)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def platform(chromium: str) -> Iterator[Platform]:
    """``tally demo`` with its day's trade settled, anchored and proven."""
    with running_platform() as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_FLAGS))
    yield launched
    launched.close()


@pytest.fixture(scope="session", autouse=True)
def shots() -> Path:
    """Where the screenshots of this run go; those of the last run are gone."""
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    return SHOTS


@pytest.fixture
def visitor(browser: Browser, platform: Platform) -> Iterator[Visitor]:
    """Somebody with a fresh browser profile; the console must stay empty."""
    with open_visitor(browser, platform.url) as found:
        yield found
