"""What was done and what was found, kept on disk so that a long run can go on later."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

FINDINGS = (
    "lost", "doubled", "conservation", "replay", "log", "anchors", "nonce", "unknown-transaction",
    "dangling", "ended-by-itself", "not-settled",
)  # fmt: skip


@dataclass
class Tally:
    """Counts over all homes of one seed; ``homes`` is how many are finished."""

    seed: int = 0
    homes: int = 0
    rounds: int = 0
    settlements: int = 0
    orders: int = 0
    repeated_requests: int = 0
    events: int = 0
    anchors: int = 0
    seconds: float = 0.0
    blocks_lost: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    reorganisations: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)

    @property
    def total_kills(self) -> int:
        """SIGKILLs, from outside and at fault points."""
        return sum(self.kills.values())

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + "~")
        draft.write_text(json.dumps(vars(self), indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Tally":
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        counters = ("kills", "points", "reorganisations", "troubles", "violations")
        return cls(**{**known, **{name: Counter(known[name]) for name in counters}})

    def line(self) -> str:
        """The running tally in one line."""
        broken = sum(self.violations.values())
        return (
            f"{self.settlements} settlements, {self.total_kills} kills"
            f" ({sum(self.points.values())} at points), {sum(self.reorganisations.values())}"
            f" reorganisations, {sum(self.troubles.values())} chain troubles, {broken} violations"
        )

    def table(self) -> Table:
        """The final table."""
        table = Table(title=f"Crash suite, seed {self.seed}", title_justify="left")
        table.add_column("what")
        table.add_column("count", justify="right")
        for name, value in self._rows():
            table.add_row(name, f"{value:,}")
        return table

    def _rows(self) -> list[tuple[str, int]]:
        rows = [
            ("settlements", self.settlements), ("orders", self.orders),
            ("requests repeated", self.repeated_requests), ("events", self.events),
            ("final anchors", self.anchors), ("rounds", self.rounds), ("homes", self.homes),
            ("seconds", int(self.seconds)), ("SIGKILLs", self.total_kills),
        ]  # fmt: skip
        rows += [(f"  {name}", count) for name, count in sorted(self.kills.items())]
        rows.append(("of these at fault points", sum(self.points.values())))
        rows += [(f"  {name}", count) for name, count in sorted(self.points.items())]
        rows.append(("reorganisations", sum(self.reorganisations.values())))
        rows += [(f"  {name}", count) for name, count in sorted(self.reorganisations.items())]
        rows.append(("blocks lost with a killed node", self.blocks_lost))
        rows += [(name, count) for name, count in sorted(self.troubles.items())]
        rows += [(f"violations: {name}", self.violations[name]) for name in FINDINGS]
        return rows
