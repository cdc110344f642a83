"""Keys and secrets of a home: made once, whole, whoever else starts or is killed meanwhile."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.platform.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.make()
    return made


def _at_once(make: Callable[[], object], times: int = 8) -> list[object]:
    """What each of several simultaneous first uses gives."""
    barrier, found = threading.Barrier(times), []

    def run() -> None:
        barrier.wait()
        found.append(make())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def test_processes_that_start_together_have_one_key(home: Home) -> None:
    keys = _at_once(lambda: home.event_signer("worker").key_id)
    assert len(keys) == 8
    assert set(keys) == {home.event_signer("worker").key_id}


def test_processes_that_start_together_have_one_secret(home: Home) -> None:
    secrets = _at_once(lambda: home.secret("cursors"))
    assert len(secrets) == 8
    assert set(secrets) == {home.secret("cursors")}
    assert len(home.secret("cursors")) == 32


def test_who_comes_second_takes_what_is_there(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process makes the file between our look and our writing."""
    key, secret = home.event_signer("api").key_id, home.secret("cursors")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", lambda self: False)
        assert home.event_signer("api").key_id == key
        assert home.secret("cursors") == secret


def test_a_kill_while_a_key_is_made_leaves_none(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a key would end every later start, and an empty secret would sign for anybody."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", killed)
        for make in (lambda: home.event_signer("api"), lambda: home.secret("cursors")):
            with pytest.raises(KeyboardInterrupt):
                make()
    assert not list(home.keys.glob("*.key"))
    assert not list(home.keys.glob("*.secret"))
    assert home.event_signer("api").key_id == home.event_signer("api").key_id
    assert len(home.secret("cursors")) == 32


def test_files_are_for_their_owner_alone(home: Home) -> None:
    home.event_signer("api")
    home.secret("cursors")
    assert {path.stat().st_mode & 0o777 for path in home.keys.iterdir()} == {0o600}
