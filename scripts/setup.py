"""Sets up the checkout: `.venv`, pinned packages, npm tools, the `tally` command, the dashboard.

Run by make, with the machine's own Python and nothing but its standard library:

    python3 scripts/setup.py runtime|dev

What was done is recorded with the hash of everything it depended on, so that a second run
returns at once. An interrupted run is noticed and made good. Outside the checkout only the
package managers' caches are touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

CHECKOUT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
PYTHON_CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.14")


def main(arguments: list[str]) -> int:
    """Set up for the profile named on the command line; the exit code."""
    if arguments not in [["runtime"], ["dev"]]:
        print(__doc__, file=sys.stderr)
        return 2
    require_python()
    sys.path.insert(0, str(CHECKOUT))
    from scripts.setup_steps.everything import set_up
    from scripts.setup_steps.programs import SetupError

    try:
        with lock():
            set_up(arguments[0])
    except SetupError as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; run the same command to go on.", file=sys.stderr)
        return 130
    return 0


def require_python() -> None:
    """Go on under a Python that is new enough, or say which one is needed."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for name in PYTHON_CANDIDATES:
        found = shutil.which(name)
        # A version manager's shim exists for versions that are not selected: ask it.
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, *sys.argv])
    sys.exit(
        "Tallystick needs Python 3.11 or newer, and this is Python {}.{}. Install one from "
        "https://www.python.org/downloads/ or name it: make PYTHON=/path/to/python3.12".format(
            *sys.version_info
        )
    )


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """Let one set-up of this checkout run at a time; the lock ends with the process."""
    descriptor = os.open(CHECKOUT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this checkout is running; waiting for it.", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
