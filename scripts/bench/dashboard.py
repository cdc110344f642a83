"""What a first visit costs: bytes of script before anything shows, and the largest paint.

Pages of a real, running platform in a headless Chromium with an empty cache, desktop, and as
Lighthouse's mobile profile: processor four times slower, 1.6 Mbit/s down, 150 ms round trips.
"""

import gzip
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from scripts.bench.report import Figure
from scripts.running import BROWSER_FLAGS, CHECKOUT, find_chromium, running_platform

DIST = CHECKOUT / "frontend" / "dist"
ROUNDS = 5
MAX_SCRIPT_KB, MAX_PAINT_MS = 150, 2_500
SETTLE_MS = 1_500
MOBILE_CPU = 4
MOBILE_NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_638_400 / 8,
    "uploadThroughput": 750_000 / 8,
}
_PAINT = """() => new Promise((resolve) => {
  let last = 0;
  const watch = new PerformanceObserver((list) => {
    for (const each of list.getEntries()) last = each.startTime;
  });
  watch.observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => resolve(last), SETTLE);
})""".replace("SETTLE", str(SETTLE_MS))


def figures() -> list[Figure]:
    """Script bytes from the build, paints from a running platform (none without a Chromium)."""
    return [*_script(), *_paints()]


def initial_script_kb(dist: Path = DIST) -> float:
    """KB (1,000 bytes) of gzipped script that index.html loads before it can show anything."""
    manifest: dict[str, Any] = json.loads((dist / ".vite" / "manifest.json").read_text("utf-8"))
    wanted = [name for name, chunk in manifest.items() if chunk.get("isEntry")]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            wanted += manifest[name].get("imports", [])
    files = (dist / manifest[name]["file"] for name in seen)
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) / 1_000


def _script() -> list[Figure]:
    size = initial_script_kb()
    return [
        Figure(
            "dashboard: initial script, gzipped", size, "KB", "peers: 107 KB to 1,143 KB", None,
            f"<= {MAX_SCRIPT_KB}", size <= MAX_SCRIPT_KB,
        )
    ]  # fmt: skip


def _paints() -> list[Figure]:
    chromium = find_chromium()
    if chromium is None:
        sys.stderr.write("no Chromium: paints are not measured … ")
        return []
    with running_platform() as platform, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_FLAGS))
        token = platform.cast()["alder"]["token"]
        found = [
            _paint(browser, platform.url, path, token, mobile=mobile)
            for mobile in (False, True)
            for path in ("/", "/verify")
        ]
        browser.close()
    return found


def _paint(browser: Browser, url: str, path: str, token: str, *, mobile: bool) -> Figure:
    value = median(_largest_paint(browser, url, path, token, mobile=mobile) for _ in range(ROUNDS))
    kind = "mobile (4 x slower, 1.6 Mbit/s)" if mobile else "desktop"
    return Figure(
        f"dashboard: largest contentful paint of {path}, {kind}", value, "ms",
        "wealthfolio 7,900 mobile, 1,400 desktop", None, f"<= {MAX_PAINT_MS:,}",
        value <= MAX_PAINT_MS,
    )  # fmt: skip


def _largest_paint(browser: Browser, url: str, path: str, token: str, *, mobile: bool) -> float:
    """Milliseconds from navigation to the largest paint, signed in, with an empty cache."""
    width, height = (390, 844) if mobile else (1280, 900)
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=url)
    try:
        context.request.post("/api/v1/sessions", data={"token": token})
        context.add_init_script("localStorage.setItem('tallystick.signed-in', '1')")
        page = context.new_page()
        if mobile:
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            session.send("Network.emulateNetworkConditions", MOBILE_NETWORK)
            session.send("Emulation.setCPUThrottlingRate", {"rate": MOBILE_CPU})
        page.goto(path)
        page.wait_for_load_state()
        page.wait_for_timeout(SETTLE_MS * (2 if mobile else 1))
        return float(page.evaluate(_PAINT))
    finally:
        context.close()
