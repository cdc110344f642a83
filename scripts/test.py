"""``python -m scripts.test [PYTEST ARGUMENTS]``: every test, in two rows side by side.

One row has the contracts and pytest without the browser; the other has the dashboard's unit tests
and the browser's journeys, which mostly wait. The second row's output is shown when it has ended.
Exit 0 when all passed. A selection (``-k name``) that matches nothing in a row is no failure there.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
VITEST = ("node", "node_modules/vitest/vitest.mjs", "run")
BROWSER = "tests/e2e"
CACHE = "var/cache/pytest-browser"
NOTHING_SELECTED = 5  # pytest's exit code


def main(arguments: Sequence[str]) -> int:
    """Run both rows, or only pytest where files are named; returns the exit code."""
    if any((ROOT / each.split("::")[0]).exists() for each in arguments):
        return _run(_pytest(arguments))
    with tempfile.TemporaryDirectory(prefix="tally-test-") as folder:
        # A temporary root of its own: pytest closes the shared one to others when it starts.
        Path(folder).chmod(0o711)
        behind = Behind(Path(folder), arguments)
        behind.start()
        failed = _run((sys.executable, "-m", "scripts.forge", "test")) != 0
        code = _run((*_pytest(arguments), f"--ignore={BROWSER}"))
        behind.join()
        sys.stdout.write(behind.output.read_text("utf-8", "replace"))
    codes = {code, behind.code}
    only_nothing = codes == {NOTHING_SELECTED}
    return int(failed or behind.failed or only_nothing or bool(codes - {0, NOTHING_SELECTED}))


class Behind(Thread):
    """The second row: vitest, then the browser's tests; what they say goes to a file."""

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        super().__init__()
        self.output = folder / "output"
        self.failed = True
        self.code = 1
        self._arguments = arguments
        self._environment = {**os.environ, "PYTEST_DEBUG_TEMPROOT": str(folder)}

    def run(self) -> None:
        with self.output.open("wb") as output:
            unit = _run(VITEST, ROOT / "frontend", output=output)
            command = (*_pytest(self._arguments), "-o", f"cache_dir={CACHE}", BROWSER)
            self.code = _run(command, environment=self._environment, output=output)
        self.failed = unit != 0


def _pytest(arguments: Sequence[str]) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", *arguments)


def _run(
    command: Sequence[str],
    folder: Path = ROOT,
    environment: dict[str, str] | None = None,
    output: IO[bytes] | None = None,
) -> int:
    stderr = None if output is None else subprocess.STDOUT
    done = subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
