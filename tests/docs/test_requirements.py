"""docs/requirements.md speaks of every requirement once, and its header counts what it says."""

import re
from collections import Counter

from tests.docs.documents import ROOT

TEXT = (ROOT / "docs" / "requirements.md").read_text("utf-8")
# Rows of each group in the requirements document.
GROUPS = {
    "ARC": 56, "EVT": 26, "REF": 23, "PFL": 63, "MKT": 36, "COR": 21, "TRD": 36, "CMP": 16,
    "SET": 10, "PER": 20, "RSK": 19, "OPT": 10, "ATT": 7, "FAC": 6, "ESG": 6, "SIM": 8, "RTM": 17,
    "JOB": 12, "API": 35, "SEC": 28, "OBS": 15, "UIX": 35, "IMP": 11, "TST": 21, "OPS": 21,
    "GOV": 8,
}  # fmt: skip
STATES = ("done", "partly", "not yet")
CORRECTIONS = (ROOT / "docs" / "seed-corrections.md").read_text("utf-8")


def rows(text):
    """(id, state) of every table row."""
    return re.findall(r"^\| ([A-Z]{1,3}-\d+) \| ([a-z ]+) \|", text, re.MULTILINE)


def listed(text):
    """Ids of the "Not yet" sentence below a group's table; what stands in brackets is a note."""
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        group = section.split()[0] if section.split() else ""
        sentence = re.search(r"^Not yet[^:]*: ([^.]*)\.", section, re.MULTILINE)
        if group not in GROUPS or sentence is None:
            continue
        for part in re.sub(r"\([^)]*\)", "", sentence[1]).split(","):
            first, _, last = part.strip().partition("–")
            for number in range(int(first), int(last or first) + 1):
                yield f"{group}-{number:03d}"


def states(text):
    return [*rows(text), *((each, "not yet") for each in listed(text))]


def test_every_requirement_is_spoken_of_exactly_once():
    expected = {f"{g}-{n:03d}" for g, count in GROUPS.items() for n in range(1, count + 1)}
    counts = Counter(each for each, _ in states(TEXT) if each.split("-")[0] in GROUPS)
    assert {each for each, count in counts.items() if count > 1} == set()
    assert expected - set(counts) == set()
    assert set(counts) - expected == set()


def test_every_state_is_one_of_three():
    assert {state for _, state in states(TEXT)} <= set(STATES)


def test_the_header_counts_what_the_rows_say():
    counts = Counter(state for each, state in states(TEXT) if each.split("-")[0] in GROUPS)
    header = re.search(
        r"Of (\d+) rows (\d+) are done, (\d+) partly, (\d+) not yet", " ".join(TEXT.split())
    )
    assert header is not None
    assert [int(each) for each in header.groups()] == [
        sum(GROUPS.values()),
        *(counts[state] for state in STATES),
    ]


def test_every_done_row_names_a_test_or_says_that_none_does():
    for line in TEXT.splitlines():
        if re.match(r"^\| [A-Z]{1,3}-\d+ \| done \|", line):
            assert [cell for cell in line.strip("| ").split(" | ") if cell.strip()], line
            assert line.rstrip(" |").split(" | ")[-1].strip(), line


def test_gaps_and_seed_errors_are_all_there():
    gaps = {each for each, _ in rows(TEXT) if each.startswith("G-")}
    sentence = re.search(r"^Not yet: (G-[^.]*)\.", TEXT, re.MULTILINE)
    assert sentence is not None
    gaps |= set(sentence[1].split(", "))
    assert gaps == {f"G-{n:02d}" for n in range(1, 23)}
    errors = [each for each, _ in rows(TEXT) if each.startswith("E-")]
    assert errors == [f"E-{n:02d}" for n in range(1, 22)]


def test_the_seed_corrections_have_an_entry_and_a_test_or_say_not_built():
    entries = re.split(r"^## (?=E-)", CORRECTIONS, flags=re.MULTILINE)[1:]
    assert [each[:4] for each in entries] == [f"E-{n:02d}" for n in range(1, 22)]
    for entry in entries:
        for part in ("Seed", "Right", "Why", "Where"):
            assert f"- **{part}**" in entry, entry[:40]
        tested = re.search(rf"\b{entry[:4].lower().replace('-', '')}_\w+", entry)
        assert tested or "**not built**" in entry, entry[:40]


def test_the_counting_notices_a_row_that_is_missing_or_double():
    some = "## ARC\n\n| ARC-001 | done | x | y |\n\nNot yet (issues): 002–003, 005 (004 above).\n"
    assert [each for each, _ in states(some)] == ["ARC-001", "ARC-002", "ARC-003", "ARC-005"]
