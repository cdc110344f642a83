"""Heads of a log that others remember: the registry on chain, and witnesses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from anchoring.checkpoint import Checkpoint
from anchoring.envelope import parse_entry
from anchoring.errors import (
    AnchoringError,
    MalformedInput,
    RpcError,
    StorageError,
    VerificationFailed,
)
from anchoring.findings import Kind
from anchoring.http_source import HttpSource
from anchoring.log_head import open_checkpoint
from anchoring.merkle import root_at
from anchoring.monitor_round import CHAIN, Round, Watched
from anchoring.monitor_state import MonitorState, StateFile
from anchoring.registry import RegistryHead, read_head
from anchoring.rpc import Rpc, chain_id
from anchoring.tile_check import CheckedTiles
from anchoring.tiles import TILE_WIDTH, Tile, TileSource, decode_entries, read_tile, tile_width
from anchoring.trust import Trust

QUIET_TYPES = ("anchor.", "index.")
"""Events that never start an anchor: a log that grew only by these is not behind."""

_QUIET_BYTES = tuple(f'"type":"{each}'.encode() for each in QUIET_TYPES)

MAX_LOOKED_AT = 20_000


def read_registry(rpc: Rpc, trust: Trust, found: Round) -> RegistryHead | None:
    """Return the registry's head, None when it cannot be had (then it is a finding)."""
    try:
        served = chain_id(rpc)
        if served != trust.chain_id:
            text = f"the node serves the chain {served}, not {trust.chain_id}"
            found.find(Kind.MALFORMED, CHAIN, text)
            return None
        head = read_head(rpc, trust.registry)
    except RpcError as error:
        found.find(Kind.UNREACHABLE, CHAIN, str(error))
        return None
    found.facts["anchored"] = head.size
    return head


def read_witness_head(url: str, origin: str, found: Round) -> bytes | None:
    """Return the checkpoint that a witness remembers (c2sp.org/tlog-witness, monitoring)."""
    source = HttpSource(url, timeout=10.0)
    try:
        data = source.read(f"{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
    except (StorageError, MalformedInput) as error:
        found.find(Kind.UNREACHABLE, url, str(error))
        return None
    finally:
        source.close()
    if data is None:
        found.find(Kind.UNREACHABLE, url, "the witness has no checkpoint of this log")
        return None
    return data


@dataclass(frozen=True, slots=True)
class OutsideHeads:
    """Compares them with the checkpoint ``ours`` (``data``), whose tiles are checked."""

    watched: Watched
    file: StateFile
    state: MonitorState
    ours: Checkpoint
    data: bytes
    tiles: CheckedTiles
    found: Round

    def check_witness(self, url: str, remembered: bytes) -> None:
        """Compare the checkpoint that a witness remembers."""
        try:
            theirs, _ = open_checkpoint(remembered, self.watched.policy)
            if theirs.origin != self.ours.origin:
                raise MalformedInput(f"it is of the log {theirs.origin}")
        except MalformedInput as error:
            text = f"the witness's checkpoint is not one: {error}"
            self.found.find(Kind.UNREACHABLE, url, text)
            return
        except VerificationFailed as error:
            names = self.file.keep_checkpoints(Kind.BAD_SIGNATURE, remembered)
            self.found.find(Kind.BAD_SIGNATURE, url, str(error), *names)
            return
        self.found.looked.add(url)
        self.found.facts[f"witness {url}"] = theirs.size
        try:
            is_consistent = self._is_consistent(theirs)
        except StorageError as error:
            text = f"the witness has seen {theirs.size} entries, the log shows {self.ours.size}"
            self.found.find(Kind.CHECKPOINT_STALE, url, f"{text}: {error}")
            return
        except VerificationFailed as error:
            self.found.find(Kind.CONTENT_MISMATCH, url, str(error))
            return
        if not is_consistent:
            names = self.file.keep_checkpoints(Kind.SPLIT_VIEW, self.data, remembered)
            text = f"the witness saw {theirs.size} entries of another history"
            self.found.find(Kind.SPLIT_VIEW, url, text, *names)

    def _is_consistent(self, theirs: Checkpoint) -> bool:
        """Compare two heads; raises StorageError when the larger one's tiles are not there."""
        if theirs.size <= self.ours.size:
            return root_at(theirs.size, self.tiles) == theirs.root
        larger = CheckedTiles(self.watched.source, theirs.size, theirs.root)
        return root_at(self.ours.size, larger) == self.ours.root

    def check_registry(self, head: RegistryHead, now: int) -> None:
        """Compare the registry's head, and say how far it is behind."""
        self.found.looked.add(CHAIN)
        if head.size > self.ours.size:
            text = f"the registry holds {head.size} entries; the log shows {self.ours.size}"
            self._accuse(Kind.ROLLBACK, head, text)
            return
        try:
            is_prefix = root_at(head.size, self.tiles) == head.root
        except VerificationFailed as error:
            self.found.find(Kind.CONTENT_MISMATCH, CHAIN, str(error))
            return
        if head.size and not is_prefix:
            text = f"the registry's head of {head.size} entries is of another history"
            self._accuse(Kind.SPLIT_VIEW, head, text)
            return
        self._check_lag(head.size, now)

    def _accuse(self, kind: Kind, head: RegistryHead, text: str) -> None:
        registry = f"registry {head.size} {head.root.hex()} {head.time}\n".encode()
        names = self.file.keep_checkpoints(kind, self.data)
        names += (self.file.keep_evidence(kind, "registry", registry),)
        self.found.find(kind, CHAIN, text, *names)

    def _check_lag(self, anchored: int, now: int) -> None:
        limits, size = self.watched.limits, self.ours.size
        self.state.forget(anchored)
        waiting = first_waiting(self.watched.source, anchored, size)
        since = None if waiting is None else self.state.seen_since(waiting)
        entries = 0 if waiting is None else size - waiting
        seconds = 0 if since is None else now - since
        self.found.facts |= {"unanchored": entries, "anchor_lag": seconds}
        too_old = limits.lag_seconds is not None and seconds > limits.lag_seconds
        too_many = limits.lag_entries is not None and entries > limits.lag_entries
        if too_old or too_many:
            text = f"{entries} entries are not anchored, the oldest seen {seconds} seconds ago"
            self.found.find(Kind.ANCHOR_LAG, CHAIN, text)


def first_waiting(source: TileSource, start: int, end: int) -> int | None:
    """Return the first entry of [start, end) that an anchor is due for, None if there is none.

    Without access to the entries, or where there are very many, that is the first of them.
    """
    if end - start > MAX_LOOKED_AT:
        return start
    try:
        for number in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            tile = Tile(None, number, tile_width(None, number, end))
            entries = decode_entries(read_tile(source, tile), tile.width)
            for index, entry in enumerate(entries, start=number * TILE_WIDTH):
                if index >= start and not _is_quiet(entry):
                    return index
    except AnchoringError:
        return start
    return None


def _is_quiet(entry: bytes) -> bool:
    """Judge by the envelope's type: a payload may have a member of that name too."""
    if not any(each in entry for each in _QUIET_BYTES):
        return False
    return parse_entry(entry).envelope.type.startswith(QUIET_TYPES)
