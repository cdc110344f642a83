"""Identifiers: UUIDv7 (RFC 9562 §5.7), made by a factory that is passed in, never ambient."""

import os
import re
import threading
import time
from collections.abc import Callable
from typing import Protocol

from backend.kernel.errors import ValueInvalid

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class IdFactory(Protocol):
    """Gives new identifiers, unique across processes."""

    def new(self) -> str:
        """A lower-case UUID string that was never given before."""
        ...


class Uuid7Factory:
    """UUIDv7 with a 12-bit counter in rand_a, so ids of one process sort by creation."""

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._milliseconds = milliseconds
        self._randomness = randomness
        self._lock = threading.Lock()
        self._last = (0, 0)

    def new(self) -> str:
        with self._lock:
            now, (last, counter) = self._milliseconds(), self._last
            if now > last:
                last, counter = now, 0
            elif counter == 0xFFF:
                last, counter = last + 1, 0
            else:
                counter += 1
            self._last = (last, counter)
        tail = int.from_bytes(self._randomness(8), "big") & (2**62 - 1)
        value = (last << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | tail
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def checked_id(text: str) -> str:
    """``text`` if it is a lower-case UUID, else ValueInvalid."""
    if _UUID.fullmatch(text) is None:
        raise ValueInvalid("The identifier is not a lower-case UUID.", value=text[:64])
    return text
