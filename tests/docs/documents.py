"""Reading our Markdown: documents, prose without code blocks, headings as GitHub anchors them."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SKIPPED = {".venv", "node_modules", "var", ".git", "dist", "build", ".hypothesis"}
_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


@cache
def documents() -> tuple[Path, ...]:
    """Every Markdown file of the repository's own."""
    top = sorted(ROOT.glob("*.md"))
    return (*top, *sorted((ROOT / "docs").rglob("*.md")))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def fences(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks of one language."""
    return [body for kind, body in _FENCE.findall(text) if kind == language]


def prose(text: str) -> str:
    """The text without fenced blocks."""
    return _FENCE.sub("", text)


def headings(text: str) -> list[str]:
    return re.findall(r"^#{1,6} +(.+?) *$", prose(text), re.MULTILINE)


def anchor(heading: str) -> str:
    """GitHub's anchor of a heading: lower case, punctuation out, blanks as hyphens."""
    plain = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def links(text: str) -> list[str]:
    """Targets of Markdown links outside code."""
    return re.findall(r"\[[^]]*]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(text)))


@cache
def repository_paths() -> frozenset[str]:
    """Files and folders of the checkout, without what set-up and runs make."""
    found = set()
    folders = [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            if path.name in _SKIPPED:
                continue
            found.add(path.relative_to(ROOT).as_posix())
            if path.is_dir():
                folders.append(path)
    return frozenset(found)


@cache
def _endings() -> frozenset[str]:
    return frozenset(
        "/".join(parts[first:])
        for parts in (path.split("/") for path in repository_paths())
        for first in range(len(parts))
    )


def exists(path: str) -> bool:
    """Whether a path of the repository ends like this, component by component."""
    return path.rstrip("/") in _endings()


def find(path: str) -> list[Path]:
    """The files that a document names by the end of their path; those below ``tests`` first."""
    for each in (path, f"tests/{path}"):
        if each in repository_paths():
            return [ROOT / each]
    return [ROOT / each for each in repository_paths() if each.endswith("/" + path)]
