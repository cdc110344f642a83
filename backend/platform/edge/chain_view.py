"""The chain as the API's process sees it, for people: few questions, whoever looks.

Anybody may ask, and every question holds a thread of the process while the node thinks. So at
most one asks for the heads and four for blocks; the others get what is known, or a refusal.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from anchoring.errors import AnchoringError
from anchoring.rpc import Rpc, read_data, read_object, read_quantity
from backend.kernel.errors import NodeUnavailable

TAGS = ("latest", "safe", "finalized")
MAX_AGE_SECONDS = 1.0
PAUSE_SECONDS = 1.0
"""After a question without an answer the node is left alone for this long."""
ASKING = 4
KEPT_BLOCKS = 256
_AWAY = "The chain's node does not answer."


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
        self._asking = threading.Lock()
        self._known = (float("-inf"), Heads(dict.fromkeys(TAGS), "The chain's node is asked."))
        self._failed_at = float("-inf")
        self._places = threading.BoundedSemaphore(ASKING)
        self._final: OrderedDict[int, BlockHead] = OrderedDict()

    def heads(self) -> Heads:
        """The heads, at most a second old, or the last ones while somebody asks for new ones.

        A node that is away is an answer, not an error.
        """
        asked_at, heads = self._known
        if self._clock() - asked_at <= MAX_AGE_SECONDS or not self._asking.acquire(blocking=False):
            return heads
        try:
            heads = self._ask()
            self._known = (self._clock(), heads)
            return heads
        finally:
            self._asking.release()

    def block(self, number: int) -> BlockHead | None:
        """The canonical block of this number, or None.

        Raises NodeUnavailable when the node does not answer, did not a moment ago, or enough
        others are asking it.
        """
        known = self._final.get(number)
        if known is not None:
            return known
        if self._clock() - self._failed_at <= PAUSE_SECONDS:
            raise NodeUnavailable(_AWAY)
        if not self._places.acquire(blocking=False):
            raise NodeUnavailable("The chain's node is asked by others. Try again.")
        try:
            found = self._read(hex(number))
        except AnchoringError as error:
            self._failed_at = self._clock()
            raise NodeUnavailable(_AWAY) from error
        finally:
            self._places.release()
        self._keep(found)
        return found

    def _keep(self, block: BlockHead | None) -> None:
        """Remember a block that no reorganisation takes away."""
        final = self._known[1].blocks["finalized"]
        if block is None or final is None or block.number > final.number:
            return
        self._final[block.number] = block
        if len(self._final) > KEPT_BLOCKS:
            self._final.popitem(last=False)

    def _ask(self) -> Heads:
        try:
            return Heads({tag: self._read(tag) for tag in TAGS}, None)
        except AnchoringError:
            self._failed_at = self._clock()
            return Heads(dict.fromkeys(TAGS), _AWAY)

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
