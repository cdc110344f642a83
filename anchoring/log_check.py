"""Checking a whole log: every entry and tile is hashed again up to the checkpoint.

Comparing published hashes with each other proves nothing about the entries, so the entries'
bytes are where this starts. Checked, in order of position: each entry's form, origin, key and
signature; that its stream's versions count up and name the previous entry's leaf hash; at every
``index.committed`` event that the index of streams is the one over the entries before; every tile
of every level; the kept checkpoints and a registry's head; at last the root, that the log
announced the keys of its keys file, and that witnesses cosigned the head as the policy asks.

With a state file a later run goes on where the last one stood, after it has proven that what was
checked then is the beginning of the log that is checked now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.errors import AnchoringError, MalformedInput, PolicyNotMet, VerificationFailed
from anchoring.http_source import HttpSource
from anchoring.keys import parse_event_keys
from anchoring.log_head import check_quorum, open_checkpoint, open_keys
from anchoring.log_report import UNKNOWN_KEY_CHECK, LogReport, Problem, problem_of
from anchoring.log_state import LogState
from anchoring.log_walk import LogWalk, Progress
from anchoring.note import OpenedNote
from anchoring.policy import Policy
from anchoring.tiles import CHECKPOINT_PATH, TileSource

__all__ = ["HttpSource", "LogReport", "Problem", "check_log", "check_twice"]

LOOK_AGAIN_SECONDS = 1.0
"""A live log publishes its ``keys`` file some milliseconds after the checkpoint that needs it."""


def check_log(
    source: TileSource,
    policy: Policy,
    keys: bytes,
    kept: Mapping[int, bytes] | None = None,
    heads: Iterable[tuple[int, bytes]] = (),
    *,
    state: LogState | None = None,
    jobs: int = 1,
    progress: Progress = lambda _done, _size: None,
    signed: bytes | None = None,
) -> LogReport:
    """Check the log at ``source`` completely.

    ``keys`` are the bytes of its ``keys`` file, ``kept`` the signed checkpoints of anchored
    sizes, ``heads`` pairs of size and root that the log must have had (a registry's head),
    ``signed`` the checkpoint to check (default: the one at ``source``), ``jobs`` how many
    processes check signatures. Raises MalformedInput when the checkpoint, the keys file or the
    state cannot be read at all; every finding about the log itself is in the report.
    """
    report = LogReport()
    data = source.read(CHECKPOINT_PATH) if signed is None else signed
    if data is None:
        raise MalformedInput("there is no checkpoint")
    checkpoint, _ = parse_checkpoint(data)
    event_keys, _ = parse_event_keys(keys)
    report.origin, report.size = checkpoint.origin, checkpoint.size
    report.root = checkpoint.root.hex()
    where = CHECKPOINT_PATH
    try:
        _, opened = open_checkpoint(data, policy)
        where = "keys"
        open_keys(keys, checkpoint, policy)
        where = "kept checkpoints"
        expected = _expected_heads(checkpoint, kept or {}, heads, policy)
    except AnchoringError as error:
        report.problem = problem_of(error, where)
        return report
    used = LogState() if state is None else state
    try:
        LogWalk(source, checkpoint, event_keys, expected, used, report).run(jobs, progress)
    finally:
        if state is None:
            used.close()
    if report.problem is None:
        _check_witnessed(opened, policy, report)
    return report


def _check_witnessed(opened: OpenedNote, policy: Policy, report: LogReport) -> None:
    """Last of all: a head that no witness has seen yet may still be of a log that holds."""
    try:
        check_quorum(opened, policy)
    except PolicyNotMet as error:
        report.problem = problem_of(error, CHECKPOINT_PATH)


def check_twice(
    check: Callable[[bytes, bytes], LogReport],
    read: Callable[[], tuple[bytes, bytes]],
    pause: Callable[[float], None],
) -> tuple[bytes, LogReport]:
    """Check what ``read`` gives (checkpoint, keys file); returns the checkpoint and the report.

    When a key is unknown, and only then, what is there a moment later is checked instead, if it
    is anything else: the two files may have been read on both sides of their change. ``check``
    should go on from where the first check got to. Raises what either of them raises.
    """
    first = read()
    report = check(*first)
    if report.problem is None or report.problem.check != UNKNOWN_KEY_CHECK:
        return first[0], report
    pause(LOOK_AGAIN_SECONDS)
    second = read()
    if second == first:
        return first[0], report
    again = check(*second)
    again.resumed = min(again.resumed, report.resumed)  # this run's own work is no earlier run's
    return second[0], again


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
        kept_checkpoint, _ = open_checkpoint(data, policy)
        if (kept_checkpoint.origin, kept_checkpoint.size) != (checkpoint.origin, size):
            raise VerificationFailed("checkpoint", f"the kept checkpoint of {size} is of another")
        expected.setdefault(size, []).append(kept_checkpoint.root)
    beyond = [size for size in expected if size > checkpoint.size]
    if beyond:
        raise VerificationFailed("anchor", f"a head of size {max(beyond)} is beyond the log")
    return expected
