"""What a page shows while it waits, fails, has nothing to show, and when trading stops."""

import re
import uuid
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from scripts.running import Platform
from tests.e2e import steps
from tests.e2e.actors import Visitor, open_visitor


@pytest.fixture
def newcomer(platform: Platform) -> str:
    """The API token of a participant who has just been registered and owns nothing."""
    participant = str(uuid.uuid4())
    with platform.api("operator") as api:
        api.put(f"/participants/{participant}", json={"name": "Cedar Trust"}).raise_for_status()
        issued = api.post(
            f"/participants/{participant}/tokens",
            json={"label": "first", "roles": ["investor", "trader"]},
        )
        return str(issued.raise_for_status().json()["token"])


def test_someone_new_is_told_what_will_be_here(visitor: Visitor, newcomer: str) -> None:
    page = visitor.open("/")
    page.get_by_role("textbox", name="API token").fill(newcomer)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")
    for path in ("/", "/orders", "/settlements", "/audit"):
        visitor.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)
        visitor.shoot(f"empty-{path.strip('/') or 'overview'}")
        assert visitor.flaws() == []
        assert visitor.accessibility() == []


def test_a_wrong_token_is_refused_in_words(visitor: Visitor) -> None:
    visitor.tolerate("401")
    page = visitor.open("/sign-in")
    page.get_by_role("textbox", name="API token").fill("not-a-token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("not known or has expired")).to_be_visible()
    visitor.shoot("sign-in-refused")


def test_loading_shows_the_shape_of_what_comes(visitor: Visitor) -> None:
    page = steps.sign_in(visitor, steps.ALDER)
    held: list[Route] = []
    page.route(re.compile(r"/api/v1/(orders|securities)"), lambda route: held.append(route))
    steps.go(page, "Orders")
    expect(page.locator("[aria-busy=true]").first).to_be_visible()
    visitor.shoot("loading-orders")
    for route in held:
        route.continue_()
    page.unroute_all(behavior="ignoreErrors")
    expect(page.get_by_label("Quantity, whole units")).to_be_visible()


def test_one_failing_part_says_so_and_can_be_repeated(visitor: Visitor) -> None:
    visitor.tolerate("503")
    page = steps.sign_in(visitor, steps.ALDER)
    problem = {
        "type": "/docs/errors#database-unavailable", "title": "Service Unavailable", "status": 503,
        "detail": "The database does not answer.", "code": "database-unavailable",
        "retryable": True, "instance": "urn:uuid:0190b0c0-0000-7000-8000-000000000000",
    }  # fmt: skip
    page.route(
        re.compile(r"/api/v1/orders\?"),
        lambda route: route.fulfill(
            status=503, json=problem, headers={"content-type": "application/problem+json"}
        ),
    )
    steps.go(page, "Orders")
    expect(page.get_by_text("The database does not answer.")).to_be_visible(timeout=30_000)
    expect(page.get_by_label("Quantity, whole units")).to_be_visible()
    visitor.shoot("error-orders")
    page.unroute_all(behavior="ignoreErrors")
    page.get_by_role("button", name=re.compile("again|retry", re.IGNORECASE)).first.click()
    expect(page.get_by_text("The database does not answer.")).to_have_count(0)


def test_losing_the_server_is_shown(visitor: Visitor) -> None:
    visitor.tolerate("net::ERR_")
    page = steps.sign_in(visitor, steps.ALDER)
    expect(page.get_by_role("heading", name="Net asset value")).to_be_visible()
    visitor.context.set_offline(True)
    expect(page.get_by_text(re.compile("offline", re.IGNORECASE)).first).to_be_visible(
        timeout=30_000
    )
    visitor.shoot("offline")
    visitor.context.set_offline(False)


@pytest.fixture
def stopped(platform: Platform) -> Iterator[httpx.Client]:
    """Trading stopped for the whole venue, and let go again."""
    with platform.api("operator") as api:
        reason = {"reason": "price moved 12 % in 5 minutes"}
        api.post("/circuit-breakers/venue/trip", json=reason).raise_for_status()
        try:
            yield api
        finally:
            api.post("/circuit-breakers/venue/reset", json={"reason": "over"})


def test_a_stop_is_announced_and_blocks_the_ticket(visitor: Visitor, stopped: httpx.Client) -> None:
    page = steps.sign_in(visitor, steps.ALDER)
    banner = page.get_by_role("alert").filter(has_text="price moved 12 % in 5 minutes")
    expect(banner).to_be_visible()
    steps.go(page, "Orders")
    page.get_by_label("Quantity, whole units").fill("1")
    expect(page.get_by_role("button", name="Place the buy order")).to_have_attribute(
        "aria-disabled", "true"
    )
    visitor.shoot("breaker-orders")
    assert visitor.accessibility() == []
    stopped.post("/circuit-breakers/venue/reset", json={"reason": "over"}).raise_for_status()
    expect(banner).to_have_count(0, timeout=30_000)


def test_the_operator_stops_and_restarts_trading(browser: Browser, platform: Platform) -> None:
    with open_visitor(browser, platform.url) as visitor:
        page = steps.sign_in(visitor, steps.VENUE)
        page.get_by_role("button", name=re.compile("stop|trip", re.IGNORECASE)).first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Reason").fill("drill")
        visitor.shoot("venue-stop-dialog", full=False)
        dialog.get_by_role("button", name=re.compile("stop|trip", re.IGNORECASE)).click()
        banner = page.get_by_role("alert").filter(has_text="drill")
        expect(banner).to_be_visible()
        visitor.shoot("venue-stopped")
        page.get_by_role(
            "button", name=re.compile("resume|reset|restart", re.IGNORECASE)
        ).first.click()
        dialog.get_by_label("Reason").fill("drill over")
        dialog.get_by_role("button", name=re.compile("resume|reset|restart", re.IGNORECASE)).click()
        expect(banner).to_have_count(0)
