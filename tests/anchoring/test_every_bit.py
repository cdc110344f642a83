"""No bit of any file of a bundle, of whatever kind, can change without a refusal."""

from dataclasses import replace

import pytest

from anchoring.bundle import (
    Bundle,
    EventsBundle,
    PersonalFiles,
    StreamEvents,
    build_batch,
    build_bundle,
    build_range,
    build_stream,
)
from anchoring.events_file import encode_events, parse_events
from anchoring.policy import parse_policy
from anchoring.stream_index import stream_key
from anchoring.stream_proof import parse_stream_proof
from anchoring.verifier import TrustInputs, verify_bundle
from scripts.vectors.log import ACME, BOREAL, VectorLog, keys_file, policy_file
from scripts.vectors.story import ACCOUNT, VALUES, tell

INPUTS = TrustInputs(parse_policy(policy_file()), keys_file())
REFUSED = {1, 2}
ALL_BITS = tuple(1 << bit for bit in range(8))
SOME_BITS = (0x01, 0x20)


def exit_code(bundle) -> int:
    return verify_bundle(bundle, INPUTS).exit_code


def stream_bundle(log: VectorLog, tenant: str, stream: str, index: int) -> EventsBundle:
    positions = log.positions(tenant, stream, index)
    events = StreamEvents(
        tenant,
        stream,
        tuple(log.entries[position] for position in positions),
        tuple(positions),
        log.entries[index],
        index,
        log.index_at(index).prove(stream_key(tenant, stream)),
    )
    return build_stream(events, log.checkpoint(), log.tree)


def small_stream() -> EventsBundle:
    story = tell()
    return stream_bundle(story.log, BOREAL, ACCOUNT, story.index)


def small_batch() -> EventsBundle:
    log = tell().log
    return build_batch([log.entries[1], log.entries[6]], [1, 6], log.checkpoint(), log.tree)


def small_range() -> EventsBundle:
    log = tell().log
    return build_range(log.entries[9:11], 9, log.checkpoint(), log.tree)


def erased() -> Bundle:
    story = tell()
    log = story.log
    erasure = build_bundle(log.entries[story.erasure], story.erasure, log.checkpoint(), log.tree)
    personal = PersonalFiles({"phone": VALUES["phone"], "name": VALUES["name"]}, (erasure,))
    entry = log.entries[story.contact]
    return build_bundle(entry, story.contact, log.checkpoint(), log.tree, None, personal)


def flips(data: bytes, masks):
    for at in range(len(data)):
        for mask in masks:
            yield data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


@pytest.mark.parametrize("part", ["events", "proof", "stream"])
def test_every_bit_of_a_stream_bundle(part):
    good = small_stream()
    assert exit_code(good) == 4
    for changed in flips(getattr(good, part), ALL_BITS):
        assert exit_code(replace(good, **{part: changed})) in REFUSED, changed


@pytest.mark.parametrize("make", [small_batch, small_range])
@pytest.mark.parametrize("part", ["events", "proof"])
def test_every_byte_of_a_batch_and_of_a_range(make, part):
    good = make()
    assert exit_code(good) == 4
    for changed in flips(getattr(good, part), SOME_BITS):
        assert exit_code(replace(good, **{part: changed})) in REFUSED, changed


@pytest.mark.parametrize("part", ["event", "proof", "personal"])
def test_every_byte_of_a_bundle_with_personal_data(part):
    good = erased()
    assert exit_code(good) == 4
    for changed in flips(getattr(good, part), SOME_BITS):
        assert exit_code(replace(good, **{part: changed})) in REFUSED, changed


@pytest.mark.parametrize("part", ["event", "proof"])
def test_every_byte_of_an_erasure(part):
    good = erased()
    (erasure,) = good.erasures
    for changed in flips(getattr(erasure, part), SOME_BITS):
        other = replace(erasure, **{part: changed})
        assert exit_code(replace(good, erasures=(other,))) in REFUSED, changed


def test_a_changed_name_in_an_absence_proof_is_another_question_rightly_answered():
    """Of a stream that is not there nothing is shown that could bind its name: the name is the
    question. Each accepted change must therefore be about a stream that is not there either."""
    story = tell()
    good = stream_bundle(story.log, ACME, "nothing-0", story.index)
    assert exit_code(good) == 4
    there = {(ACME, ACCOUNT), (BOREAL, ACCOUNT)}
    accepted = 0
    for changed in flips(good.stream, ALL_BITS):
        report = verify_bundle(replace(good, stream=changed), INPUTS)
        if report.exit_code in REFUSED:
            continue
        accepted += 1
        asked = parse_stream_proof(changed)
        assert (asked.tenant_id, asked.stream_id) not in there
        assert not story.log.positions(asked.tenant_id, asked.stream_id, story.index)
        assert f"0 events of {asked.stream_id} " in report["completeness"].detail
        assert report.facts["tenant"] == asked.tenant_id
    assert accepted
    body = good.stream[good.stream.index(b"count") :]
    for changed in flips(body, ALL_BITS):
        whole = good.stream.removesuffix(body) + changed
        assert exit_code(replace(good, stream=whole)) in REFUSED


@pytest.mark.parametrize("make", [small_stream, small_batch, small_range])
@pytest.mark.parametrize("part", ["events", "proof", "stream"])
def test_shortened_and_lengthened_files(make, part):
    good = make()
    data = getattr(good, part)
    if data is None:
        return
    variants = [data[:cut] for cut in range(0, len(data), 7)]
    # A proof cut after the log's line is whole, and short of a witness: 3.
    allowed = REFUSED | {3} if part == "proof" else REFUSED
    variants += [data + tail for tail in (b"\n", b" ", b"\0", b"\0\0", data)]
    variants += [data[:at] + b"0" + data[at:] for at in range(0, len(data), 11)]
    for changed in variants:
        assert exit_code(replace(good, **{part: changed})) in allowed, changed


@pytest.mark.parametrize("make", [small_stream, small_batch, small_range])
def test_entries_removed_doubled_swapped_and_replaced(make):
    good, stranger = make(), tell().log.entries[0]
    entries = parse_events(good.events)
    for at in range(len(entries)):
        variants = [
            entries[:at] + entries[at + 1 :],
            [*entries[:at], entries[at], *entries[at:]],
            [*entries[:at], stranger, *entries[at + 1 :]],
            [*entries[:at], stranger, *entries[at:]],
            [*entries[at + 1 :], *entries[: at + 1]],
        ]
        for variant in variants:
            if variant and variant != entries:
                changed = replace(good, events=encode_events(variant))
                assert exit_code(changed) in REFUSED


def test_the_parts_of_one_bundle_do_not_serve_another():
    one, two = small_batch(), small_range()
    single = erased()
    mixed = [
        replace(one, proof=two.proof),
        replace(two, proof=one.proof),
        replace(one, proof=single.proof),
        replace(one, stream=small_stream().stream),
        replace(two, stream=small_stream().stream),
        replace(small_stream(), stream=one.proof),
        replace(single, proof=one.proof),
        replace(single, personal=single.event),
    ]
    for bundle in mixed:
        assert exit_code(bundle) in REFUSED
