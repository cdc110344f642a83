"""verify.html opened from disk, without a network: the verdicts of `tally verify`, nothing sent."""

from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from scripts.setup_steps.dashboard import VITE
from tests.e2e.actors import Visitor, open_visitor
from tests.frontend.building import judge
from tests.frontend.kind_cases import kind_cases
from tests.frontend.kinds import kind_bases
from tests.frontend.make_vectors import read_bases
from tests.frontend.offline import build

pytestmark = pytest.mark.skipif(not VITE.is_file(), reason="the dashboard's packages are not here")

Files = Mapping[str, bytes | None]
TRUSTED = {"policy": "policy.txt", "keys": "keys", "trust": "trust"}
HEADERS = {b"tallystick/batch@v1": "tlog-batch", b"tallystick/range@v1": "tlog-range"}
MINE = "These policy, keys and trust files are mine, not the sender's"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build(tmp_path_factory.mktemp("offline")).as_uri()


@pytest.fixture
def offline(browser: Browser, address: str) -> Iterator[Visitor]:
    """A reader with the file and no network; nothing but the file may be asked for."""
    with open_visitor(browser, "", offline=True) as found:
        asked: list[str] = []
        found.page.on("request", lambda request: asked.append(request.url))
        found.open(address)
        yield found
        assert asked == [address]


def bases() -> dict[str, Files]:
    return {**read_bases(), **kind_bases()}


def named(files: Files) -> list[FilePayload]:
    """The files of a bundle under the names that the command line looks for."""
    return [
        {"name": name_of(part, data), "mimeType": "application/octet-stream", "buffer": data}
        for part, data in files.items()
        if data is not None
    ]


def name_of(part: str, data: bytes) -> str:
    if part != "proof":
        return TRUSTED.get(part, f"x.{part}")
    header, _, _ = data.partition(b"\n")
    return f"x.{HEADERS.get(header, 'tlog-proof')}"


def give(page: Page, files: Files) -> None:
    page.get_by_role("button", name="Remove all files").click()
    page.get_by_label("Choose files").set_input_files(named(files))


def shown(page: Page) -> tuple[dict[str, str], int]:
    """The verdicts on the page, and the exit code it names."""
    exit_code = page.locator("#exit[data-exit]").get_attribute("data-exit")
    rows = page.locator("[data-check]").evaluate_all(
        "rows => rows.map(({dataset}) => [dataset.check, dataset.status])"
    )
    return dict(rows), int(exit_code or -1)


def expected(files: Files) -> tuple[dict[str, str], int]:
    found = judge(files)
    if "refused" in found:
        return {}, 2
    return {check: status for check, (status, _) in found["verdicts"].items()}, found["exit_code"]


@pytest.mark.parametrize("base", sorted(bases()))
def test_a_whole_bundle_is_verified(offline: Visitor, base: str) -> None:
    files = bases()[base]
    give(offline.page, files)
    headline = offline.page.locator("[data-headline]")
    expect(headline).to_contain_text("on the word of whoever gave policy, keys and trust")
    offline.page.get_by_label(MINE).check()
    expect(headline).to_contain_text("Verified: ")
    assert shown(offline.page) == expected(files)
    assert shown(offline.page)[1] == 0


@pytest.mark.parametrize("base", sorted(bases()))
def test_a_changed_byte_of_any_file_leads_where_the_command_line_says(
    offline: Visitor, base: str
) -> None:
    files = bases()[base]
    for part, data in files.items():
        if part in TRUSTED or data is None:
            continue
        changed = bytearray(data)
        changed[len(data) // 2] ^= 1
        spoiled = {**files, part: bytes(changed)}
        give(offline.page, spoiled)
        assert shown(offline.page) == expected(spoiled), part
        assert shown(offline.page)[1] in (1, 2), part


def test_broken_bundles_lead_where_the_command_line_says(offline: Visitor) -> None:
    cases = [case for case in kind_cases() if case.profile is None][::9]
    assert len(cases) > 20
    for case in cases:
        files = {**bases()[case.base], **case.files}
        if files.get("proof") is None or not (files.get("event") or files.get("events")):
            continue
        give(offline.page, files)
        if offline.page.locator("#exit[data-exit]").count() == 0:
            continue  # a part is still missing, and the page waits for it
        assert shown(offline.page) == expected(files), case.name


def test_a_stream_is_called_complete_in_words(offline: Visitor) -> None:
    give(offline.page, kind_bases()["stream"])
    expect(offline.page.locator("#complete")).to_have_text(
        "These 4 events are all that the stream order-0 has among the first 9 entries of the log. "
        "What was logged later is not covered."
    )
    give(offline.page, kind_bases()["absent"])
    expect(offline.page.locator("#complete")).to_contain_text("order-9 has no event among")


def test_a_pasted_hash_of_the_block_takes_the_place_of_a_trusted_one(offline: Visitor) -> None:
    files = dict(read_bases()["platform"])
    lines = (files["trust"] or b"").splitlines(keepends=True)
    digest = lines[-1].split()[-1].decode()
    files["trust"] = b"".join(lines[:3])
    give(offline.page, files)
    expect(offline.page.locator("#exit")).to_contain_text("4 (valid but not anchored)")
    hash_of_block = offline.page.get_by_label("Hash of block")
    hash_of_block.fill("0x" + "00" * 32)
    offline.page.get_by_role("button", name="Check the block").click()
    expect(offline.page.locator("#exit")).to_contain_text("1 (failed)")
    hash_of_block.fill("no hash")
    offline.page.get_by_role("button", name="Check the block").click()
    expect(offline.page.get_by_role("alert")).to_contain_text("Not a block hash")
    hash_of_block.fill(digest)
    offline.page.get_by_role("button", name="Check the block").click()
    expect(offline.page.locator("#exit")).to_contain_text("0 (verified)")


def test_what_is_no_proof_is_said_so_and_what_was_given_stays(offline: Visitor) -> None:
    page = offline.page
    give(page, read_bases()["platform"])
    page.get_by_label("Choose files").set_input_files(
        [{"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff"}]
    )
    expect(page.get_by_role("alert")).to_contain_text("holiday.jpg is no part of a proof")
    assert shown(page)[1] == 0
    page.get_by_role("button", name="Remove NAME.event").click()
    expect(page.locator("[data-headline]")).to_have_text("The event (.event) is missing.")


def test_the_page_may_ask_nobody(offline: Visitor) -> None:
    """Its own rules forbid a connection, with and without a network."""
    offline.tolerate("Content Security Policy")
    offline.tolerate("violates the")
    blocked = offline.page.evaluate(
        """() => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", (event) =>
            resolve(event.effectiveDirective));
          fetch("https://log.example/").catch(() => undefined);
        })"""
    )
    assert blocked == "connect-src"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible(browser: Browser, address: str, theme: str) -> None:
    with open_visitor(browser, "", offline=True, color_scheme=theme) as visitor:
        page = visitor.open(address)
        for width in (320, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert visitor.accessibility() + visitor.flaws() == []
            give(page, kind_bases()["stream"])
            page.locator("summary").click()
            visitor.shoot(f"offline-{theme}-{width}")
            assert visitor.accessibility() + visitor.flaws() == []
            page.locator("summary").click()
