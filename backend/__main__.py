"""``python -m backend`` is ``tally``."""

from backend.cli import app

app()
