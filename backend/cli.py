"""``tally``: the platform's command line.

Proofs are checked by the ``anchoring`` package alone, so ``tally verify`` loads nothing of the
platform: no database driver, no web framework, no chain library.
"""

import sys

import typer

from anchoring import cli as proofs

PROOF_COMMANDS = ("verify", "verify-log")


def application() -> typer.Typer:
    """Every command, the platform's included."""
    from backend.platform.commands import demo, deploy, imports, processes, records

    app = typer.Typer(
        name="tally",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Hold, trade and settle securities; check every event without trusting anyone.",
    )
    for group in (demo, deploy, processes, records, imports, proofs):
        group.register(app)
    return app


def main() -> None:
    """The entry point of the ``tally`` program."""
    app = proofs.app if sys.argv[1:2] and sys.argv[1] in PROOF_COMMANDS else application()
    app(prog_name="tally")
