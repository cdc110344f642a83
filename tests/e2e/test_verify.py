"""Anybody checks a proof on the public page: no session, nothing uploaded, verdicts kept apart."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from scripts.running import Platform
from tests.e2e.actors import Visitor, open_visitor
from tests.e2e.wallet import INIT, InjectedWallet, demo_account

CHECKS = ("entry", "signature", "inclusion", "checkpoint", "witnesses", "anchor")
TRUST_INPUTS = ("policy.txt", "keys", "trust")


def bundle(platform: Platform) -> list[Path]:
    """A proof that the demonstration wrote: the finality of its trade, with all trust inputs."""
    proof = next(platform.demo.glob("*-settlement.finalised.tlog-proof"))
    parts = [proof.with_suffix(suffix) for suffix in (".event", ".tlog-proof", ".anchor")]
    return [*parts, *(platform.demo / name for name in TRUST_INPUTS)]


def payloads(paths: list[Path]) -> list[FilePayload]:
    return [
        {"name": path.name, "mimeType": "application/octet-stream", "buffer": path.read_bytes()}
        for path in paths
    ]


def give(page: Page, files: list[FilePayload]) -> Locator:
    """Drop files on the page; the headline they lead to."""
    page.get_by_label("Choose files").set_input_files(files)
    return page.locator("[data-headline]")


def own(page: Page) -> None:
    """Say that the trust inputs are the reader's own: before that they are the giver's word."""
    headline = page.locator("[data-headline]")
    expect(headline).to_contain_text("on the word of whoever gave policy, keys and trust")
    page.get_by_label("These policy, keys and trust files are mine, not the sender's").check()


def status(page: Page, check: str) -> str | None:
    return page.locator(f"[data-check={check}]").get_attribute("data-status")


def test_a_bundle_with_its_own_trust_is_verified_without_asking_the_server(
    visitor: Visitor, platform: Platform
) -> None:
    page = visitor.open("/verify")
    expect(page.get_by_role("heading", level=1)).to_have_text("Verify a proof")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    headline = give(page, payloads(bundle(platform)))
    own(page)
    expect(headline).to_have_text("Verified: signed, included and anchored")
    assert [status(page, check) for check in CHECKS] == ["ok"] * len(CHECKS)
    assert [each for each in sent if not each.startswith("GET")] == []
    visitor.shoot("verify-good")


def test_it_works_with_the_network_gone(visitor: Visitor, platform: Platform) -> None:
    page = visitor.open("/verify")
    files = payloads(bundle(platform))
    expect(page.get_by_label("Choose files")).to_be_attached()
    page.wait_for_load_state("networkidle")
    visitor.tolerate("ERR_INTERNET_DISCONNECTED")
    visitor.context.set_offline(True)
    headline = give(page, files)
    own(page)
    expect(headline).to_have_text("Verified: signed, included and anchored")


@pytest.mark.parametrize("part", [".event", ".tlog-proof", ".anchor"])
def test_a_changed_byte_is_refused(visitor: Visitor, platform: Platform, part: str) -> None:
    files = payloads(bundle(platform))
    spoiled = next(each for each in files if each["name"].endswith(part))
    data = bytearray(spoiled["buffer"])
    data[len(data) // 2] ^= 1
    spoiled["buffer"] = bytes(data)
    headline = give(visitor.open("/verify"), files)
    expect(headline).to_have_text(re.compile(r"^(Failed|Malformed|Cannot be checked)"))
    visitor.shoot(f"verify-changed{part.replace('.', '-')}")


def test_without_a_trusted_block_the_anchor_stays_open(
    visitor: Visitor, platform: Platform
) -> None:
    files = [each for each in payloads(bundle(platform)) if each["name"] != "trust"]
    page = visitor.open("/verify")
    headline = give(page, files)
    expect(headline).to_have_text("Included; anchor not checked yet")
    page.get_by_label("this server (not independent)").check()
    page.get_by_role("button", name="Check the block").click()
    expect(headline).to_contain_text("on this server's word")
    visitor.shoot("verify-servers-word")


def test_the_wallets_own_node_answers_for_the_block(browser: Browser, platform: Platform) -> None:
    wallet = InjectedWallet(demo_account(platform.demo, "alder"), platform.chain_url)
    with open_visitor(browser, platform.url, init_script=INIT) as visitor:
        visitor.page.expose_binding("__walletRpc", wallet.answer)
        files = payloads(bundle(platform))
        trust = next(each for each in files if each["name"] == "trust")
        lines = trust["buffer"].splitlines(keepends=True)
        trust["buffer"] = b"".join(each for each in lines if not each.startswith(b"block "))
        page = visitor.open("/verify")
        headline = give(page, files)
        expect(headline).to_have_text("Included; anchor not checked yet")
        page.get_by_label("Test Wallet: your wallet's own node").check()
        page.get_by_role("button", name="Check the block").click()
        own(page)
        expect(headline).to_have_text("Verified: signed, included and anchored")
        assert "eth_getBlockByNumber" in wallet.asked
        visitor.shoot("verify-by-wallet")


def test_what_is_no_proof_is_said_so(visitor: Visitor) -> None:
    page = visitor.open("/verify")
    page.get_by_label("Choose files").set_input_files(
        [{"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff"}]
    )
    expect(page.get_by_role("alert")).to_contain_text("holiday.jpg")
    visitor.shoot("verify-no-proof")
