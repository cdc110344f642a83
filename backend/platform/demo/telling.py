"""How the demonstration speaks: numbered steps, facts below them, the failed step by name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table

from backend.kernel.errors import DomainError


class Step(TypedDict):
    """What was told of one step."""

    step: int
    title: str
    said: list[str]


class Telling:
    """Prints steps as they happen and remembers which one is under way."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0
        self.step_name = "start"
        self.facts: list[Step] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step: its title now, a spinner while it runs, its failure by name."""
        self._number += 1
        self.step_name = title
        self.facts.append({"step": self._number, "title": title, "said": []})
        self._console.print(f"\n[bold cyan]{self._number:>2}[/]  [bold]{title}[/]")
        with self._console.status("", spinner="dots"):
            yield

    def say(self, text: str) -> None:
        """A fact of the running step."""
        self.facts[-1]["said"].append(text)
        self._console.print(f"    {text}", highlight=False, soft_wrap=True)

    def refused(self, what: str, error: DomainError) -> None:
        """Something that had to be refused, and was."""
        self.say(f"[yellow]refused[/]  {what}: {error.message}")

    def table(self, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """A small table below the step."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("   ")
        for name in columns:
            right = name not in ("date", "what", "event", "name", "security", "check")
            table.add_column(name, justify="right" if right else "left", style="none")
        for row in rows:
            table.add_row("", *row)
        self._console.print(table)

    def leave(self, folder: Path) -> None:
        """The job is done and nothing stays up."""
        self._console.print("\n[bold green]Done.[/] `make run` stays up with the dashboard.")
        self._console.print(f"Proofs: {folder}", soft_wrap=True)

    def finish(self, base_url: str, folder: Path, names: Sequence[str]) -> None:
        """Where to look next: the dashboard first, and whom to sign in as."""
        self._console.print(f"\n[bold green]Done.[/] Dashboard: [bold]{base_url}[/]")
        if names:
            self._console.print(f"Sign in as {', '.join(names[:-1])} or {names[-1]}; no password.")
        self._console.print(f"API and its documentation: {base_url}/docs")
        self._console.print(f"Proofs: {folder}", soft_wrap=True)
        self._console.print("Ctrl-C ends it; that takes up to 15 seconds.")

    def note(self, text: str) -> None:
        """Something that happened while the platform stays up."""
        self._console.print(text, highlight=False, soft_wrap=True)
