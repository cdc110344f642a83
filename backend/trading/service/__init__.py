"""Use cases: placing and cancelling orders (the owner's), matching them (the venue's)."""
