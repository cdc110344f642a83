"""The event and its entry: canonical, signed as sliced, refused when anything differs."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from anchoring.envelope import (
    encode_event,
    format_time,
    parse_entry,
    parse_time,
    sign_entries,
    sign_entry,
    verify_entry,
    verify_link,
)
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.merkle import leaf_hash
from tests.anchoring.support import EVENT_SIGNER, envelope, signer
from tests.anchoring.test_canonical import KEYS, VALUES

ENTRY = sign_entry(envelope(), EVENT_SIGNER)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.text(min_size=1, max_size=10))
@settings(max_examples=150)
def test_the_entry_is_rfc8785_of_event_and_signature(payload, actor):
    try:
        entry = sign_entry(envelope(payload=payload, actor=actor), EVENT_SIGNER)
    except MalformedInput:
        assert any(0xD800 <= ord(character) < 0xE000 for character in actor)
        return
    parsed = parse_entry(entry)
    event = msgspec.to_builtins(parsed.envelope)
    assert parsed.event_bytes == rfc8785.dumps(event)
    assert entry == rfc8785.dumps({"event": event, "signature": parsed.signature.hex()})
    verify_entry(entry, EVENT_SIGNER.public_key)


def test_the_signature_is_over_the_prefix_and_the_event_bytes():
    parsed = parse_entry(ENTRY)
    key = Ed25519PublicKey.from_public_bytes(EVENT_SIGNER.public_key)
    key.verify(parsed.signature, b"tallystick/event/v1\n" + parsed.event_bytes)
    assert parsed.envelope == envelope()


def test_another_key_does_not_verify():
    with pytest.raises(VerificationFailed) as caught:
        verify_entry(ENTRY, signer("other").public_key)
    assert caught.value.check == "signature"


def test_no_changed_byte_verifies():
    for at in range(len(ENTRY)):
        for mask in (0x01, 0x20, 0x80):
            changed = bytearray(ENTRY)
            changed[at] ^= mask
            with pytest.raises((MalformedInput, VerificationFailed)):
                verify_entry(bytes(changed), EVENT_SIGNER.public_key)


@pytest.mark.parametrize("cut", range(0, len(ENTRY), 7))
def test_no_part_of_an_entry_is_one(cut):
    with pytest.raises(MalformedInput):
        parse_entry(ENTRY[:cut])


@pytest.mark.parametrize(
    "data", [b"", b"{}", ENTRY + b"\n", b" " + ENTRY, ENTRY.replace(b'"event":', b'"event": ')]
)
def test_the_frame_is_exact(data):
    with pytest.raises(MalformedInput):
        parse_entry(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "none"},
        {"algorithm": "ml-dsa-44"},
        {"actor": ""},
        {"type": ""},
        {"event_id": "6f2c8d2a-0000-4000-8000-000000000000"},
        {"event_id": envelope().event_id.upper()},
        {"salt": "00"},
        {"salt": "AB" * 16},
        {"effective_at": "2024-02-30T00:00:00.000000Z"},
        {"effective_at": "2024-02-29T00:00:00Z"},
        {"effective_at": "2024-02-29T00:00:00.000Z"},
        {"effective_at": "2024-02-29T00:00:00.000000+00:00"},
        {"recorded_at": "2024-02-29 00:00:00.000000Z"},
        {"recorded_at": "2024-02-29T24:00:00.000000Z"},
        {"recorded_at": "2024-02-29T00:00:00.00000０Z"},
        {"stream_version": 0},
        {"stream_version": 2},
        {"previous": "00" * 32},
        {"stream_version": 2, "previous": "AA" * 32},
        {"stream_version": 2**53, "previous": "00" * 32},
        {"schema_version": 0},
        {"payload": {"price": 1.5}},
        {"payload": {"Price": "1"}},
        {"payload": {"n": 2**53}},
        {"payload": {"text": "x" * 65_535}},
        {"key_id": "0" * 32},
    ],
)
def test_an_event_outside_its_form_is_not_signed(changes):
    with pytest.raises(MalformedInput):
        sign_entry(envelope(**changes), EVENT_SIGNER)


def test_missing_and_unknown_fields_are_refused():
    event = msgspec.to_builtins(envelope())
    for changed in (event | {"extra": 1}, {k: v for k, v in event.items() if k != "salt"}):
        data = rfc8785.dumps(changed)
        signature = EVENT_SIGNER.sign(b"tallystick/event/v1\n" + data).hex().encode()
        with pytest.raises(MalformedInput, match="shape"):
            parse_entry(b'{"event":' + data + b',"signature":"' + signature + b'"}')


def test_the_hot_path_gives_the_same_bytes():
    envelopes = [envelope(number) for number in range(20)]
    singly = [sign_entry(item, EVENT_SIGNER) for item in envelopes]
    assert sign_entries(envelopes, EVENT_SIGNER) == singly


def test_a_link_names_the_leaf_hash_of_the_previous_entry():
    previous = hashlib.sha256(b"\x00" + ENTRY).hexdigest()
    second = sign_entry(envelope(stream_version=2, previous=previous), EVENT_SIGNER)
    verify_link(parse_entry(ENTRY), None)
    verify_link(parse_entry(second), ENTRY)
    assert leaf_hash(ENTRY).hex() == previous
    for entry, before in ((second, None), (second, second), (ENTRY, ENTRY)):
        with pytest.raises(VerificationFailed):
            verify_link(parse_entry(entry), before)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_read_back(moment):
    assert parse_time(format_time(moment)) == moment


def test_times_are_written_in_utc():
    moment = datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(moment) == "2023-12-31T23:00:00.000000Z"
    with pytest.raises(MalformedInput):
        format_time(datetime(2024, 1, 1))  # noqa: DTZ001


def test_encode_event_is_what_is_signed():
    assert encode_event(envelope()) == parse_entry(ENTRY).event_bytes
