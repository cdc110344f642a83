"""Repeat what may succeed later: exponential backoff with full jitter, inside a deadline.

Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): the
n-th pause is uniform in [0, min(cap, base x 2^n)], so that clients who failed together do not
come back together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from backend.kernel.errors import DomainError, InvariantBroken

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long; times in seconds. Chance, clock and sleep come from outside."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    uniform: Callable[[float, float], float]
    attempts: int = 4
    base: float = 0.5
    cap: float = 8.0
    deadline: float = 30.0

    def run(self, work: Callable[[], T]) -> T:
        """``work``'s result; its last error when attempts or deadline are used up.

        Only errors marked retryable are repeated.
        """
        begin = self.monotonic()
        for attempt in range(self.attempts):
            try:
                return work()
            except DomainError as error:
                pause = self.uniform(0.0, min(self.cap, self.base * 2**attempt))
                spent = self.monotonic() - begin + pause
                if not error.retryable or attempt + 1 == self.attempts or spent > self.deadline:
                    raise
                self.sleep(pause)
        raise InvariantBroken("A retry policy needs at least one attempt.")
