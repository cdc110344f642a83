"""verify.html, the verifier as one file: what is in it, and that it is built alike every time."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

import pytest

from scripts.setup_steps.dashboard import VITE
from tests.anchoring.support import ROOT
from tests.frontend.offline import build

MAX_BYTES = 150_000

pytestmark = pytest.mark.skipif(not VITE.is_file(), reason="the dashboard's packages are not here")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


def inline(text: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)


def test_two_builds_give_the_same_bytes(page: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "again").read_bytes() == page.read_bytes()


def test_it_is_one_file_of_bounded_size(page: Path) -> None:
    names = sorted(path.name for path in page.parent.rglob("*"))
    assert names == ["verify.html", "verify.html.sha256"]
    assert page.stat().st_size <= MAX_BYTES


def test_its_hash_lies_beside_it(page: Path) -> None:
    digest = hashlib.sha256(page.read_bytes()).hexdigest()
    beside = page.with_name("verify.html.sha256").read_text("utf-8")
    assert beside == f"{digest}  verify.html\n"


def test_it_names_nothing_to_load(page: Path) -> None:
    text = page.read_text("utf-8")
    frame = re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href)=", frame)
    assert not re.findall(r"@import|url\(", "".join(inline(text, "style")))
    assert not re.findall(r"\bimport\s*\(|XMLHttpRequest|WebSocket|sendBeacon", text)
    assert str(ROOT) not in text


def test_its_rules_allow_its_own_script_and_style_only(page: Path) -> None:
    text = page.read_text("utf-8")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert found is not None
    rules = dict(rule.split(" ", 1) for rule in found[1].split("; "))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (content,) = inline(text, tag)
        digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    # The rules are read before anything that they govern.
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<script>")
