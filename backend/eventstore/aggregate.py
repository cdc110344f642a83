"""What an aggregate is to the store: a category of streams and a pure fold."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """A kind of aggregate. ``evolve`` is pure; it gets None before the first event."""

    category: str
    evolve: Callable[[S | None, Any], S]

    def stream_id(self, aggregate_id: str) -> str:
        return f"{self.category}-{aggregate_id}"


@dataclass
class Loaded(Generic[S]):
    """An aggregate as of ``version``; ``append`` moves it on within its transaction."""

    aggregate: Aggregate[S]
    tenant_id: str
    stream_id: str
    state: S | None
    version: int
    head: bytes | None  # leaf hash of the stream's last entry


@dataclass(frozen=True)
class CachedState:
    """What one process remembers of a stream: valid for ever, since streams only grow."""

    state: Any
    version: int
    head: bytes | None


class StateCache:
    """Least recently used states by (tenant, stream), so that a load reads only the tail."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._states: OrderedDict[tuple[str, str], CachedState] = OrderedDict()
        self._lock = Lock()

    def get(self, tenant_id: str, stream_id: str) -> CachedState | None:
        with self._lock:
            found = self._states.get((tenant_id, stream_id))
            if found is not None:
                self._states.move_to_end((tenant_id, stream_id))
            return found

    def put(self, tenant_id: str, stream_id: str, cached: CachedState) -> None:
        """Remember a committed state; an older version never replaces a newer one."""
        with self._lock:
            known = self._states.get((tenant_id, stream_id))
            if known is not None and known.version > cached.version:
                return
            self._states[(tenant_id, stream_id)] = cached
            self._states.move_to_end((tenant_id, stream_id))
            while len(self._states) > self._capacity:
                self._states.popitem(last=False)
