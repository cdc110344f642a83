"""A progress bar on standard error, and only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from anchoring.log_walk import Progress as Tell


class _Count(ProgressColumn):
    """Done of how many."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:,.0f} of {task.total or 0:,.0f}")


class _Speed(ProgressColumn):
    """Entries per second, of this run only."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


@contextmanager
def progress_bar(words: str) -> Iterator[Tell]:
    """Yield a function that is told (done, total)."""
    console = Console(stderr=True)
    if not (console.is_terminal and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    columns = (TextColumn(words), BarColumn(), _Count(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words, total=None, start=False)

        def tell(done: int, total: int) -> None:
            if not bar.tasks[0].started:
                # What an earlier run checked is no part of this run's speed.
                bar.update(task, completed=done, total=total)
                bar.start_task(task)
                return
            bar.update(task, completed=done)

        yield tell
