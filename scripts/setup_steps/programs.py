"""Running programs in the checkout, and telling the person at the keyboard what happens."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


class SetupError(Exception):
    """Set-up cannot go on; the message is for the person at the keyboard."""


class Steps:
    """Prints numbered steps with the seconds each took."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and its time when it is done."""
        self._done += 1
        print(f"[{self._done}/{self._total}] {title} ... ", end="", flush=True)
        start = time.monotonic()
        try:
            yield
        except BaseException:
            print("failed", flush=True)
            raise
        print(f"{time.monotonic() - start:.1f} s", flush=True)


def run(
    command: Sequence[str | Path],
    environment: dict[str, str] | None = None,
    folder: Path = CHECKOUT,
) -> str:
    """Run a program in ``folder`` and return what it printed; ``SetupError`` if it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise SetupError(f"{words[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        raise SetupError(f"`{shlex.join(words)}` failed:\n{excerpt(done.stdout + done.stderr)}")
    return done.stdout


def excerpt(text: str) -> str:
    """The beginning and the end of ``text``: npm says what is wrong first, pip says it last."""
    lines = text.strip().splitlines()
    return "\n".join(lines if len(lines) <= 30 else [*lines[:15], "[...]", *lines[-15:]])


def works(command: Sequence[str | Path]) -> bool:
    """Whether a program runs and says that it succeeded."""
    with contextlib.suppress(SetupError):
        run(command)
        return True
    return False
