"""The commands of ``tally``, one file a group; ``backend.cli`` only mounts them."""

import typer

from backend.platform.commands import demo, processes, records


def register(app: typer.Typer) -> None:
    """Mount every group."""
    demo.register(app)
    processes.register(app)
    records.register(app)
