"""From an order to a verified proof, on the dashboard alone, by both parties of one trade."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.running import CHECKOUT, Platform
from tests.e2e import steps
from tests.e2e.actors import Visitor, open_visitor
from tests.e2e.wallet import INIT, InjectedWallet, demo_account

CHECKS = ("entry", "signature", "inclusion", "checkpoint", "witnesses", "anchor")
FILES = (".event", ".tlog-proof", ".anchor", "policy.txt", "keys", "trust")
_numbers = itertools.count(1)


def wallet_of(platform: Platform, name: str) -> InjectedWallet:
    return InjectedWallet(demo_account(platform.demo, name), platform.chain_url)


def trade(buyer: Visitor, seller: Visitor, quantity: str) -> tuple[str, str]:
    """Two orders that meet; returns their ids (buy, sell)."""
    sold = steps.place_order(seller.page, "AAPL", "sell", quantity)
    seller.shoot("order-placed")
    bought = steps.place_order(buyer.page, "AAPL", "buy", quantity)
    return bought, sold


def sign_by_injected_wallet(visitor: Visitor, wallet: InjectedWallet) -> None:
    page = visitor.page
    page.get_by_role("radio", name="Test Wallet").check()
    page.get_by_role("button", name="Connect the wallet").click()
    sentence = page.locator("[data-sentence]").inner_text()
    assert "AAPL" in sentence
    assert "both or nothing" in sentence
    visitor.shoot("sign-review")
    assert visitor.accessibility() == []
    page.get_by_text("Hashes", exact=True).click()
    visitor.shoot("sign-hashes")
    page.get_by_role("button", name="Sign the trade").click()
    expect(page.get_by_text("You have signed this trade")).to_be_visible()
    assert len(wallet.signed) == 1


def sign_by_development_wallet(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("radio", name=re.compile("Development wallet")).check()
    expect(page.get_by_text("Nothing here has value")).to_be_visible()
    page.get_by_role("button", name="Connect the wallet").click()
    page.get_by_role("button", name="Sign the trade").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-wallet-digest]")).to_be_visible()
    visitor.shoot("sign-development-wallet", full=False)
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("You have signed this trade")).to_be_visible()


def watch_to_finality(visitor: Visitor) -> None:
    """The timeline only ever goes forward while it is looked at."""
    page = visitor.page
    page.get_by_role("link", name="See the settlement").click()
    timeline = page.locator("ol").filter(has_text="Instructed").first
    expect(timeline).to_be_visible()
    visitor.shoot("settlement-under-way")
    reached = 0

    def look() -> bool:
        nonlocal reached
        done = timeline.locator("li", has_text=", done").count()
        assert done >= reached, "the timeline jumped back"
        reached = done
        return "Final, done" in timeline.inner_text().replace("\n", "")

    steps.until("finality on the page", look, 120)
    visitor.shoot("settlement-final")
    assert visitor.accessibility() == []


def anchor_now(browser: Browser, platform: Platform) -> None:
    """The venue asks for the present size to be anchored, and sees it become final."""
    with open_visitor(browser, platform.url) as venue:
        page = steps.sign_in(venue, steps.VENUE)
        with platform.api("operator") as api:
            size = api.get("/status").raise_for_status().json()["log"]["size"]
            steps.go(page, "Log")
            page.get_by_role("button", name="Anchor now").click()

            def covered() -> bool:
                rows = api.get("/anchors").raise_for_status().json()["items"]
                return any(each["state"] == "FINAL" and each["size"] >= size for each in rows)

            steps.until("the anchor's finality", covered, 120)
        expect(page.get_by_role("row").filter(has_text="finalized").first).to_be_visible()
        venue.shoot("venue-anchored")


def prove_in_two_clicks(visitor: Visitor, folder: Path) -> dict[str, Path]:
    """Audit page: a row, its proof, verified in the page; the downloaded files by name."""
    page = visitor.page
    steps.go(page, "Log")
    row = page.get_by_role("row").filter(has_text="instruction.settled").first
    row.get_by_role("button", name=re.compile("Proof of")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-headline]")).to_have_text(
        "Included; anchor not checked yet", timeout=30_000
    )
    dialog.get_by_label("Test Wallet: your wallet's own node").check()
    dialog.get_by_role("button", name="Check the block").click()
    for check in CHECKS:
        verdict = dialog.locator(f"[data-check={check}]")
        expect(verdict).to_have_attribute("data-status", "ok")
    # Keys and policy came from this server: all fits, and the page does not claim more.
    expect(dialog.locator("[data-headline]")).to_contain_text("on this server's word")
    visitor.shoot("audit-proof", full=False)
    assert visitor.accessibility() == []
    return {name: download(page, name, folder) for name in FILES}


def download(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def trust_the_block(files: dict[str, Path], chain_url: str) -> None:
    """Add the anchor's block, as a node of one's own gives it, to the downloaded trust file."""
    number = json.loads(files[".anchor"].read_text("utf-8"))["block_number"]
    question = {
        "jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": [hex(number), False]
    }  # fmt: skip
    block = httpx.post(chain_url, json=question, timeout=10).json()["result"]
    with files["trust"].open("a", encoding="ascii") as trust:
        trust.write(f"block {number} {block['hash']}\n")


def by_the_command(files: dict[str, Path]) -> str:
    """What ``tally verify`` says of the files the page gave."""
    done = subprocess.run(
        [
            sys.executable, "-m", "backend", "verify", str(files[".tlog-proof"]),
        ],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def test_from_order_to_verified_proof(browser: Browser, platform: Platform, tmp_path: Path) -> None:
    wallet = wallet_of(platform, "alder")
    with (
        open_visitor(browser, platform.url, init_script=INIT) as alder,
        open_visitor(browser, platform.url) as birch,
    ):
        alder.page.expose_binding("__walletRpc", wallet.answer)
        steps.sign_in(alder, steps.ALDER)
        steps.sign_in(birch, steps.BIRCH)
        alder.shoot("overview")
        trade(buyer=alder, seller=birch, quantity="10")
        steps.open_signing(alder.page)
        sign_by_injected_wallet(alder, wallet)
        steps.open_signing(birch.page)
        sign_by_development_wallet(birch)
        watch_to_finality(alder)
        anchor_now(browser, platform)
        files = prove_in_two_clicks(alder, tmp_path)
    said = by_the_command(files)
    assert said.startswith("exit 4\n"), said  # valid; no block is trusted yet
    trust_the_block(files, platform.chain_url)
    said = by_the_command(files)
    assert said.startswith("exit 0\n"), said


@pytest.fixture
def unsigned(platform: Platform) -> str:
    """An instruction of Alder's that waits for its signature, made over the API."""
    with platform.api("alder") as alder, platform.api("birch") as birch:
        account = {name: platform.cast()[name]["account_id"] for name in ("alder", "birch")}
        rows = alder.get("/securities").raise_for_status().json()
        listed = rows["items"] if isinstance(rows, dict) else rows
        security = next(each["security_id"] for each in listed if each["ticker"] == "AAPL")
        now = alder.get("/status").json()["now"][:10]
        close = alder.get(f"/securities/{security}/price", params={"on": now}).json()["close"]
        order = {"security_id": security, "quantity": "1", "limit_price": close}
        ids = []
        for api, name, side in ((birch, "birch", "sell"), (alder, "alder", "buy")):
            body = {
                **order, "account_id": account[name], "side": side,
                "client_order_id": f"e2e-{side}-{next(_numbers)}",
            }  # fmt: skip
            key = {"Idempotency-Key": body["client_order_id"]}
            placed = api.post("/orders", json=body, headers=key).raise_for_status()
            ids.append(placed.json()["order_id"])
        found = steps.until("the instruction", lambda: steps.instruction_of(alder, ids[1]))
        return str(found["instruction_id"])


@pytest.mark.parametrize("kind", ["rejects", "wrong chain", "wrong key"])
def test_a_wallet_that_does_not_sign_as_asked_sends_nothing(
    browser: Browser, platform: Platform, unsigned: str, kind: str
) -> None:
    wallet = wallet_of(platform, "alder")
    match kind:
        case "rejects":
            wallet.rejects, said = True, re.compile("rejected")
        case "wrong chain":
            wallet.chain_id, said = 1, re.compile("chain")
        case _:
            wallet.signs_with = demo_account(platform.demo, "birch")
            said = re.compile("not sent|not yours|another")
    with open_visitor(browser, platform.url, init_script=INIT) as visitor:
        visitor.page.expose_binding("__walletRpc", wallet.answer)
        posted: list[str] = []
        page = steps.sign_in(visitor, steps.ALDER)
        page.on("request", lambda each: posted.append(each.url) if each.method == "POST" else None)
        visitor.open(f"/sign/{unsigned}")
        page.get_by_role("radio", name="Test Wallet").check()
        page.get_by_role("button", name="Connect the wallet").click()
        if kind != "wrong chain":
            page.get_by_role("button", name="Sign the trade").click()
        expect(page.get_by_role("alert").filter(has_text=said).first).to_be_visible()
        visitor.shoot(f"sign-{kind.replace(' ', '-')}")
        assert [each for each in posted if "/signature" in each] == []
        assert visitor.accessibility() == []
