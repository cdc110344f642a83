"""What audit needs from its surroundings."""

from typing import Protocol

from backend.eventstore.scope import Connection


class WitnessGate(Protocol):
    """What the anchorer has to heed of the log's witnesses."""

    def may_anchor(self, connection: Connection, size: int) -> bool:
        """Whether ``size`` has the cosignatures that the platform asks for before an anchor."""
        ...

    def last_cosigned_size(self, connection: Connection) -> int:
        """The largest size that was sent to witnesses, 0 for none."""
        ...
