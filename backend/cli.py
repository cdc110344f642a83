"""``tally``: the platform's command line."""

import typer

from anchoring import cli as proofs
from backend.platform.commands import demo, imports, processes, records

app = typer.Typer(
    name="tally",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Hold, trade and settle securities; check every event without trusting anyone.",
)
for group in (demo, processes, records, imports, proofs):
    group.register(app)
