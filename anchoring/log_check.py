"""Checking a whole log: every entry and tile is hashed again up to the checkpoint.

Comparing published hashes with each other proves nothing about the entries, so the entries'
bytes are where this starts. Checked, in order of position: each entry's form, origin and
signature; that its stream's versions count up and name the previous entry's leaf hash; every
tile of every level; the kept checkpoints and a registry's head; at last the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.cosignature import verifiers_for
from anchoring.envelope import parse_entry, verify_entry
from anchoring.errors import (
    AnchoringError,
    MalformedInput,
    PolicyNotMet,
    StorageError,
    VerificationFailed,
)
from anchoring.keys import EventKeys, parse_event_keys
from anchoring.merkle import Frontier, leaf_hash
from anchoring.note import open_note
from anchoring.policy import Policy
from anchoring.tiles import (
    CHECKPOINT_PATH,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TileSource,
    decode_entries,
    decode_hashes,
    read_tile,
    tile_width,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong: which check, where, and a sentence."""

    check: str
    where: str
    message: str


@dataclass(slots=True)
class LogReport:
    """What was checked. ``problem`` is None when everything holds."""

    origin: str = ""
    size: int = 0
    root: str = ""
    entries: int = 0
    streams: int = 0
    tiles: int = 0
    heads: int = 0
    problem: Problem | None = None

    @property
    def exit_code(self) -> int:
        """Return 0 if everything holds, 3 if only the witness quorum is missing, else 1."""
        if self.problem is None:
            return 0
        return 3 if self.problem.check == "witnesses" else 1


class HttpSource:
    """Tiles over HTTP below a prefix; ``token`` authorises reading the entries."""

    def __init__(self, url: str, token: str | None = None, timeout: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)
        self._prefix = url.rstrip("/")

    def read(self, path: str) -> bytes | None:
        """Return a resource, None if the server has none; raises StorageError."""
        try:
            response = self._client.get(f"{self._prefix}/{path}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StorageError(f"cannot read {path}: {error}") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code != httpx.codes.OK:
            raise StorageError(f"cannot read {path}: HTTP {response.status_code}")
        return response.content


def check_log(
    source: TileSource,
    policy: Policy,
    keys: bytes,
    kept: Mapping[int, bytes] | None = None,
    heads: Iterable[tuple[int, bytes]] = (),
) -> LogReport:
    """Check the log at ``source`` completely.

    ``keys`` are the bytes of its ``keys`` file, ``kept`` the signed checkpoints of anchored
    sizes, ``heads`` pairs of size and root that the log must have had (a registry's head).
    Raises MalformedInput when the checkpoint or the keys file cannot be read at all; every
    finding about the log itself is in the report.
    """
    report = LogReport()
    data = source.read(CHECKPOINT_PATH)
    if data is None:
        raise MalformedInput("there is no checkpoint")
    checkpoint, _ = parse_checkpoint(data)
    event_keys, _ = parse_event_keys(keys)
    report.origin, report.size = checkpoint.origin, checkpoint.size
    report.root = checkpoint.root.hex()
    where = CHECKPOINT_PATH
    try:
        _check_signed(data, policy, needs_quorum=True)
        where = "keys"
        _check_keys(keys, event_keys, checkpoint, policy)
        where = "kept checkpoints"
        expected = _expected_heads(checkpoint, kept or {}, heads, policy)
    except AnchoringError as error:
        report.problem = _problem(error, where)
        return report
    _LogWalk(source, checkpoint, event_keys, expected, report).run()
    return report


def _check_signed(data: bytes, policy: Policy, needs_quorum: bool) -> Checkpoint:
    checkpoint, note = parse_checkpoint(data)
    log_keys = policy.log_keys(checkpoint.origin)
    own = {key.key for key in policy.logs}
    witnesses = [key for key in policy.witnesses.values() if key.key not in own]
    opened = open_note(note, verifiers_for([*log_keys, *witnesses]))
    if not any(opened.signed_by(key) for key in log_keys):
        raise VerificationFailed("checkpoint", "no log key of the policy signed it")
    if needs_quorum and not policy.is_met(key for key, _ in opened.verified):
        raise PolicyNotMet("the witness quorum of the policy is not reached")
    return checkpoint


def _check_keys(keys: bytes, parsed: EventKeys, checkpoint: Checkpoint, policy: Policy) -> None:
    _, note = parse_event_keys(keys)
    open_note(note, verifiers_for(policy.log_keys(parsed.origin)))
    if parsed.origin != checkpoint.origin:
        raise VerificationFailed("signature", "the keys file is of another log")


def _expected_heads(
    checkpoint: Checkpoint,
    kept: Mapping[int, bytes],
    heads: Iterable[tuple[int, bytes]],
    policy: Policy,
) -> dict[int, list[bytes]]:
    """Return the roots that the tree must have, by size."""
    expected: dict[int, list[bytes]] = {checkpoint.size: [checkpoint.root]}
    for size, root in heads:
        expected.setdefault(size, []).append(root)
    for size, data in kept.items():
        kept_checkpoint = _check_signed(data, policy, needs_quorum=False)
        if (kept_checkpoint.origin, kept_checkpoint.size) != (checkpoint.origin, size):
            raise VerificationFailed("checkpoint", f"the kept checkpoint of {size} is of another")
        expected.setdefault(size, []).append(kept_checkpoint.root)
    beyond = [size for size in expected if size > checkpoint.size]
    if beyond:
        raise VerificationFailed("anchor", f"a head of size {max(beyond)} is beyond the log")
    return expected


def _problem(error: AnchoringError, where: str) -> Problem:
    check = getattr(error, "check", "log")
    if isinstance(error, PolicyNotMet):
        check = "witnesses"
    return Problem(check, where, str(error))


@dataclass
class _LogWalk:
    """One pass over the log in order of position; stops at the first problem."""

    source: TileSource
    checkpoint: Checkpoint
    keys: EventKeys
    expected: Mapping[int, list[bytes]]
    report: LogReport
    frontier: Frontier = field(default_factory=Frontier)
    streams: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    rows: dict[int, list[bytes]] = field(default_factory=dict)
    where: str = "log"

    def run(self) -> None:
        size = self.checkpoint.size
        try:
            self._check_heads()
            for number in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
                self._check_bundle(number)
            for level, row in sorted(self.rows.items()):
                if row:
                    self._compare_tile(level, (size >> (TILE_HEIGHT * level)) // TILE_WIDTH, row)
        except AnchoringError as error:
            self.report.problem = _problem(error, self.where)

    def _check_bundle(self, number: int) -> None:
        tile = Tile(None, number, tile_width(None, number, self.checkpoint.size))
        self.where = tile.path()
        entries = decode_entries(read_tile(self.source, tile), tile.width)
        self.report.tiles += 1
        hashes = [leaf_hash(entry) for entry in entries]
        first = number * TILE_WIDTH
        for offset, (entry, digest) in enumerate(zip(entries, hashes, strict=True)):
            self.where = f"entry {first + offset}"
            self._check_entry(entry, digest, first + offset)
        self._extend(first, hashes)

    def _check_entry(self, entry: bytes, digest: bytes, index: int) -> None:
        parsed = parse_entry(entry)
        envelope = parsed.envelope
        if envelope.origin != self.checkpoint.origin:
            raise VerificationFailed("entry", "the event is of another log")
        verify_entry(parsed, self.keys.lookup(envelope.key_id, index).verifier)
        stream = (envelope.tenant_id, envelope.stream_id)
        version, previous = self.streams.get(stream, (0, None))
        if (envelope.stream_version, envelope.previous) != (version + 1, previous):
            raise VerificationFailed(
                "entry",
                f"stream {envelope.stream_id} version {envelope.stream_version} does not follow "
                f"version {version}",
            )
        self.streams[stream] = (envelope.stream_version, digest.hex())
        self.report.entries += 1
        self.report.streams = len(self.streams)

    def _extend(self, first: int, hashes: Sequence[bytes]) -> None:
        """Grow the tree, stopping at every size for which a root is expected."""
        stops = sorted(size for size in self.expected if first < size < first + len(hashes))
        start = 0
        for stop in [*(size - first for size in stops), len(hashes)]:
            for level, completed in enumerate(self.frontier.extend(hashes[start:stop])):
                if level % TILE_HEIGHT == 0:
                    self._add_row(level // TILE_HEIGHT, completed)
            start = stop
            self._check_heads()

    def _add_row(self, level: int, hashes: Sequence[bytes]) -> None:
        row = self.rows.setdefault(level, [])
        row.extend(hashes)
        if len(row) == TILE_WIDTH:
            count = self.frontier.size >> (TILE_HEIGHT * level)
            self._compare_tile(level, count // TILE_WIDTH - 1, row)
            row.clear()

    def _compare_tile(self, level: int, number: int, row: Sequence[bytes]) -> None:
        tile = Tile(level, number, len(row))
        self.where = tile.path()
        if decode_hashes(read_tile(self.source, tile), tile.width) != list(row):
            raise VerificationFailed("log", "the tile does not have the hashes of the entries")
        self.report.tiles += 1

    def _check_heads(self) -> None:
        size = self.frontier.size
        for root in self.expected.get(size, []):
            self.where = f"head of size {size}"
            if self.frontier.root() != root:
                raise VerificationFailed("checkpoint", "the entries lead to another root")
            self.report.heads += 1
