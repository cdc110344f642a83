"""Checking one entry bundle by itself: form, origin, key and signature of each entry.

This is the part that costs time and needs nothing but the bundle, so it runs on every core.
What depends on earlier entries (stream chains, tree, index, key ring) is left to the walk, which
takes the results in log order; so the first problem that is named is the first in the log.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any, Protocol

from anchoring.envelope import EventEnvelope, parse_entry, verify_entry
from anchoring.errors import AnchoringError, StorageError, VerificationFailed
from anchoring.keys import EventKeys, parse_event_keys_text
from anchoring.log_report import Problem, problem_of
from anchoring.merkle import leaf_hash
from anchoring.stream_index import INDEX_EVENT, stream_key
from anchoring.tiles import TILE_WIDTH, decode_entries

KEY_ANNOUNCED = "event_key.announced"
KEY_RETIRED = "event_key.retired"
NOTED_TYPES = frozenset((INDEX_EVENT, KEY_ANNOUNCED, KEY_RETIRED))
"""Events that say something about the log itself, which the walk compares with the log."""

_AHEAD = 4
"""Bundles in flight for each worker: enough that none waits, few enough to hold in memory."""


Link = tuple[bytes, str, int, str | None]


@dataclass(frozen=True, slots=True)
class Noted:
    """An event of one of NOTED_TYPES, as the walk needs it."""

    offset: int
    type: str
    tenant_id: str
    stream_id: str
    payload: Mapping[str, Any]


@dataclass(slots=True)
class CheckedBundle:
    """The entries up to the first problem.

    ``leaves`` are leaf hashes, ``links`` each entry's (stream key, stream id, version, previous
    leaf hash or None), ``uses`` the first and last index at which a key signed here.
    """

    leaves: list[bytes] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)
    uses: dict[str, tuple[int, int]] = field(default_factory=dict)
    problem: Problem | None = None


class BundleChecker:
    """Checks bundles against one log's origin and event keys."""

    def __init__(self, keys: EventKeys) -> None:
        self._keys = keys

    def check(self, number: int, where: str, data: bytes, width: int) -> CheckedBundle:
        """Check the bundle's first ``width`` entries; what is wrong stands in the result."""
        result = CheckedBundle()
        try:
            entries = decode_entries(data, width)
        except AnchoringError as error:
            result.problem = problem_of(error, where)
            return result
        for index, entry in enumerate(entries, start=number * TILE_WIDTH):
            try:
                self._check_entry(entry, index, result)
            except AnchoringError as error:
                result.problem = problem_of(error, f"entry {index}")
                break
        return result

    def _check_entry(self, entry: bytes, index: int, result: CheckedBundle) -> None:
        parsed = parse_entry(entry)
        envelope = parsed.envelope
        if envelope.origin != self._keys.origin:
            raise VerificationFailed("entry", "the event is of another log")
        verify_entry(parsed, self._keys.lookup(envelope.key_id, index).verifier)
        key = stream_key(envelope.tenant_id, envelope.stream_id)
        first, _ = result.uses.get(envelope.key_id, (index, index))
        result.uses[envelope.key_id] = (first, index)
        if envelope.type in NOTED_TYPES:
            result.noted.append(_noted(envelope, len(result.leaves)))
        result.links.append((key, envelope.stream_id, envelope.stream_version, envelope.previous))
        result.leaves.append(leaf_hash(entry))


def _noted(envelope: EventEnvelope, offset: int) -> Noted:
    return Noted(
        offset, envelope.type, envelope.tenant_id, envelope.stream_id, dict(envelope.payload)
    )


Job = tuple[int, str, bytes, int]
"""Arguments of :meth:`BundleChecker.check`."""

Task = Job | Problem
"""A bundle to check, or why there is none: it keeps its place in the order."""


class Workers(Protocol):
    """Checks bundles somewhere and gives the results back in order."""

    def results(self, tasks: Iterable[Task]) -> Iterator[CheckedBundle]:
        """Return the result of each task in order; reads a bounded number of tasks ahead."""
        ...


class InProcess:
    """One core: this one."""

    def __init__(self, keys: EventKeys) -> None:
        self._checker = BundleChecker(keys)

    def results(self, tasks: Iterable[Task]) -> Iterator[CheckedBundle]:
        """Check each bundle when its result is asked for."""
        for task in tasks:
            if isinstance(task, Problem):
                yield CheckedBundle(problem=task)
            else:
                yield self._checker.check(*task)


class ProcessPool:
    """Several cores, a process each."""

    def __init__(self, pool: ProcessPoolExecutor, processes: int) -> None:
        self._pool = pool
        self._ahead = processes * _AHEAD

    def results(self, tasks: Iterable[Task]) -> Iterator[CheckedBundle]:
        """Keep the processes busy; raises StorageError when one of them was killed."""
        waiting: deque[Future[CheckedBundle]] = deque()
        try:
            for task in tasks:
                waiting.append(self._submit(task))
                if len(waiting) >= self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise StorageError("a process that checked entries was killed") from error

    def _submit(self, task: Task) -> Future[CheckedBundle]:
        if not isinstance(task, Problem):
            return self._pool.submit(_check_in_worker, task)
        known: Future[CheckedBundle] = Future()
        known.set_result(CheckedBundle(problem=task))
        return known


@contextmanager
def workers(keys: EventKeys, jobs: int, bundles: int) -> Iterator[Workers]:
    """Yield workers for about ``bundles`` bundles on at most ``jobs`` processes.

    Few bundles are checked in this process: starting others would take longer.
    """
    processes = min(jobs, bundles // (2 * _AHEAD))
    if processes < 2:
        yield InProcess(keys)
        return
    # "spawn": this process may have threads (a progress bar), which do not survive a fork.
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), _start_worker, (keys.text().encode(),)
    )
    try:
        yield ProcessPool(pool, processes)
    finally:
        pool.shutdown(cancel_futures=True)


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_worker: BundleChecker | None = None


def _start_worker(keys: bytes) -> None:
    global _worker
    # The terminal sends Ctrl-C to the whole group; only the parent answers to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = BundleChecker(parse_event_keys_text(keys.decode()))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _check_in_worker(job: Job) -> CheckedBundle:
    if _worker is None:
        raise StorageError("a worker was not started")
    return _worker.check(*job)
