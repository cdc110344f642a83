"""Fault points: known by name, refused outside development, and as final as ``kill -9``."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend.kernel.faults import POINTS, STAGES, Faults, FaultUnknown
from backend.platform.bootstrap import event_registry
from backend.platform.errors import ConfigurationInvalid
from backend.platform.settings import Settings, load_settings
from scripts.crash import troubles

_CHECKOUT = Path(__file__).resolve().parents[2]
_TYPES = event_registry().types()


def _faults() -> tuple[Faults, list[str]]:
    deaths: list[str] = []
    return Faults(lambda: deaths.append("died")), deaths


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def test_a_point_kills_when_its_turn_comes_and_only_then() -> None:
    faults, deaths = _faults()
    faults.arm("sequencer.moved:3, anchor.evidence", _TYPES)
    faults.reach("sequencer.moved")
    faults.reach("sequencer.signed")
    faults.reach("sequencer.moved")
    assert deaths == []
    faults.reach("sequencer.moved")
    assert deaths == ["died"]
    faults.reach("anchor.evidence")
    assert deaths == ["died", "died"]


def test_nothing_happens_where_nothing_is_armed() -> None:
    faults, deaths = _faults()
    faults.arm("", _TYPES)
    for name in POINTS:
        faults.reach(name)
    faults.reach_all(_TYPES, "committed")
    assert deaths == []


@pytest.mark.parametrize("stage", STAGES)
def test_every_event_type_has_its_three_points(stage: str) -> None:
    for each in _TYPES:
        faults, deaths = _faults()
        faults.arm(f"{each}.{stage}", _TYPES)
        faults.reach_all([each], stage)
        assert deaths == ["died"]


@pytest.mark.parametrize(
    "text",
    ["sequencer.move", "settlement.submitted.sent", "sequencer.moved:0", "sequencer.moved:x", "*"],
)
def test_a_misspelt_point_is_refused(text: str) -> None:
    with pytest.raises(FaultUnknown):
        _faults()[0].arm(text, _TYPES)


def test_every_named_point_is_somewhere_in_the_platform_and_no_other() -> None:
    reached: set[str] = set()
    for path in (_CHECKOUT / "backend").rglob("*.py"):
        reached |= set(re.findall(r'FAULTS\.reach\("([a-z_.]+)"\)', path.read_text("utf-8")))
    subscriptions = {name for name in POINTS if name not in reached}
    assert reached <= set(POINTS)
    assert subscriptions == {
        "matching.committed", "settlement.instructing.committed", "settlement.matching.committed",
        "settlement.books.committed",
    }  # fmt: skip


def test_the_suite_arms_only_what_exists() -> None:
    by_kind = [*troubles.POINTS.values(), troubles.ALWAYS]
    named = [each for kinds in by_kind for points in kinds.values() for each in points]
    _faults()[0].arm(",".join(named), _TYPES)


@pytest.mark.parametrize(
    "elsewhere", [{"TALLYSTICK_CHAIN_ID": "1"}, {"TALLYSTICK_HOST": "0.0.0.0"}]
)
def test_a_process_outside_development_refuses_to_be_armed(
    monkeypatch: pytest.MonkeyPatch, elsewhere: dict[str, str]
) -> None:
    monkeypatch.setenv("TALLYSTICK_FAULTS", "sequencer.moved")
    assert load_settings().faults == "sequencer.moved"
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationInvalid, match="TALLYSTICK_FAULTS"):
        load_settings()


def test_an_armed_process_is_killed_and_says_nothing() -> None:
    code = (
        "from backend.kernel.faults import FAULTS\n"
        "FAULTS.arm('sequencer.moved', ())\n"
        "try:\n    FAULTS.reach('sequencer.moved')\nfinally:\n    print('still here')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=_CHECKOUT, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


def test_the_guide_lists_every_point() -> None:
    guide = (_CHECKOUT / "docs" / "guides" / "crash-testing.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", guide, re.MULTILINE))
    assert {name: listed.get(name) for name in POINTS} == dict(POINTS)
