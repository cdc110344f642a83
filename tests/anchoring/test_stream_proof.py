"""Stream proofs: the file, the index event, and every guard of completeness by itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchoring.bundle import StreamEvents, build_stream
from anchoring.envelope import parse_entry
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.events_file import parse_events
from anchoring.merkle import leaf_hashes
from anchoring.policy import parse_policy
from anchoring.report import Status
from anchoring.stream_index import IndexPath, StreamHead, stream_key
from anchoring.stream_proof import (
    HEADER,
    Completeness,
    StreamProof,
    parse_index_commitment,
    parse_stream_proof,
    verify_stream,
)
from anchoring.verifier import Profile, TrustInputs, verify_bundle
from scripts.vectors.log import ACME, BOREAL, VENUE, VectorLog, keys_file, policy_file
from scripts.vectors.story import ACCOUNT, tell

HASH = "A" * 43 + "="
KEY = "ab" * 32


def prove(log: VectorLog, name, shown, index, path=None, count=None):
    """The arguments of verify_stream for the entries ``shown`` and the index event."""
    right = log.index_at(index).prove(stream_key(*name))
    proof = StreamProof(*name, len(shown) if count is None else count, path or right)
    entries = [log.entries[at] for at in (*shown, index)]
    return proof, [parse_entry(entry) for entry in entries], leaf_hashes(entries), [*shown, index]


@pytest.fixture
def story():
    return tell()


def test_what_is_shown_is_said(story):
    log, index = story.log, story.index
    found = verify_stream(*prove(log, (ACME, ACCOUNT), log.positions(ACME, ACCOUNT, index), index))
    assert found == Completeness(ACME, ACCOUNT, 4, index, index)
    assert str(found) == (
        "complete: 4 events of account-1 among the first 12 entries (index at entry 12)"
    )
    early = story.early_index
    found = verify_stream(*prove(log, (ACME, ACCOUNT), log.positions(ACME, ACCOUNT, early), early))
    assert (found.count, found.size) == (2, 5)


def test_every_stream_of_the_log_is_complete_and_nothing_less_is(story):
    """Every subset of every stream's events beside the naive answer: only all of them."""
    log, index = story.log, story.index
    for name in sorted(log.heads):
        every = log.positions(*name, index)
        for chosen in range(1 << len(every)):
            shown = [at for bit, at in enumerate(every) if chosen >> bit & 1]
            # Of a fork the index names the later branch: what it is not shown it cannot know.
            branch = [at for at in every if at != story.forked[1]]
            if shown in (every, branch) and not set(story.forked) <= set(shown):
                assert verify_stream(*prove(log, name, shown, index)).count == len(shown)
            else:
                with pytest.raises(VerificationFailed):
                    verify_stream(*prove(log, name, shown, index))


def test_a_stream_that_is_not_there(story):
    log, index = story.log, story.index
    for number in range(40):
        arguments = prove(log, (ACME, f"nothing-{number}"), [], index)
        assert verify_stream(*arguments).count == 0
    for name in ((ACME, ACCOUNT), (BOREAL, ACCOUNT)):
        with pytest.raises(VerificationFailed):
            verify_stream(*prove(log, name, [], index))


def refused(arguments, match, error=VerificationFailed):
    with pytest.raises(error, match=match):
        verify_stream(*arguments)


def test_each_guard_by_itself(story):
    log, index, name = story.log, story.index, (ACME, ACCOUNT)
    every = log.positions(*name, index)
    proof, entries, leaves, places = prove(log, name, every, index)
    verify_stream(proof, entries, leaves, places)
    refused((proof, entries[:-1], leaves, places), "are not 4 and an index")
    refused((replace(proof, count=3), entries, leaves, places), "are not 3 and an index")
    refused((proof, entries, leaves, [*places[:-1], 11]), "covers more than came before")
    refused((proof, entries, leaves, [*places[:-2], 12, 13]), "not among the first 12")
    refused(prove(log, name, [*every[:2], *every[3:]], index), "version 4 stands where 3")
    swapped = [entries[0], entries[2], entries[1], *entries[3:]]
    refused((proof, swapped, leaves, places), "version 3 stands where 2")
    refused((proof, entries, [bytes(32), *leaves[1:]], places), "another predecessor")
    refused((replace(proof, tenant_id=BOREAL), entries, leaves, places), "is of stream")
    refused((replace(proof, stream_id="other"), entries, leaves, places), "is of stream")
    longer = IndexPath((*proof.path.siblings, bytes(32)))
    refused((replace(proof, path=longer), entries, leaves, places), "does not lead")


def test_an_event_after_the_indexs_size_is_not_covered(story):
    log, name = story.log, (ACME, ACCOUNT)
    late = log.append(*name, "cash.deposited", {"amount": "3"})
    shown = [*log.positions(*name, story.index), late]
    refused(prove(log, name, shown, log.commit_index(size=story.index)), "not among the first")
    assert verify_stream(*prove(log, name, shown, log.commit_index())).count == 5


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "tallystick/index/v2"},
        {"root": "ab"},
        {"root": "AB" * 32},
        {"root": 7},
        {"size": "12"},
        {"size": -1},
        {"size": True},
        {"streams": 99},
        {"streams": None},
        {"more": 1},
    ],
)
def test_an_index_event_of_another_form(story, change):
    entry = parse_entry(story.log.entries[story.index])
    assert parse_index_commitment(entry).size == 12
    other = story.log.commit_index(**change)
    with pytest.raises(MalformedInput):
        parse_index_commitment(parse_entry(story.log.entries[other]))


def test_another_event_is_no_index_event(story):
    good = parse_entry(story.log.entries[story.index])
    payload = dict(good.envelope.payload)
    for stream, kind, version in (
        ("order-1", "index.committed", 1),
        ("index-log", "index.proposed", 1),
        ("index-log", "index.committed", 2),
    ):
        at = story.log.append(VENUE, stream, kind, payload, schema_version=version)
        with pytest.raises(MalformedInput):
            parse_index_commitment(parse_entry(story.log.entries[at]))


@given(
    st.text(min_size=1, max_size=20),
    st.text(min_size=1, max_size=20),
    st.integers(0, 2**53),
    st.lists(st.binary(min_size=32, max_size=32), max_size=8),
    st.one_of(st.none(), st.tuples(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))),
)
def test_the_file_reads_back_or_is_not_written(tenant, stream, count, siblings, near):
    neighbour = None if near is None else StreamHead(b"\x07" * 32, *near)
    proof = StreamProof(tenant, stream, count, IndexPath(tuple(siblings), neighbour))
    try:
        data = proof.encode()
    except MalformedInput:
        return
    if neighbour is not None and count:
        with pytest.raises(MalformedInput):
            parse_stream_proof(data)
    else:
        assert parse_stream_proof(data) == proof


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


GOOD = (HEADER, "tenant a", "stream b", "count 0")


def test_well_formed_files_are_the_control():
    assert parse_stream_proof(text(*GOOD)).count == 0
    found = parse_stream_proof(text(*GOOD, f"neighbour {KEY} 3 {KEY}", HASH))
    assert found.path.neighbour == StreamHead(bytes.fromhex(KEY), 3, bytes.fromhex(KEY))
    assert len(parse_stream_proof(text(*GOOD, *[HASH] * 256)).path.siblings) == 256


@pytest.mark.parametrize(
    "data",
    [
        b"",
        text(*GOOD)[:-1],
        text(*GOOD, ""),
        text("tallystick/stream@v2", *GOOD[1:]),
        text(*GOOD[:3]),
        text(HEADER, "stream b", "tenant a", "count 0"),
        text(HEADER, "tenant ", "stream b", "count 0"),
        text(HEADER, "tenant  a", "stream b", "count 0"),
        text(HEADER, "tenant a ", "stream b", "count 0"),
        text(HEADER, "tenant a\t", "stream b", "count 0"),
        text(HEADER, "tenant a", "stream b\r", "count 0"),
        text(*GOOD[:3], "count 00"),
        text(*GOOD[:3], "count -1"),
        text(*GOOD[:3], "count  1"),
        text(*GOOD, *[HASH] * 257),
        text(*GOOD, HASH[:-1]),
        text(*GOOD, HASH, f"neighbour {KEY} 3 {KEY}"),
        text(*GOOD, f"neighbour {KEY} 0 {KEY}"),
        text(*GOOD, f"neighbour {KEY} 3"),
        text(*GOOD, f"neighbour {KEY} 3 {KEY} "),
        text(*GOOD, f"neighbour {KEY.upper()} 3 {KEY}"),
        text(*GOOD, f"neighbour {KEY} 03 {KEY}"),
        text(*GOOD[:3], "count 1", f"neighbour {KEY} 3 {KEY}"),
        text(*GOOD) + b"\xff\n",
    ],
)
def test_malformed_files(data):
    with pytest.raises(MalformedInput):
        parse_stream_proof(data)


def test_a_file_beyond_the_limit_is_refused():
    with pytest.raises(MalformedInput, match="200,000"):
        parse_stream_proof(text(HEADER, "tenant a", "stream " + "b" * 200_000, "count 0"))


def test_a_wrong_bundle_is_never_given_out(story):
    log, index = story.log, story.index
    positions = tuple(log.positions(ACME, ACCOUNT, index))
    path = log.index_at(index).prove(stream_key(ACME, ACCOUNT))

    def build(at, **changes):
        given = StreamEvents(
            ACME,
            ACCOUNT,
            tuple(log.entries[each] for each in at),
            at,
            log.entries[index],
            index,
            path,
        )
        return build_stream(replace(given, **changes), log.checkpoint(), log.tree)

    assert parse_events(build(positions).events)[-1] == log.entries[index]
    with pytest.raises(VerificationFailed) as caught:
        build(positions[:-1])
    assert caught.value.check == "completeness"
    for wrong in (
        {"tenant_id": BOREAL},
        {"stream_id": "other"},
        {"path": IndexPath(())},
        {"index_position": 13},
        {"positions": positions[:-1]},
        {"index_entry": log.entries[13]},
        {"stream_id": "a\nb"},
    ):
        with pytest.raises((VerificationFailed, MalformedInput)):
            build(positions, **wrong)


def test_the_lenient_profile_has_no_completeness(story):
    log, index = story.log, story.index
    inputs = TrustInputs(parse_policy(policy_file()), keys_file())
    events = StreamEvents(
        VENUE,
        "index-log",
        (log.entries[story.early_index],),
        (story.early_index,),
        log.entries[index],
        index,
        log.index_at(index).prove(stream_key(VENUE, "index-log")),
    )
    bundle = build_stream(events, log.checkpoint(), log.tree)
    assert verify_bundle(bundle, inputs).exit_code == 4
    report = verify_bundle(bundle, inputs, Profile.C2SP)
    assert report["completeness"].status is Status.MALFORMED
