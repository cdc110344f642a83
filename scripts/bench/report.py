"""One row a figure: what was measured, beside what, the ratio, and the aim."""

import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

MIN_WIDTH = 140  # a pipe has no width: the rows are not to be folded there


@dataclass(frozen=True)
class Figure:
    """A rate (or gas) beside its floor or peer from the same run. ``aim`` is DESIGN's."""

    name: str
    value: float
    unit: str
    beside: str
    reference: float | None
    aim: str
    met: bool | None

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference if self.reference else None


def rate(work: Callable[[], int], rounds: int = 5) -> float:
    """Operations per second: the median over ``rounds``; ``work`` returns how many it did."""
    rates = []
    for _ in range(rounds):
        start = perf_counter()
        done = work()
        rates.append(done / (perf_counter() - start))
    return median(rates)


def machine() -> str:
    """What this ran on, for whoever reads the figures."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" load {os.getloadavg()[0]:.1f}"
    )


def show(figures: Sequence[Figure], as_json: bool) -> None:
    """Print the figures as a table, or as one JSON document."""
    if as_json:
        document = {"machine": machine(), "figures": [asdict(each) for each in figures]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    table = Table(title=f"Measured on {machine()}", title_justify="left")
    for column in ("figure", "measured", "beside", "ratio", "aim", ""):
        table.add_column(column, justify="right" if column in ("measured", "ratio") else "left")
    for each in figures:
        beside = f"{each.beside} {each.reference:,.0f}" if each.reference else each.beside
        ratio = f"{each.ratio:.2f}" if each.ratio else ""
        verdict = {True: "met", False: "not met", None: ""}[each.met]
        table.add_row(each.name, f"{each.value:,.0f} {each.unit}", beside, ratio, each.aim, verdict)
    console = Console()
    Console(width=max(console.width, MIN_WIDTH)).print(table)
