"""Names of compliance scopes."""

from typing import Final

from backend.kernel.ids import checked_id

VENUE_SCOPE: Final = "venue"


def checked_scope(scope: str) -> str:
    """``venue`` or a security's id. Raises ValueInvalid for anything else."""
    return scope if scope == VENUE_SCOPE else checked_id(scope)
