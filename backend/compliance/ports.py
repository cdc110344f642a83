"""What compliance needs from outside, and the values it shares with those who ask it."""

from typing import Protocol

from backend.compliance.domain.breaker import Breakers as Breakers
from backend.compliance.domain.breaker import BreakerState as BreakerState
from backend.compliance.domain.checks import Exposure as Exposure
from backend.compliance.domain.checks import OrderIntent as OrderIntent
from backend.eventstore.store import UnitOfWork


class SecurityRegister(Protocol):
    """Knows which securities exist."""

    def exists(self, uow: UnitOfWork, security_id: str) -> bool:
        """Whether a security of this id is registered."""
        ...
