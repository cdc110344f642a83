"""Every page, in both themes, at three widths: accessible, nothing clipped, a silent console.

axe-core checks WCAG 2.2 AA; what it cannot see (sideways scrolling, tiny text, "undefined") is
checked beside it, and every picture is kept to be looked at.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.running import Platform
from tests.e2e import steps
from tests.e2e.actors import Visitor, open_visitor

WIDTHS = (320, 768, 1280)
THEMES = ("light", "dark")
PARTY_PAGES = ("/", "/orders", "/settlements", "/audit", "/audit/guide", "/verify", "/nowhere")
VENUE_PAGES = ("/", "/settlements", "/audit")
PUBLIC_PAGES = ("/sign-in", "/verify")


def settled(page: Page) -> None:
    """Everything that was loading has arrived."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=15_000)


def examine(visitor: Visitor, path: str, label: str) -> list[str]:
    """What is wrong with a page at each width; a picture of each."""
    found: list[str] = []
    visitor.open(path)
    for width in WIDTHS:
        visitor.page.set_viewport_size({"width": width, "height": 900})
        settled(visitor.page)
        visitor.shoot(f"{label}-{width}")
        problems = visitor.accessibility() + visitor.flaws()
        found += [f"{path} at {width}: {each}" for each in problems]
    return found


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-") or "overview"


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def themed(browser: Browser, platform: Platform, theme: str) -> Iterator[Visitor]:
    with open_visitor(browser, platform.url, color_scheme=theme) as found:
        yield found


def test_a_participants_pages(themed: Visitor, platform: Platform, theme: str) -> None:
    steps.sign_in(themed, steps.ALDER)
    with platform.api("alder") as api:
        order = api.get("/orders").json()["items"][0]["order_id"]
        instruction = api.get("/instructions").json()["items"][0]["instruction_id"]
        event = api.get("/events", params={"order": "desc"}).json()["items"][0]["event_id"]
    details = (
        f"/orders/{order}", f"/settlements/{instruction}", f"/sign/{instruction}",
        f"/audit/events/{event}", f"/audit/streams/order-{order}",
    )  # fmt: skip
    labels = ("order", "settlement", "sign", "event", "stream")
    pages = [
        *((path, name_of(path)) for path in PARTY_PAGES),
        *zip(details, labels, strict=True),
    ]
    found = [each for path, label in pages for each in examine(themed, path, f"{theme}-{label}")]
    assert found == []


def test_the_venues_pages(themed: Visitor, platform: Platform, theme: str) -> None:
    steps.sign_in(themed, steps.VENUE)
    with platform.api("operator") as api:
        trade = api.get("/settlements").json()["items"][0]["trade_id"]
    pages = [*((path, name_of(path)) for path in VENUE_PAGES), (f"/settlements/{trade}", "trade")]
    found = [
        each for path, label in pages for each in examine(themed, path, f"{theme}-venue-{label}")
    ]
    assert found == []


def test_pages_for_everybody(themed: Visitor, theme: str) -> None:
    found = [
        each
        for path in PUBLIC_PAGES
        for each in examine(themed, path, f"{theme}-public-{name_of(path)}")
    ]
    assert found == []


def test_the_keyboard_reaches_the_content_first(visitor: Visitor) -> None:
    page = steps.sign_in(visitor, steps.ALDER)
    page.reload()
    settled(page)
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_contain_text("Skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_deep_link_survives_signing_in(visitor: Visitor) -> None:
    page = visitor.open("/orders")
    page.get_by_role("button", name=steps.ALDER).click()
    expect(page).to_have_url(f"{visitor.url}/orders")
    expect(page).to_have_title("Orders · Tallystick")
