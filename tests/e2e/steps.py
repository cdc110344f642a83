"""What people do on the dashboard, in their words: sign in, order, open what waits for them."""

import time
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.actors import Visitor

SECONDS = 60_000
ALDER, BIRCH, VENUE = "Alder Capital", "Birch Partners", "Tallystick Venue"


def sign_in(visitor: Visitor, name: str) -> Page:
    """As one of the demonstration's participants, from the first page there is."""
    page = visitor.open("/")
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")
    return page


def go(page: Page, name: str) -> None:
    """By the navigation, whichever the width shows."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()


def place_order(page: Page, ticker: str, side: str, quantity: str) -> str:
    """A limit order at the last close; returns the order's id."""
    go(page, "Orders")
    security = page.get_by_label("Security")
    expect(security).to_be_visible()
    option = security.locator("option", has_text=ticker).first.get_attribute("value")
    security.select_option(option or "")
    page.get_by_role("radio", name=side.capitalize()).check(force=True)
    page.get_by_label("Quantity, whole units").fill(quantity)
    expect(page.get_by_label("Limit price")).not_to_have_value("")
    page.get_by_role("button", name=f"Place the {side} order").click()
    accepted = page.get_by_role("link", name="See the order")
    expect(accepted).to_be_visible()
    return str(accepted.get_attribute("href")).rsplit("/", 1)[-1]


def open_signing(page: Page) -> None:
    """From the overview to what waits for a signature."""
    go(page, "Overview")
    page.get_by_role("link", name="Sign", exact=True).first.click(timeout=SECONDS)
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def until(what: str, look: Callable[[], Any], seconds: float = 60) -> Any:
    """The first truthy answer of ``look``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.25)
    raise AssertionError(f"waited {seconds} s for {what}")


def instruction_of(api: httpx.Client, order_id: str) -> dict[str, Any] | None:
    """The settlement instruction of an order, once there is one."""
    rows = api.get("/instructions").raise_for_status().json()["items"]
    return next((each for each in rows if each["order_id"] == order_id), None)
