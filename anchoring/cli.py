"""The commands for proofs and logs: no server, no node, no trust in us needed.

``register`` mounts them into another Typer application. Exit codes are the interface: 0
verified, 1 failed, 2 malformed or missing input, 3 policy not met, 4 valid but not anchored.
"""

from __future__ import annotations

import typer

from anchoring import cli_log, cli_verify

app = typer.Typer(no_args_is_help=True, help="Check proofs and logs offline.")


def register(application: typer.Typer) -> None:
    """Add the commands to ``application``."""
    cli_verify.register(application)
    cli_log.register(application)


register(app)
