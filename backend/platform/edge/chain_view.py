"""The chain as the API's process sees it: its heads, asked at most once a second for everyone."""

import threading
import time
from collections.abc import Callable, Mapping

import msgspec

from anchoring.errors import AnchoringError
from anchoring.rpc import Rpc, read_data, read_object, read_quantity
from backend.kernel.errors import NodeUnavailable

TAGS = ("latest", "safe", "finalized")
MAX_AGE_SECONDS = 1.0


class BlockHead(msgspec.Struct, frozen=True):
    """A block; ``timestamp`` in Unix seconds of the chain."""

    number: int
    hash: str
    timestamp: int


class Heads(msgspec.Struct, frozen=True):
    """What the node gave for each tag; ``detail`` says what is wrong where it did not answer."""

    blocks: Mapping[str, BlockHead | None]
    detail: str | None


class ChainView:
    """Reads of the node for people, with a short memory: many watchers are one question."""

    def __init__(self, rpc: Rpc, clock: Callable[[], float] = time.monotonic) -> None:
        self._rpc = rpc
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, Heads] | None = None

    def heads(self) -> Heads:
        """The heads, at most a second old. A node that is away is an answer, not an error."""
        with self._lock:
            if self._known is None or self._clock() - self._known[0] > MAX_AGE_SECONDS:
                heads = self._ask()
                self._known = (self._clock(), heads)
            return self._known[1]

    def block(self, number: int) -> BlockHead | None:
        """The canonical block of this number, or None. Raises NodeUnavailable."""
        try:
            return self._read(hex(number))
        except AnchoringError as error:
            raise NodeUnavailable("The chain's node does not answer.") from error

    def _ask(self) -> Heads:
        try:
            return Heads({tag: self._read(tag) for tag in TAGS}, None)
        except AnchoringError:
            return Heads(dict.fromkeys(TAGS), "The chain's node does not answer.")

    def _read(self, which: str) -> BlockHead | None:
        found = self._rpc("eth_getBlockByNumber", [which, False])
        if found is None:
            return None
        block = read_object(found, f"block {which}")
        return BlockHead(
            read_quantity(block.get("number"), "block number"),
            "0x" + read_data(block.get("hash"), "block hash", 32).hex(),
            read_quantity(block.get("timestamp"), "block time"),
        )
