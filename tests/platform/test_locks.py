"""Who uses a server is known from locks alone, so a killed user is never counted."""

import subprocess
import sys
from pathlib import Path

import pytest

from backend.platform.locks import Holders, exclusive

_CHECKOUT = Path(__file__).resolve().parents[2]
_HOLD = """
import sys
from pathlib import Path
from backend.platform.locks import Holders
Holders(Path(sys.argv[1])).join()
print("joined", flush=True)
sys.stdin.read()
"""


def test_only_the_last_to_leave_is_told_so(tmp_path: Path) -> None:
    first, second = Holders(tmp_path / "users"), Holders(tmp_path / "users")
    first.join()
    second.join()
    assert not first.leave()
    assert second.leave()


def test_who_never_joined_is_not_the_last(tmp_path: Path) -> None:
    assert not Holders(tmp_path / "users").leave()


def test_a_killed_holder_no_longer_counts(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / "users")],
        cwd=_CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    other.stdout.readline()
    ours = Holders(tmp_path / "users")
    ours.join()
    other.kill()
    other.wait()
    assert ours.leave()


def test_an_exclusive_lock_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "lock", 1),
        pytest.raises(TimeoutError, match="still locked"),
        exclusive(tmp_path / "lock", 0.05),
    ):
        pytest.fail("two at once")
    with exclusive(tmp_path / "lock", 0):
        pass


def test_a_link_is_no_lock_file(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic"), exclusive(tmp_path / "lock", 1):
        pytest.fail("followed a link")
