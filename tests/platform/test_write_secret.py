"""A secret's file is there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from backend.platform.home import write_secret


def test_a_secret_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "operator.token"
    write_secret(path, "first\n")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("first\n", 0o600)
    write_secret(path, "second\n")
    assert path.read_text() == "first\n"
    assert [each.name for each in tmp_path.iterdir()] == ["operator.token"]


def test_a_kill_before_it_is_written_leaves_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "operator.token"

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            write_secret(path, "token\n")
    assert not path.exists()
    write_secret(path, "token\n")
    assert path.read_text() == "token\n"
