"""A process that goes round says so, and one that hangs or never began is noticed."""

import os
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.cli import application
from backend.kernel.errors import DatabaseUnavailable
from backend.platform.commands.processes import ALIVE_SECONDS, LOOPS
from backend.platform.home import Home
from backend.platform.processes.loop import Loop
from backend.platform.processes.parallel import run_loops


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TALLYSTICK_HOME", str(tmp_path))
    made = Home(tmp_path)
    made.make()
    return made


def alive(process: str) -> int:
    return CliRunner().invoke(application(), ["alive", process]).exit_code


def test_each_step_is_a_sign_of_life_also_one_that_fails(home: Home) -> None:
    stop, pulse, seen = threading.Event(), home.pulse("sequencer"), []

    def step() -> bool:
        seen.append(pulse.exists())
        pulse.unlink()
        if len(seen) == 3:
            stop.set()
        raise DatabaseUnavailable("away")

    Loop("sequencer", stop, 0.01, pulse).run(step)
    assert seen == [True] * 3


def test_a_process_is_alive_when_every_loop_of_it_is(home: Home) -> None:
    stop = threading.Event()

    def step() -> bool:
        stop.set()
        return False

    for loop in LOOPS["worker"]:
        assert alive("worker") == 1, f"{loop} never began"
        stop.clear()
        run_loops({loop: step}, stop, 0.01, home.pulse)
    assert alive("worker") == 0
    assert alive("sequencer") == 1


@pytest.mark.parametrize("process", sorted(LOOPS))
def test_a_loop_that_hangs_is_noticed(home: Home, process: str) -> None:
    for loop in LOOPS[process]:
        home.pulse(loop).touch()
    assert alive(process) == 0
    before = time.time() - ALIVE_SECONDS - 5
    os.utime(home.pulse(LOOPS[process][-1]), (before, before))
    assert alive(process) == 1


def test_a_process_that_is_none_is_refused(home: Home) -> None:
    assert alive("nobody") == 2
