"""``python -m backend`` is ``tally``."""

from backend.cli import main

main()
