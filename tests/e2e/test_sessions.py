"""Whose data a browser shows: one session at a time, also across tabs and the Back button."""

from playwright.sync_api import Page, Playwright, expect

from scripts.running import BROWSER_FLAGS, Platform
from tests.e2e import steps
from tests.e2e.actors import Visitor, open_visitor


def sign_out(page: Page) -> None:
    page.get_by_role("button", name=steps.ALDER).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_another_tabs_sign_in_is_this_tabs_too(visitor: Visitor) -> None:
    page = steps.sign_in(visitor, steps.ALDER)
    expect(page.get_by_role("heading", name="Net asset value")).to_be_visible()
    other = visitor.context.new_page()
    other.goto(visitor.url + "/")
    sign_out(other)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    other.get_by_role("button", name=steps.BIRCH).click()
    expect(other.get_by_text("Birch Partners main")).to_be_visible()
    expect(page.get_by_text("Birch Partners main")).to_be_visible()
    expect(page.get_by_text("Alder Capital main")).to_have_count(0)


def test_nothing_is_left_behind_the_back_button(
    playwright: Playwright, chromium: str, platform: Platform
) -> None:
    """With the back/forward cache on, as people have it and test drivers do not."""
    browser = playwright.chromium.launch(
        executable_path=chromium,
        args=list(BROWSER_FLAGS),
        ignore_default_args=["--disable-back-forward-cache"],
    )
    try:
        with open_visitor(browser, platform.url) as visitor:
            page = steps.sign_in(visitor, steps.ALDER)
            expect(page.get_by_text("Alder Capital main")).to_be_visible()
            sign_out(page)
            page.go_back()
            expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
            expect(page.get_by_text("Alder Capital main")).to_have_count(0)
            visitor.shoot("back-after-sign-out")
    finally:
        browser.close()
