"""``tally``: the platform's command line. Everything but checking proofs is imported lazily,
so that ``tally verify`` starts fast and needs no server.
"""

import typer

from anchoring import cli as anchoring_cli
from backend.platform import commands

app = typer.Typer(
    name="tally",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Hold, trade and settle securities; check every event without trusting anyone.",
)
anchoring_cli.register(app)
commands.register(app)
