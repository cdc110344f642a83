"""``tally``: the platform's command line.

Proofs are checked by the ``anchoring`` package alone, so ``tally verify`` loads nothing of the
platform: no database driver, no web framework, no chain library.
"""

import sys

import typer

from anchoring import cli as proofs

VOUCHING_COMMANDS = ("witness", "mirror")
PROOF_COMMANDS = frozenset(
    [command.name for command in proofs.app.registered_commands]
    + [group.name for group in proofs.app.registered_groups]
)


def application() -> typer.Typer:
    """Every command, the platform's included."""
    from anchoring import cli_witness
    from backend.platform.commands import (
        demo,
        deploy,
        erasure,
        imports,
        keys,
        processes,
        prove,
        records,
        registry,
        replay,
    )

    app = typer.Typer(
        name="tally",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Hold, trade and settle securities; check every event without trusting anyone.",
    )
    for group in (
        demo,
        deploy,
        keys,
        processes,
        prove,
        records,
        registry,
        replay,
        imports,
        erasure,
        proofs,
        cli_witness,
    ):
        group.register(app)
    return app


def main() -> None:
    """The entry point of the ``tally`` program."""
    _app_for(sys.argv[1] if len(sys.argv) > 1 else "")(prog_name="tally")


def _app_for(command: str) -> typer.Typer:
    """Without the platform where it is not needed: a counterparty may have none."""
    if command in PROOF_COMMANDS:
        return proofs.app
    if command in VOUCHING_COMMANDS:
        from anchoring import cli_witness

        return cli_witness.app
    return application()
