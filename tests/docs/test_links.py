"""Every document leads where it says: links, anchors, files, tests, events and diagrams."""

import re
from collections import Counter

import pytest

from backend.kernel.faults import POINTS
from tests.docs.documents import (
    ROOT,
    anchor,
    documents,
    exists,
    fences,
    find,
    headings,
    links,
    name,
    prose,
    repository_paths,
)

DOCUMENTS = pytest.mark.parametrize("path", documents(), ids=name)
SOURCE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|sol|md|toml|json|yml|sh|tsx?|mjs|cjs|txt|in)")
FOLDER = re.compile(r"(?:anchoring|backend|contracts|deploy|docs|frontend|scripts|tests)/[\w./-]*/")
# A cited test file and, after a colon, its functions without "test_".
CITED = re.compile(
    r"`((?:[\w-]+/)*test_\w+\.py)`(?:: ((?:[a-z]\w*_\w+)(?:,\s+(?:[a-z]\w*_\w+))*))?"
)
# Made by set-up or by a run; no file of the checkout.
MADE = (
    "var/", "frontend/dist", "frontend/node_modules", "deploy/secrets", "contracts/ape", "demo/",
    "tests/golden/TYPE",
)  # fmt: skip
DIAGRAMS = ("flowchart", "sequenceDiagram", "stateDiagram-v2")


def text_of(path):
    return path.read_text("utf-8")


@DOCUMENTS
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(path):
    broken = []
    for target in links(text_of(path)):
        if re.match(r"[a-z]+:", target):
            continue
        where, _, fragment = target.partition("#")
        goal = (path.parent / where).resolve() if where else path
        if not goal.exists() or (fragment and fragment not in map(anchor, headings(text_of(goal)))):
            broken.append(target)
    assert broken == []


@DOCUMENTS
def test_e21_headings_of_a_document_lead_to_one_place_each(path):
    if path.name == "CHANGELOG.md":
        pytest.skip("a change log repeats Added and Changed for each version, by its format")
    counts = Counter(map(anchor, headings(text_of(path))))
    assert [each for each, count in counts.items() if count > 1] == []


@DOCUMENTS
def test_every_file_and_folder_that_is_named_is_there(path):
    code = re.findall(r"`([^`\n]+)`", prose(text_of(path)))
    named = [each for each in code if SOURCE.fullmatch(each) or FOLDER.fullmatch(each)]
    named = [
        each.removeprefix("../") for each in named if not each.startswith(("../shared", *MADE))
    ]
    assert [each for each in named if not exists(each)] == []


@DOCUMENTS
def test_every_test_that_is_cited_is_there(path):
    missing = []
    for file, functions in CITED.findall(text_of(path)):
        assert exists(file), file
        for function in re.split(r",\s+", functions) if functions else []:
            defined = f"def test_{function}("
            if not any(defined in each.read_text("utf-8") for each in find(file)):
                missing.append(f"{file}: {function}")
    assert missing == []


@DOCUMENTS
def test_every_event_type_and_fault_point_that_is_named_exists(path):
    samples = [each for each in repository_paths() if each.startswith("tests/golden/")]
    known = {
        match[1] for each in samples if (match := re.search(r"/([a-z_.]+)\.v\d+\.json$", each))
    }
    nouns = {each.split(".")[0] for each in known}
    assert "trade.executed" in known
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", prose(text_of(path))))
    endings = (".md", ".py", ".sol", ".txt", ".json", ".toml", ".key", ".secret", ".token", ".sh")
    wanted = {e for e in named if e.split(".")[0] in nouns and not e.endswith(endings)}
    assert wanted - known - set(POINTS) == set()


@DOCUMENTS
def test_every_diagram_is_of_a_kind_that_is_rendered(path):
    for diagram in fences(text_of(path), "mermaid"):
        lines = [line for line in diagram.splitlines() if line.strip()]
        assert lines[0].split()[0] in DIAGRAMS
        assert sum(line.strip().startswith("subgraph") for line in lines) == (
            sum(line.strip() == "end" for line in lines)
        )
        for opening, closing in ("()", "[]", "{}"):
            assert diagram.count(opening) == diagram.count(closing)
        assert diagram.count('"') % 2 == 0


def test_the_architecture_shows_house_event_trade_keys_and_failures():
    diagrams = fences(text_of(ROOT / "docs" / "architecture.md"), "mermaid")
    assert len(diagrams) >= 6
    for word in ("platform", "AnchorRegistry", "sequenceDiagram", "log.key", "stateDiagram-v2"):
        assert any(word in each for each in diagrams)


def test_every_document_of_the_folder_is_in_its_index():
    index = text_of(ROOT / "docs" / "README.md")
    listed = {target.partition("#")[0] for target in links(index)}
    folder = ROOT / "docs"
    expected = {
        path.relative_to(folder).as_posix()
        for path in documents()
        if path.is_relative_to(folder) and "adr" not in path.relative_to(folder).parts
    } - {"README.md"}
    assert expected <= listed


def test_every_decision_is_in_the_list_of_decisions():
    folder = ROOT / "docs" / "adr"
    listed = set(links(text_of(folder / "README.md")))
    files = {path.name for path in folder.glob("[0-9]*.md")}
    assert files <= listed
    numbers = sorted(int(each[:4]) for each in files)
    assert numbers == list(range(1, len(numbers) + 1))


# ------------------------------------------------------------------ negative controls of the above


def test_the_readers_notice_what_is_broken():
    assert not exists("backend/no_such_module.py")
    assert not exists("ackend/cli.py")
    assert exists("backend/cli.py")
    assert links("see [x](y.md#z) and `[a](b)`\n```\n[c](d)\n```\n") == ["y.md#z"]
    assert anchor("Who may `know` whom, and E-01?") == "who-may-know-whom-and-e-01"
    assert CITED.findall("`a/test_b.py`: one_thing,\n  other_thing; more") == [
        ("a/test_b.py", "one_thing,\n  other_thing")
    ]
