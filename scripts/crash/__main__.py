"""``python -m scripts.crash``: kill the platform for as long as you like, and count what broke.

The state lies in ``var/crash``: the tally with its seed, and the home of the running campaign.
``--resume`` goes on from the tally of the last finished round, on a new home. Exit code 1 means
that an invariant broke; the home with its logs is kept and the seed is printed.
"""

import argparse
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from backend.platform.anvil import Anvil
from backend.platform.postgres import EmbeddedPostgres
from scripts.crash.campaign import Campaign
from scripts.crash.checks import Findings
from scripts.crash.tally import Tally
from scripts.crash.traffic import MOST_PAIRS
from scripts.crash.troubles import Troubles

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "var" / "crash"
ROUNDS_PER_HOME = 10
PAUSES = (0.4, 2.0)
"""Seconds between two troubles: shortest and longest."""

INTERRUPTED = 130

out = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until both numbers are reached; 1 as soon as something broke."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    record = folder / "tally.json"
    tally = Tally.read(record) if options.resume and record.exists() else _begin(options.seed)
    out.print(f"seed {tally.seed}, home {tally.homes + 1}; the tally is kept in {record}")
    broken = None
    with _progress() as progress:
        task = progress.add_task("crash", total=options.settlements, line=tally.line())

        def show() -> None:
            progress.update(task, completed=tally.settlements, line=tally.line())

        try:
            while broken is None and _is_short(tally, options):
                broken = _home(folder, tally, options, record, show)
        except KeyboardInterrupt:
            out.print(
                f"Stopped in round {tally.rounds + 1}, which does not count. --resume goes on."
            )
            return INTERRUPTED
    out.print(tally.table())
    if broken is None:
        out.print("[green]No invariant broke.[/]")
        return 0
    return _report(broken, folder, tally)


def _home(
    folder: Path,
    tally: Tally,
    options: argparse.Namespace,
    record: Path,
    show: Callable[[], None],
) -> Findings | None:
    """One home, round after round; the findings when something broke."""
    rng = random.Random(f"{tally.seed}/{tally.homes}")  # noqa: S311 - a schedule, no secret
    home = _fresh(folder / "home")
    troubles = Troubles(tally, rng, PAUSES)
    campaign = Campaign(home, tally, troubles, rng, workers=options.workers)
    try:
        for _ in range(ROUNDS_PER_HOME):
            findings = campaign.round(options.pairs, show)
            tally.write(record)
            show()
            if not out.is_terminal:
                out.print(f"round {tally.rounds}: {tally.line()}")
            if findings.violations:
                return findings
            if not _is_short(tally, options):
                break
        tally.homes += 1
        tally.write(record)
    finally:
        campaign.close()
    campaign.world.database.destroy()
    shutil.rmtree(home)
    return None


def _fresh(home: Path) -> Path:
    """An empty home; servers that an interrupted run left on the old one are stopped first."""
    if home.exists():
        if (home / "chain").is_dir():
            Anvil(home).start().close()
        EmbeddedPostgres(home).start().destroy()
        shutil.rmtree(home)
    home.mkdir(parents=True)
    home.chmod(0o711)  # the database's own user must be able to enter
    return home


def _begin(seed: int | None) -> Tally:
    return Tally(seed=seed if seed is not None else random.SystemRandom().randrange(10**9))


def _is_short(tally: Tally, options: argparse.Namespace) -> bool:
    wanted: tuple[int, int] = (options.settlements, options.kills)
    return tally.settlements < wanted[0] or tally.total_kills < wanted[1]


def _report(findings: Findings, folder: Path, tally: Tally) -> int:
    for each in findings.violations:
        out.print(f"[red]{each.kind}[/]: {each.text}", highlight=False)
    kept = folder / f"evidence-{tally.seed}-{tally.homes}"
    if kept.exists():
        shutil.rmtree(kept)
    (folder / "home").rename(kept)
    out.print(f"The home is kept in {kept}, the processes' words in its logs folder.")
    out.print(f"Again from the same schedule: python -m scripts.crash --seed {tally.seed}")
    return 1


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("{task.fields[line]}"), console=out,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.crash", description=__doc__)
    parser.add_argument("--settlements", type=int, default=1_000, help="at least so many")
    parser.add_argument("--kills", type=int, default=500, help="and at least so many SIGKILLs")
    parser.add_argument("--seed", type=int, help="of the schedule; a random one is printed")
    parser.add_argument("--resume", action="store_true", help="go on from the kept tally")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument(
        "--pairs", type=int, default=40, choices=range(1, MOST_PAIRS + 1), metavar="N",
        help=f"trades a round, at most {MOST_PAIRS}",
    )  # fmt: skip
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where state and home lie")
    return parser


if __name__ == "__main__":
    sys.exit(main())
