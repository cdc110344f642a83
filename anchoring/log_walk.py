"""One pass over a log in order of position; stops at the first problem.

Workers check the entries by themselves (:mod:`anchoring.log_work`). Here, in log order: that each
stream's versions count up and name the previous entry's leaf hash, the tree, every tile of every
level, the heads that the tree must have had, the key ring, and the index of streams at every
commitment to it. The memory that grows is that of the streams: some 500 bytes each, for the head
and its place in the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from anchoring.checkpoint import Checkpoint
from anchoring.errors import AnchoringError, MalformedInput, VerificationFailed
from anchoring.keys import EventKeys
from anchoring.log_report import INDEX_CHECK, LogReport, problem_of
from anchoring.log_ring import check_announced, check_uses, note_key, read_commitment
from anchoring.log_state import KeyUse, LogState, SavedWalk
from anchoring.log_work import CheckedBundle, Link, Noted, Task, workers
from anchoring.merkle import Frontier
from anchoring.merkle_proof import prove_consistency, verify_consistency
from anchoring.stream_index import INDEX_EVENT, StreamHead, StreamIndex
from anchoring.tile_check import CheckedTiles
from anchoring.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TileSource,
    decode_hashes,
    read_tile,
    tile_width,
)

SAVE_EVERY = 64
"""Bundles between two saves: 16,384 entries, about a second's work."""

Progress = Callable[[int, int], None]
"""Called with the entries checked so far and the size of the log."""


class LogWalk:
    """Checks the entries and tiles of one signed checkpoint, from ``state`` on."""

    def __init__(
        self,
        source: TileSource,
        checkpoint: Checkpoint,
        keys: EventKeys,
        expected: Mapping[int, Sequence[bytes]],
        state: LogState,
        report: LogReport,
    ) -> None:
        """``expected`` are the roots that the tree must have, by size."""
        self._source = source
        self._checkpoint = checkpoint
        self._keys = keys
        self._expected = expected
        self._state = state
        self._report = report
        self._walk = SavedWalk(checkpoint.origin)
        self._frontier = Frontier()
        self._streams: dict[bytes, StreamHead] = {}
        self._index = StreamIndex()
        self._first = self._entries = 0
        self._where = "state"

    def run(self, jobs: int, progress: Progress) -> None:
        """Check everything; what is wrong stands in the report.

        Raises MalformedInput or StorageError when the state cannot be used.
        """
        self._resume()
        try:
            if self._first:
                self._check_past()
            self._check_heads()
            self._check_bundles(jobs, progress)
            self._check_last_tiles()
            self._where = "keys"
            check_announced(self._keys, self._walk.notices, self._checkpoint.size)
        except AnchoringError as error:
            self._report.problem = problem_of(error, self._where)
        self._count()

    def _resume(self) -> None:
        saved = self._state.load()
        if saved is None:
            return
        self._walk = saved
        self._frontier = Frontier.parse(saved.frontier)
        if saved.origin != self._checkpoint.origin:
            raise MalformedInput(f"the state file is of the log {saved.origin}")
        for head in self._state.indexed():
            self._streams[head.key] = head
        self._index = StreamIndex.of(self._streams.values())
        self._state.require(self._index.root() == saved.index_root)
        for head in self._state.pending():
            self._streams[head.key] = head
        self._first = self._entries = self._frontier.size
        # Each entry is one version of one stream, so the counts must add up.
        self._state.require(sum(each.count for each in self._streams.values()) == self._first)
        self._state.require(self._first % TILE_WIDTH == 0)

    def _check_past(self) -> None:
        """Check that what an earlier run checked is the beginning of this log."""
        size, root = self._checkpoint.size, self._checkpoint.root
        if size < self._first:
            raise VerificationFailed(
                "consistency", f"the log has {size} entries; {self._first} were checked before"
            )
        self._where = "keys"
        check_uses(self._keys, self._walk.uses)
        self._where = "tiles"
        tiles = CheckedTiles(self._source, size, root)
        past = {known: roots for known, roots in self._expected.items() if known < self._first}
        for known, roots in {**past, self._first: [self._frontier.root()]}.items():
            self._where = f"head of size {known}"
            for each in roots if known else ():
                proof = prove_consistency(known, size, tiles)
                verify_consistency(known, size, proof, each, root)
                self._report.heads += known in past

    def _check_bundles(self, jobs: int, progress: Progress) -> None:
        size = self._checkpoint.size
        first, end = self._first // TILE_WIDTH, -(-size // TILE_WIDTH)
        progress(self._first, size)
        with workers(self._keys, jobs, end - first) as pool:
            results = pool.results(self._read_bundles(first, end))
            for number in range(first, end):
                self._where = _bundle(number, size).path()
                self._take(number, next(results))
                progress(self._frontier.size, size)
                is_last = number == end - 1
                if self._frontier.size % TILE_WIDTH == 0 and (
                    is_last or (number + 1) % SAVE_EVERY == 0 or number == end - 2
                ):
                    self._save()

    def _read_bundles(self, first: int, end: int) -> Iterator[Task]:
        for number in range(first, end):
            tile = _bundle(number, self._checkpoint.size)
            try:
                yield number, tile.path(), read_tile(self._source, tile), tile.width
            except AnchoringError as error:
                yield problem_of(error, tile.path())
                return

    def _take(self, number: int, bundle: CheckedBundle) -> None:
        """Take in the entries of a bundle, up to its first problem."""
        first = number * TILE_WIDTH
        noted = {item.offset: item for item in bundle.noted}
        pending: list[tuple[int, bytes, int, bytes]] = []
        for offset, link in enumerate(bundle.links):
            self._where = f"entry {first + offset}"
            if offset in noted:
                self._flush(pending)
                self._note(noted[offset], first + offset)
            head = self._follow(link, bundle.leaves[offset])
            pending.append((first + offset, head.key, head.count, head.head))
            self._entries += 1
        self._flush(pending)
        if bundle.problem is not None:
            self._where = bundle.problem.where
            raise VerificationFailed(bundle.problem.check, bundle.problem.message)
        self._walk.tiles += 1
        self._use_keys(bundle)
        self._extend(first, bundle.leaves)

    def _flush(self, pending: list[tuple[int, bytes, int, bytes]]) -> None:
        if pending:
            self._state.add_pending(pending)
            pending.clear()

    def _follow(self, link: Link, leaf: bytes) -> StreamHead:
        """Take the stream one version on."""
        key, stream_id, version, previous = link
        known = self._streams.get(key)
        count, last = (0, None) if known is None else (known.count, known.head.hex())
        if (version, previous) != (count + 1, last):
            raise VerificationFailed(
                "entry", f"stream {stream_id} version {version} does not follow version {count}"
            )
        head = StreamHead(key if known is None else known.key, version, leaf)
        self._streams[head.key] = head
        return head

    def _note(self, noted: Noted, position: int) -> None:
        if noted.type != INDEX_EVENT:
            note_key(noted, self._walk.notices)
            return
        walk = self._walk
        claimed = read_commitment(noted, position, walk)
        self._index = self._index.updated(self._state.advance_index(claimed.size))
        found = (self._index.root().hex(), self._index.streams)
        if found != (claimed.root, claimed.streams):
            raise VerificationFailed(
                INDEX_CHECK,
                f"the first {claimed.size} entries have {found[1]} streams and the index {found[0]}"
                f"; the commitment says {claimed.streams} and {claimed.root}",
            )
        walk.indexes += 1
        walk.index_size, walk.index_root = claimed.size, self._index.root()
        walk.index_tenant = noted.tenant_id

    def _use_keys(self, bundle: CheckedBundle) -> None:
        for key_id, (low, high) in bundle.uses.items():
            known = self._walk.uses.get(key_id)
            public_key = self._keys.lookup(key_id, low).public_key.hex()
            self._walk.uses[key_id] = KeyUse(public_key, known.first if known else low, high)

    def _extend(self, first: int, hashes: Sequence[bytes]) -> None:
        """Grow the tree, stopping at every size for which a root is expected."""
        stops = sorted(size for size in self._expected if first < size < first + len(hashes))
        start = 0
        for stop in [*(size - first for size in stops), len(hashes)]:
            for level, completed in enumerate(self._frontier.extend(hashes[start:stop])):
                if level % TILE_HEIGHT == 0:
                    self._add_row(level // TILE_HEIGHT, completed)
            start = stop
            self._check_heads()

    def _add_row(self, level: int, hashes: Sequence[bytes]) -> None:
        row = self._walk.rows.setdefault(level, [])
        row.extend(hashes)
        if len(row) == TILE_WIDTH:
            count = self._frontier.size >> (TILE_HEIGHT * level)
            self._compare_tile(level, count // TILE_WIDTH - 1, row)
            row.clear()

    def _check_last_tiles(self) -> None:
        for level, row in sorted(self._walk.rows.items()):
            if row:
                count = self._checkpoint.size >> (TILE_HEIGHT * level)
                self._compare_tile(level, count // TILE_WIDTH, row)

    def _compare_tile(self, level: int, number: int, row: Sequence[bytes]) -> None:
        tile = Tile(level, number, len(row))
        self._where = tile.path()
        if decode_hashes(read_tile(self._source, tile), tile.width) != list(row):
            raise VerificationFailed("log", "the tile does not have the hashes of the entries")
        self._walk.tiles += 1

    def _check_heads(self) -> None:
        size = self._frontier.size
        for root in self._expected.get(size, ()):
            self._where = f"head of size {size}"
            if self._frontier.root() != root:
                raise VerificationFailed("checkpoint", "the entries lead to another root")
            self._report.heads += 1

    def _save(self) -> None:
        self._walk.frontier = self._frontier.serialise()
        self._state.save(self._walk)

    def _count(self) -> None:
        report, walk = self._report, self._walk
        report.resumed, report.entries = self._first, self._entries
        report.streams, report.tiles = len(self._streams), walk.tiles
        report.indexes, report.indexed = walk.indexes, walk.index_size


def _bundle(number: int, size: int) -> Tile:
    return Tile(None, number, tile_width(None, number, size))
