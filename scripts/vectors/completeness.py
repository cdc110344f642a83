"""Vectors of completeness: a stream whole, absent, cut short, with a hole, forked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from anchoring.bundle import EventsBundle
from anchoring.stream_index import IndexPath, StreamIndex, stream_key
from anchoring.stream_proof import StreamProof
from scripts.vectors.cases import FAILED, MALFORMED, NOT_ANCHORED, Case, batch, case
from scripts.vectors.log import ACME, BOREAL, VENUE, VectorLog
from scripts.vectors.story import ACCOUNT, FORKED, Story, tell

FAILS = {"completeness": "failed"}
HOLDS = {"completeness": "ok"}


def stream(
    log: VectorLog,
    name: tuple[str, str],
    shown: Sequence[int],
    index: int,
    path: IndexPath | None = None,
    count: int | None = None,
) -> EventsBundle:
    """Return a stream bundle of the entries ``shown`` by the index event at ``index``, unchecked.

    The path is the right one of the index over all entries before the index event unless given.
    """
    right = log.index_at(index).prove(stream_key(*name))
    proof = StreamProof(*name, len(shown) if count is None else count, path or right)
    return replace(batch(log, [*shown, index]), stream=proof.encode())


def whole(log: VectorLog, name: tuple[str, str], index: int) -> EventsBundle:
    """Return the stream bundle that holds."""
    return stream(log, name, log.positions(*name, index), index)


def cases() -> Iterator[Case]:
    """Return the vectors in the order in which they are published."""
    yield from _that_hold(tell())
    yield from _that_withhold(tell())
    yield from _of_forks(tell())
    yield from _of_other_streams(tell())
    yield from _of_other_indexes(tell())


def _that_hold(story: Story) -> Iterator[Case]:
    log = story.log
    account = whole(log, (ACME, ACCOUNT), story.index)
    yield case("present", "four events, as the index says", account, NOT_ANCHORED, **HOLDS)
    early = whole(log, (ACME, ACCOUNT), story.early_index)
    yield case("present, an earlier index", "the first two of four", early, NOT_ANCHORED, **HOLDS)
    same = whole(log, (BOREAL, ACCOUNT), story.index)
    why = "the same stream id in another tenant is another stream"
    yield case("present, another tenant", why, same, NOT_ANCHORED, **HOLDS)
    own = whole(log, (VENUE, "index-log"), story.index)
    yield case("present, the index log itself", "one event", own, NOT_ANCHORED, **HOLDS)
    for name in _absent(log.index_at(story.index)):
        absent = whole(log, (ACME, name), story.index)
        yield case(f"absent, {name}", "no such stream", absent, NOT_ANCHORED, **HOLDS)
    later = whole(log, (ACME, "account-2"), story.index)
    why = "its first event came after the index: nothing is said of it"
    yield case("absent, opened later", why, later, NOT_ANCHORED, **HOLDS)


def _absent(index: StreamIndex) -> list[str]:
    """One stream in whose place nothing stands, and one with a neighbour there."""
    names = [f"nothing-{number}" for number in range(64)]
    paths = {name: index.prove(stream_key(ACME, name)) for name in names}
    empty = [name for name in names if paths[name].neighbour is None]
    near = [name for name in names if paths[name].neighbour is not None]
    return [*empty[:1], *near[:1]]


def _that_withhold(story: Story) -> Iterator[Case]:
    log, name, index = story.log, (ACME, ACCOUNT), story.index
    every = log.positions(*name, index)
    short = stream(log, name, every[:-1], index)
    yield case("the last event withheld", "three of four, well chained", short, FAILED, **FAILS)
    kept = stream(log, name, every[:-1], index, count=4)
    yield case("the last event withheld, count kept", "four are named", kept, FAILED, **FAILS)
    hole = stream(log, name, [*every[:1], *every[2:]], index)
    yield case("a hole", "version 2 is not there", hole, FAILED, **FAILS)
    tail = stream(log, name, every[1:], index)
    yield case("the first event withheld", "it begins with version 2", tail, FAILED, **FAILS)
    none = stream(log, name, [], index)
    yield case("all events withheld", "as if there were no stream", none, FAILED, **FAILS)
    near = log.index_at(index).prove(stream_key(ACME, "nothing-0"))
    denied = stream(log, name, [], index, near)
    yield case("denied by another's path", "absence of another", denied, FAILED, **FAILS)
    late = [*every, log.append(*name, "cash.deposited", {"amount": "3"})]
    more = stream(log, name, late, log.commit_index(size=index))
    why = "the root has it, the size says it is not covered"
    yield case("an event after what the index covers", why, more, FAILED, **FAILS)


def _of_forks(story: Story) -> Iterator[Case]:
    log, name, (first, one, other) = story.log, (BOREAL, FORKED), story.forked
    hidden = stream(log, name, [first, one], story.index)
    yield case("a fork, the branch that is not indexed", "2a for 2b", hidden, FAILED, **FAILS)
    both = stream(log, name, [first, one, other], story.index)
    yield case("a fork, both branches", "version 2 twice", both, FAILED, **FAILS)
    indexed = stream(log, name, [first, other], story.index)
    why = "the index cannot show that there is another branch: a full check of the log does"
    yield case("a fork, the branch that is indexed", why, indexed, NOT_ANCHORED, **HOLDS)
    forged = VectorLog()
    start = forged.append(ACME, ACCOUNT, "cash.deposited", {"amount": "1"})
    second = forged.append(ACME, ACCOUNT, "cash.deposited", {"amount": "2"}, previous="00" * 32)
    broken = stream(forged, (ACME, ACCOUNT), [start, second], forged.commit_index())
    why = "version 2 names another predecessor, and the index has it so"
    yield case("a stream that is not chained", why, broken, FAILED, **FAILS)


def _of_other_streams(story: Story) -> Iterator[Case]:
    log, index = story.log, story.index
    every = log.positions(ACME, ACCOUNT, index)
    path = log.index_at(index).prove(stream_key(ACME, ACCOUNT))
    tenant = stream(log, (BOREAL, ACCOUNT), every, index, path)
    yield case("another tenant's events", "by the right path of theirs", tenant, FAILED, **FAILS)
    other = stream(log, (ACME, "account-9"), every, index, path)
    yield case("another stream's events", "under another name", other, FAILED, **FAILS)
    single = log.positions(BOREAL, ACCOUNT, index)
    mixed = stream(log, (ACME, ACCOUNT), [every[0], *single, *every[1:]], index, path)
    yield case("an event of another stream among them", "five for four", mixed, FAILED, **FAILS)


def _of_other_indexes(story: Story) -> Iterator[Case]:
    log, name = story.log, (ACME, ACCOUNT)
    every = log.positions(*name, story.index)
    right = log.index_at(story.index).prove(stream_key(*name))
    stale = stream(log, name, every[:2], story.index, log.index_at(5).prove(stream_key(*name)))
    yield case("the path of an older index", "two of four", stale, FAILED, **FAILS)
    bad = {"completeness": "malformed"}
    none = stream(log, name, every, len(log.entries) - 1, right)
    yield case("no index event", "the last entry is another event", none, MALFORMED, **bad)
    root = log.index_at(story.index).root().hex()
    ahead = log.commit_index(size=40, root=root)
    bundle = stream(log, name, every, ahead, right)
    yield case("an index of what was not there", "size 40 at entry 16", bundle, FAILED, **FAILS)
    kinds: list[tuple[str, dict[str, object]]] = [
        ("an index event by another algorithm", {"algorithm": "tallystick/index/v2"}),
        ("an index event with another member", {"more": 1}),
        ("an index event whose size is text", {"size": "12"}),
    ]
    for title, change in kinds:
        position = log.commit_index(**change)
        bundle = stream(log, name, every, position, right)
        yield case(title, "not of the form", bundle, MALFORMED, **bad)
    payload: dict[str, object] = {"algorithm": "tallystick/index/v1", "root": root}
    payload |= {"size": 12, "streams": 7}
    for title, where, kind in (
        ("an index event in another stream", "order-1", "index.committed"),
        ("another event in the index stream", "index-log", "index.published"),
    ):
        position = log.append(VENUE, where, kind, payload)
        bundle = stream(log, name, every, position, right)
        yield case(title, "not an index event", bundle, MALFORMED, **bad)
