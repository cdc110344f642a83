"""Watching a log: its checkpoints, its entries, its witnesses and its registry on chain.

Each round fetches the checkpoint and asks: is it signed by the log and by the quorum; does it
extend the one seen before (from tiles that are checked first, so that a rotten tile is not taken
for a fork); is the registry's head on this history, and the head that each witness remembers; how
far is the anchor behind; are the event keys the known ones; and, where the entries may be read, do
they hold (:mod:`anchoring.log_check`, from where the last round stood) with the index as committed.

Heads from outside are read before the log's, so a log that grows meanwhile is not called behind.
A checkpoint that contradicts an earlier one is never taken over: the finding stays until the log
returns to its history. Both checkpoints are kept, which is proof to anyone that has the log's key.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from anchoring.alerts import Alert, DeliveryFailed, Webhook
from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.errors import (
    AnchoringError,
    MalformedInput,
    NotAuthorised,
    PolicyNotMet,
    StorageError,
    VerificationFailed,
)
from anchoring.findings import Kind
from anchoring.keys import EventKeys, parse_event_keys
from anchoring.log_check import LOOK_AGAIN_SECONDS, check_log
from anchoring.log_head import check_quorum, last_cosigned, open_checkpoint, open_keys
from anchoring.log_report import INDEX_CHECK, STORAGE_CHECK, UNKNOWN_KEY_CHECK, LogReport
from anchoring.log_state import LogState
from anchoring.merkle import root_at
from anchoring.merkle_proof import prove_consistency
from anchoring.monitor_heads import OutsideHeads, read_registry, read_witness_head
from anchoring.monitor_round import (
    ENTRIES,
    KEYS,
    LOG,
    Examined,
    Round,
    Watched,
    compare_keys,
)
from anchoring.monitor_state import OpenAlert, StateFile
from anchoring.note import OpenedNote
from anchoring.registry import RegistryHead
from anchoring.tile_check import CheckedTiles
from anchoring.tiles import CHECKPOINT_PATH, TILE_WIDTH, Tile, read_tile, tile_width

KEYS_PATH = "keys"

_KINDS = {
    INDEX_CHECK: Kind.INDEX_MISMATCH,
    UNKNOWN_KEY_CHECK: Kind.UNKNOWN_KEY,
    "signature": Kind.BAD_SIGNATURE,
    STORAGE_CHECK: Kind.UNREACHABLE,
}


class Monitor:
    """Looks at a log again and again; ``now`` gives seconds since 1970."""

    def __init__(
        self,
        watched: Watched,
        file: StateFile,
        now: Callable[[], float],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises MalformedInput or StorageError when the state cannot be read."""
        self._pause = pause
        self._watched = watched
        self._policy = watched.policy
        self._source = watched.source
        self._file = file
        self._now = now
        self._state = file.load()
        self._known_keys = self._baseline()

    def round(self) -> Round:
        """Look at everything once and save what was seen; raises StorageError for the state."""
        found = Round()
        watched = self._watched
        head = None
        if watched.rpc is not None and watched.trust is not None:
            head = read_registry(watched.rpc, watched.trust, found)
        witnessed = {
            url: data
            for url in watched.witnesses
            if (data := read_witness_head(url, self._origin(), found)) is not None
        }
        try:
            self._look(found, head, witnessed)
        except StorageError as error:
            found.find(Kind.UNREACHABLE, LOG, str(error))
        self._file.save(self._state)
        return found

    def tell(self, found: Round, webhook: Webhook | None) -> list[str]:
        """Send what is new and what has cleared; returns what could not be delivered."""
        self._update_alerts(found)
        failures: list[str] = []
        for alert in self._state.alerts:
            if alert.told:
                continue
            message = Alert(self._origin(), alert.finding(), alert.first_seen, alert.is_cleared)
            try:
                if webhook is not None:
                    webhook.send(message)
                alert.told = True
            except DeliveryFailed as error:
                failures.append(str(error))
        self._state.alerts = [a for a in self._state.alerts if not (a.is_cleared and a.told)]
        self._file.save(self._state)
        return failures

    def _update_alerts(self, found: Round) -> None:
        present = {finding.identity: finding for finding in found.findings}
        for alert in self._state.alerts:
            finding = present.pop((alert.kind, alert.subject), None)
            if finding is not None:
                if alert.is_cleared:  # it came back before anyone heard that it had gone
                    alert.is_cleared, alert.told = False, True
                alert.message, alert.evidence = finding.message, list(finding.evidence)
            elif alert.subject in found.looked and not alert.is_cleared:
                # What nobody was told needs no all-clear either.
                alert.is_cleared, alert.told = True, not alert.told
        for finding in present.values():
            identity, evidence = finding.identity, list(finding.evidence)
            now = int(self._now())
            self._state.alerts.append(OpenAlert(*identity, finding.message, evidence, now))

    def _origin(self) -> str:
        return self._state.origin or (self._policy.logs[0].name if self._policy.logs else "")

    def _baseline(self) -> EventKeys | None:
        data = self._watched.keys or self._state.keys
        return parse_event_keys(data)[0] if data else None

    def _look(self, found: Round, head: RegistryHead | None, witnessed: dict[str, bytes]) -> None:
        watched = self._watched
        data = self._source.read(CHECKPOINT_PATH)
        if data is None:
            raise StorageError("the log serves no checkpoint")
        opened = self._open(data, found)
        if opened is None:
            return
        checkpoint, note = opened
        found.facts |= {"size": checkpoint.size, "root": checkpoint.root.hex()}
        tiles = self._extends(checkpoint, data, found)
        found.looked.add(LOG)
        if tiles is None:
            return
        self._take_over(checkpoint, data)
        self._check_age(note, found)
        heads = OutsideHeads(watched, self._file, self._state, checkpoint, data, tiles, found)
        for url, remembered in witnessed.items():
            heads.check_witness(url, remembered)
        if head is not None:
            heads.check_registry(head, int(self._now()))
        self._check_entries_and_keys(checkpoint, data, found)

    def _open(self, data: bytes, found: Round) -> tuple[Checkpoint, OpenedNote] | None:
        try:
            checkpoint, note = open_checkpoint(data, self._policy)
        except MalformedInput as error:
            found.find(Kind.MALFORMED, LOG, f"the checkpoint cannot be read: {error}")
            return None
        except VerificationFailed as error:
            name = self._file.keep_evidence(Kind.BAD_SIGNATURE, "checkpoint", data)
            found.find(Kind.BAD_SIGNATURE, LOG, str(error), name)
            return None
        if checkpoint.origin != self._origin():
            found.find(Kind.MALFORMED, LOG, f"this is the log {checkpoint.origin}")
            return None
        self._check_quorum(note, found)
        return checkpoint, note

    def _check_quorum(self, note: OpenedNote, found: Round) -> None:
        """A log that moves is often ahead of its witnesses: it may be so for a while."""
        now = int(self._now())
        try:
            check_quorum(note, self._policy)
        except PolicyNotMet as error:
            ago = now - self._state.witnessed_at
            if not self._state.witnessed_at or ago > self._watched.limits.unwitnessed_seconds:
                found.find(Kind.QUORUM_MISSING, LOG, str(error))
            return
        self._state.witnessed_at = now

    def _extends(self, new: Checkpoint, data: bytes, found: Round) -> CheckedTiles | None:
        """Return the checkpoint's tiles if it extends the one before, None if not (a finding)."""
        known = self._state.checkpoint
        old = parse_checkpoint(known)[0] if known else None
        if old is not None and new.size < old.size:
            text = f"the log has {new.size} entries; {old.size} were seen before"
            found.find(
                Kind.ROLLBACK, LOG, text, *self._file.keep_checkpoints(Kind.ROLLBACK, known, data)
            )
            return None
        if old is not None and new.size == old.size and new.root != old.root:
            text = f"two checkpoints of {new.size} entries have different roots"
            found.find(
                Kind.SPLIT_VIEW,
                LOG,
                text,
                *self._file.keep_checkpoints(Kind.SPLIT_VIEW, known, data),
            )
            return None
        try:
            tiles = CheckedTiles(self._source, new.size, new.root)
            if old is None or root_at(old.size, tiles) == old.root:
                return tiles
            proof = _proof_text(old, new, prove_consistency(old.size, new.size, tiles))
        except VerificationFailed as error:
            found.find(Kind.CONTENT_MISMATCH, LOG, str(error))
            return None
        names = self._file.keep_checkpoints(Kind.SPLIT_VIEW, known, data)
        names += (self._file.keep_evidence(Kind.SPLIT_VIEW, "consistency", proof),)
        text = f"{new.size} entries are no extension of the {old.size} seen before"
        found.find(Kind.SPLIT_VIEW, LOG, text, *names)
        return None

    def _take_over(self, new: Checkpoint, data: bytes) -> None:
        state, now = self._state, int(self._now())
        is_new = not state.checkpoint or parse_checkpoint(state.checkpoint)[0] != new
        if is_new:
            state.seen_at = now
        state.origin, state.checkpoint = new.origin, data
        state.sight(new.size, now)

    def _check_age(self, note: OpenedNote, found: Round) -> None:
        limit = self._watched.limits.checkpoint_seconds
        cosigned = last_cosigned(note, self._policy)
        since = self._state.seen_at if cosigned is None else cosigned
        age = int(self._now()) - since
        found.facts["checkpoint_age"] = age
        if limit is not None and age > limit:
            what = "was first seen" if cosigned is None else "was last cosigned"
            found.find(Kind.CHECKPOINT_STALE, LOG, f"the checkpoint {what} {age} seconds ago")

    def _check_entries_and_keys(self, ours: Checkpoint, data: bytes, found: Round) -> None:
        """Judge the keys file and the entries; what accuses a key is looked at twice.

        A live log publishes its keys file some milliseconds after the checkpoint that needs it.
        """
        key_bytes = self._read_keys(found)
        if key_bytes is None:
            return
        seen = Round()
        examined = self._examine(ours, data, key_bytes, seen)
        if examined.accuses:
            self._pause(LOOK_AGAIN_SECONDS)
            later = self._look_again((data, key_bytes), found)
            if later is not None:
                seen = Round()
                examined = self._examine(*later, seen)
        found.take(seen)
        self._conclude(examined, found)

    def _look_again(
        self, before: tuple[bytes, bytes], found: Round
    ) -> tuple[Checkpoint, bytes, bytes] | None:
        """Return a newer checkpoint and keys file; None when there are none: the first count."""
        try:
            data, key_bytes = self._source.read(CHECKPOINT_PATH), self._source.read(KEYS_PATH)
            if data is None or key_bytes is None or (data, key_bytes) == before:
                return None
            checkpoint = self._follow(data, found)
        except StorageError as error:
            found.find(Kind.UNREACHABLE, LOG, str(error))
            return None
        return None if checkpoint is None else (checkpoint, data, key_bytes)

    def _follow(self, data: bytes, found: Round) -> Checkpoint | None:
        """Take over a checkpoint read later in the same round, None if it is refused."""
        later = Round()
        opened = self._open(data, later)
        checkpoint = None if opened is None else opened[0]
        is_taken = checkpoint is not None and self._extends(checkpoint, data, later) is not None
        found.take(later)
        if checkpoint is None or not is_taken:
            found.looked.discard(LOG)
            return None
        self._take_over(checkpoint, data)
        found.facts |= {"size": checkpoint.size, "root": checkpoint.root.hex()}
        return checkpoint

    def _read_keys(self, found: Round) -> bytes | None:
        """Return the published keys file, else the known one; its disappearance is a finding."""
        published = self._source.read(KEYS_PATH)
        if published is not None:
            return published
        if self._state.keys:
            found.find(Kind.UNREACHABLE, KEYS, "the keys file was published, and is no longer")
        known = self._watched.keys or self._state.keys or None
        if known is None:
            found.facts["keys"] = "not published"
        return known

    def _examine(self, ours: Checkpoint, data: bytes, key_bytes: bytes, found: Round) -> Examined:
        try:
            keys = open_keys(key_bytes, ours, self._policy)
        except (MalformedInput, VerificationFailed) as error:
            return Examined(key_bytes, refusal=f"the keys file: {error}")
        report = self._walk(ours, data, key_bytes, found)
        known = keys if self._known_keys is None else self._known_keys
        is_sound = report is not None and report.problem is None
        return Examined(key_bytes, keys, report, compare_keys(known, keys, is_sound))

    def _conclude(self, examined: Examined, found: Round) -> None:
        """Say what is wrong with the keys; only sound ones become the known ones."""
        key_bytes, keys, report = examined.key_bytes, examined.keys, examined.report
        if keys is None:
            name = self._file.keep_evidence(Kind.BAD_SIGNATURE, "keys", key_bytes)
            found.find(Kind.BAD_SIGNATURE, KEYS, examined.refusal, name)
            return
        if not any(finding.subject == KEYS for finding in found.findings):
            found.looked.add(KEYS)
        if examined.changes:
            name = self._file.keep_evidence(Kind.UNKNOWN_KEY, "keys", key_bytes)
            found.find(Kind.UNKNOWN_KEY, KEYS, "; ".join(examined.changes), name)
            return
        if report is None or report.problem is None:
            self._known_keys, self._state.keys = keys, key_bytes

    def _walk(self, ours: Checkpoint, data: bytes, keys: bytes, found: Round) -> LogReport | None:
        """Check the entries since the last round; None when they may not be read."""
        if ours.size == 0:
            return LogReport()
        number = (ours.size - 1) // TILE_WIDTH
        try:
            read_tile(self._source, Tile(None, number, tile_width(None, number, ours.size)))
        except NotAuthorised as error:
            found.facts["entries"] = "not readable"
            if self._watched.must_read or self._file.walk_path.exists():
                # Else a log could end every check of its entries by refusing them.
                found.find(Kind.UNREACHABLE, ENTRIES, str(error))
            return None
        policy = dataclasses.replace(self._policy, quorum=None)
        try:
            state = LogState(self._file.walk_path)
        except AnchoringError as error:
            found.find(Kind.MALFORMED, ENTRIES, str(error))
            return None
        try:
            report = check_log(
                self._source, policy, keys, state=state, jobs=self._watched.jobs, signed=data
            )
        except AnchoringError as error:
            found.find(Kind.MALFORMED, ENTRIES, str(error))
            return None
        finally:
            state.close()
        self._judge(report, found)
        return report

    def _judge(self, report: LogReport, found: Round) -> None:
        problem = report.problem
        found.facts |= {"entries": report.entries, "indexed": report.indexed}
        if problem is not None:
            kind = _KINDS.get(problem.check, Kind.CONTENT_MISMATCH)
            found.find(kind, ENTRIES, f"{problem.where}: {problem.message}")
            return
        found.looked.add(ENTRIES)
        limit, behind = self._watched.limits.index_entries, report.size - report.indexed
        if limit is not None and behind > limit:
            text = f"{behind} entries came after those that the last commitment covers"
            found.find(Kind.INDEX_LAG, ENTRIES, text)


def _proof_text(old: Checkpoint, new: Checkpoint, hashes: Sequence[bytes]) -> bytes:
    """Return a consistency proof that leads to the new root but not to the old one."""
    lines = [f"from {old.size}", f"to {new.size}", *(item.hex() for item in hashes)]
    return "".join(f"{line}\n" for line in lines).encode()
