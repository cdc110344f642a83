"""``python -m scripts.bench [NAME ...] [--json]``: every figure of DESIGN §6, or the named ones."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from time import perf_counter

from scripts.bench.report import Figure, show

NAMES = (
    "merkle", "proofs", "events", "lag", "anchoring", "orders", "orderbook", "gas", "log_check",
    "dashboard", "verifier",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; progress goes to stderr. A missed aim is shown and is no failure."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    show(collect(options.names or NAMES), options.json)
    return 0


def collect(names: Sequence[str]) -> list[Figure]:
    """The figures of each named module, one after another."""
    found: list[Figure] = []
    for number, name in enumerate(names, start=1):
        _progress(f"[{number}/{len(names)}] {name} … ")
        start = perf_counter()
        figures: Callable[[], list[Figure]] = import_module(f"scripts.bench.{name}").figures
        found += figures()
        _progress(f"{perf_counter() - start:.0f} s\n")
    return found


def _progress(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
