"""Vectors of whole bundles of one entry, of many, and of a range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anchoring.bundle import EventsBundle
from anchoring.events_file import encode_events, parse_events
from scripts.vectors.cases import (
    FAILED,
    MALFORMED,
    NOT_ANCHORED,
    Case,
    batch,
    case,
    contiguous,
    flip,
    single,
)
from scripts.vectors.log import ACME, OTHER_EVENT_SIGNER, VectorLog
from scripts.vectors.story import ACCOUNT, tell


def cases() -> Iterator[Case]:
    """Return the vectors in the order in which they are published."""
    yield from _of_one()
    yield from _of_many()
    yield from _of_ranges()
    yield from _of_keys()


def _of_one() -> Iterator[Case]:
    log = tell().log
    good = single(log, 3)
    yield case("one entry", "the third after the first", good, NOT_ANCHORED)
    yield case("one entry, an early checkpoint", "size 4", single(log, 3, 4), NOT_ANCHORED)
    alone = single(log, 0, 1)
    yield case("one entry of one", "a proof without hashes", alone, NOT_ANCHORED)
    other = replace(good, event=log.entries[2])
    yield case(
        "one entry, another's bytes", "entry 2 in its place", other, FAILED, inclusion="failed"
    )
    wrong = replace(good, proof=good.proof.replace(b"\nindex 3\n", b"\nindex 2\n"))
    yield case("one entry, another index", "index 2", wrong, FAILED, inclusion="failed")
    spaced = replace(good, event=good.event + b" ")
    words = {"entry": "malformed", "signature": "not-checked", "inclusion": "failed"}
    yield case("one entry, a space after it", "not canonical", spaced, MALFORMED, **words)


def _of_many() -> Iterator[Case]:
    log = tell().log
    good = batch(log, [1, 3, 6, 10])
    yield case("a batch", "four entries", good, NOT_ANCHORED)
    yield case("a batch of one", "as good as a proof", batch(log, [15]), NOT_ANCHORED)
    whole = batch(log, list(range(16)))
    yield case("a batch of all", "no hashes", whole, NOT_ANCHORED, personal="ok")
    entries = parse_events(good.events)
    swapped = [entries[1], entries[0], *entries[2:]]
    yield _changed("a batch, two swapped", good, swapped, FAILED, inclusion="failed")
    doubled = [entries[0], entries[0], *entries[2:]]
    yield _changed("a batch, one twice", good, doubled, FAILED, inclusion="failed")
    words = {"signature": "not-checked", "inclusion": "malformed"}
    yield _changed("a batch, one withheld", good, entries[:-1], MALFORMED, **words)
    yield _changed("a batch, one too many", good, [*entries, entries[0]], MALFORMED, **words)
    index = good.proof.replace(b"\nindex 3\n", b"\nindex 2\n")
    wrong = replace(good, proof=index)
    yield case("a batch, another index", "index 2 for 3", wrong, FAILED, inclusion="failed")
    turned = good.proof.replace(b"index 1\nindex 3\n", b"index 3\nindex 1\n")
    yield _unreadable("a batch, indices out of order", replace(good, proof=turned))
    cut = replace(good, events=good.events[:-1])
    words = {"entry": "malformed", "signature": "not-checked", "inclusion": "malformed"}
    yield case("a batch, cut short", "the file ends within an entry", cut, MALFORMED, **words)


def _of_ranges() -> Iterator[Case]:
    log = tell().log
    good = contiguous(log, 5, 11)
    yield case("a range", "two subtrees, the first begins before it", good, NOT_ANCHORED)
    yield case("a range of one", "one subtree", contiguous(log, 7, 8), NOT_ANCHORED)
    whole = contiguous(log, 0, 16)
    yield case("a range of all", "the whole log", whole, NOT_ANCHORED, personal="ok")
    yield case(
        "a range to the end",
        "a subtree that is not full",
        contiguous(log, 12, 15, 15),
        NOT_ANCHORED,
    )
    entries = parse_events(good.events)
    swapped = [*entries[:-2], entries[-1], entries[-2]]
    yield _changed("a range, two swapped", good, swapped, FAILED, inclusion="failed")
    words = {"signature": "not-checked", "inclusion": "malformed"}
    yield _changed("a range, one withheld", good, entries[:-1], MALFORMED, **words)
    hole = [*entries[:3], *entries[4:], log.entries[13]]
    yield _changed("a range with a hole", good, hole, FAILED, inclusion="failed")
    moved = good.proof.replace(b"range 5 11\n", b"range 5 10\n")
    yield _unreadable("a range, another end", replace(good, proof=moved))
    other = good.proof.replace(b"subtree 8 11\n", b"subtree 8 10\n")
    yield _unreadable("a range, another subtree", replace(good, proof=other))
    changed = replace(good, proof=flip(good.proof, good.proof.index(b"subtree 4 8\n") + 13))
    yield case("a range, a hash changed", "one bit of it", changed, FAILED, inclusion="failed")


def _of_keys() -> Iterator[Case]:
    """An event that a key outside the ``keys`` file signed, among others."""
    log: VectorLog = tell().log
    log.append(ACME, ACCOUNT, "cash.deposited", {"amount": "1"}, OTHER_EVENT_SIGNER)
    bad = batch(log, [1, 16])
    yield case("a batch, one by another key", "entry 16", bad, FAILED, signature="failed")
    log.append(ACME, ACCOUNT, "cash.deposited", {"amount": "1"}, origin="other.example")
    bad = batch(log, [1, 17])
    yield case("a batch, one of another log", "entry 17", bad, FAILED, entry="failed")


def _changed(
    name: str, good: EventsBundle, entries: list[bytes], exit_code: int, **verdicts: str
) -> Case:
    other = replace(good, events=encode_events(entries))
    return case(name, "the proof is the same", other, exit_code, **verdicts)


def _unreadable(name: str, bundle: EventsBundle) -> Case:
    words = {"inclusion": "malformed", "signature": "not-checked"}
    words |= {"checkpoint": "not-checked", "witnesses": "not-checked"}
    return case(name, "the proof is malformed", bundle, MALFORMED, **words)
