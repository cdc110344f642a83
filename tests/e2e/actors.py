"""A person at a browser: one profile, one page, and everything the console says is kept."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

CHECKOUT = Path(__file__).resolve().parents[2]
SHOTS = CHECKOUT / "var" / "e2e"
AXE = CHECKOUT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_FLAWS = (Path(__file__).parent / "flaws.js").read_text("utf-8")
_numbers = itertools.count(1)
# What must never reach a reader: values that were not there, or objects shown as text.
_LEFTOVERS = r"\bNaN\b|\bundefined\b|\bnull\b|Invalid Date|\[object "


class Visitor:
    """A page with its complaints: console errors, uncaught errors, failed requests."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self.tolerated: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("requestfailed", self._failed)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def tolerate(self, part: str) -> None:
        """Expect complaints that hold ``part`` (a refusal that the test provokes)."""
        self.tolerated.append(part)

    def shoot(self, name: str, *, full: bool = True) -> Path:
        """Keep a picture of the whole page from its top, or of what the window shows."""
        if full:
            self.page.evaluate("window.scrollTo(0, 0)")
        path = SHOTS / f"{next(_numbers):02d}-{name}.png"
        self.page.screenshot(path=path, full_page=full, animations="disabled")
        return path

    def accessibility(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA and its best practices, a line each."""
        # Evaluated through the debugger, so the page's own policy need not allow it.
        self.page.evaluate(AXE.read_text("utf-8") + "; void 0")
        found: dict[str, Any] = self.page.evaluate(
            "tags => window.axe.run(document, {runOnly: tags})", AXE_TAGS
        )
        return [
            f"{each['id']}: {node['html'][:160]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def flaws(self) -> list[str]:
        """What axe does not see: sideways scrolling, tiny text, values that were not there."""
        found: list[str] = self.page.evaluate(_FLAWS, _LEFTOVERS)
        return found

    def complained(self) -> list[str]:
        return [
            each for each in self.complaints if not any(part in each for part in self.tolerated)
        ]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text} {message.location}")

    def _failed(self, request: Request) -> None:
        # Leaving a page, or closing a stream, aborts what it was still reading.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"request failed: {request.url} {request.failure}")


@contextmanager
def open_visitor(
    browser: Browser, url: str, *, init_script: str | None = None, **options: Any
) -> Iterator[Visitor]:
    """A fresh profile; at the end nothing may have been complained about."""
    settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, **options}
    context = browser.new_context(**settings)
    if init_script:
        context.add_init_script(init_script)
    visitor = Visitor(context, url)
    try:
        yield visitor
        complained = visitor.complained()
        assert complained == [], complained
    finally:
        context.close()
