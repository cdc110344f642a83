"""A party's account shown complete: all its events, verified in the page and by the command."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from scripts.running import CHECKOUT, Platform
from tests.e2e import steps
from tests.e2e.actors import Visitor
from tests.frontend.kinds import kind_bases

STREAM_FILES = (".events", ".tlog-batch", ".stream", "policy.txt", "keys", "trust")


def account_of(platform: Platform) -> str:
    with platform.api("alder") as api:
        portfolio = api.get("/portfolios").json()["items"][0]["portfolio_id"]
        accounts = api.get(f"/portfolios/{portfolio}/accounts").json()
    return str(accounts[0]["account_id"])


def download(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_an_account_is_proven_complete_in_the_page_and_by_the_command(
    visitor: Visitor, platform: Platform, tmp_path: Path
) -> None:
    page = steps.sign_in(visitor, steps.ALDER)
    page.get_by_role("link", name=re.compile("^Prove .* complete$")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"account-{account_of(platform)}")
    completeness = page.locator("[data-check=completeness]")
    expect(completeness).to_have_attribute("data-status", "ok", timeout=30_000)
    expect(page.locator("[data-complete]")).to_contain_text("are all that the stream account-")
    # The day's trade is anchored, and the index that covers it; somebody has to know the block.
    headline = page.locator("[data-headline]")
    expect(headline).to_have_text("Complete and included; anchor not checked yet")
    page.get_by_label("this server (not independent)").check()
    page.get_by_role("button", name="Check the block").click()
    expect(headline).to_contain_text("on this server's word")
    visitor.shoot("stream-complete")
    assert visitor.accessibility() + visitor.flaws() == []
    files = {name: download(page, name, tmp_path) for name in STREAM_FILES}
    done = subprocess.run(
        [sys.executable, "-m", "backend", "verify", str(files[".stream"])],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    # The trust file names no block, so without a node the anchor stays open.
    assert done.returncode == 4, done.stdout + done.stderr
    assert "complete: " in done.stdout


def test_the_verify_page_takes_a_stream_and_refuses_it_with_an_event_withheld(
    visitor: Visitor,
) -> None:
    page = visitor.open("/verify")
    files = {
        "x.events": kind_bases()["stream"]["events"] or b"",
        "x.tlog-batch": kind_bases()["stream"]["proof"] or b"",
        "x.stream": kind_bases()["stream"]["stream"] or b"",
        "policy.txt": kind_bases()["stream"]["policy"] or b"",
        "keys": kind_bases()["stream"]["keys"] or b"",
    }

    def give(given: dict[str, bytes]) -> None:
        page.get_by_label("Choose files").set_input_files(
            [
                {"name": name, "mimeType": "application/octet-stream", "buffer": data}
                for name, data in given.items()
            ]
        )

    give(files)
    expect(page.locator("[data-headline]")).to_have_text("Complete and included; not anchored yet")
    expect(page.locator("[data-complete]")).to_contain_text("These 4 events are all")
    give({**files, "x.stream": files["x.stream"].replace(b"count 4", b"count 3")})
    expect(page.locator("[data-headline]")).to_have_text("Failed: completeness")
    expect(page.locator("[data-complete]")).to_have_count(0)


def test_the_offline_verifier_is_served_under_its_own_rules(
    visitor: Visitor, platform: Platform, tmp_path: Path
) -> None:
    page = visitor.open("/verify")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download verify.html").click()
    saved = tmp_path / "verify.html"
    waiting.value.save_as(saved)
    digest = hashlib.sha256(saved.read_bytes()).hexdigest()
    expect(page.get_by_text(digest)).to_be_visible()
    page = visitor.open("/verify.html")
    page.get_by_label("Choose files").set_input_files(
        [
            {"name": path.name, "mimeType": "application/octet-stream", "buffer": path.read_bytes()}
            for path in sorted(platform.demo.glob("*-settlement.finalised.*"))
            + [platform.demo / name for name in ("policy.txt", "keys", "trust")]
        ]
    )
    expect(page.locator("#exit")).to_contain_text("0 (verified)")


def test_the_log_page_names_witnesses_keys_and_the_stream_index(visitor: Visitor) -> None:
    page = steps.sign_in(visitor, steps.ALDER)
    steps.go(page, "Log")
    expect(page.get_by_text(re.compile(r"streams over the first [\d,]+ entries"))).to_be_visible()
    keys = page.get_by_role("table", name="Event keys and the entries they may sign")
    expect(keys.get_by_role("row").filter(has_text="in use")).not_to_have_count(0)
    expect(page.get_by_text("The list is signed by the log key")).to_be_visible()
    expect(page.get_by_role("heading", name="Witnesses")).to_be_visible()
    witnesses = page.get_by_role("table", name="Witnesses of the policy")
    for name in ("alder-capital", "birch-partners"):
        expect(witnesses.get_by_role("row").filter(has_text=name)).to_have_count(1)
    visitor.shoot("log")
    assert visitor.accessibility() + visitor.flaws() == []
