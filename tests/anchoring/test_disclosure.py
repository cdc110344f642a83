"""Commitments beside the formula, the file of values, and what is said of each field."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchoring.commitment import (
    SALT_BYTES,
    Erasure,
    commit,
    parse_erasure,
    personal_fields,
    verify_commitment,
)
from anchoring.disclosure import (
    Disclosed,
    VerifiedErasure,
    encode_disclosure,
    judge_personal,
    parse_disclosure,
)
from anchoring.envelope import parse_entry
from anchoring.errors import MalformedInput, VerificationFailed
from scripts.vectors.log import ACME, VectorLog
from scripts.vectors.story import VALUES, commitments, tell

SALT = bytes(range(32))
FIELDS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES_OF = st.builds(Disclosed, st.binary(min_size=32, max_size=32), st.text(max_size=30))


def test_a_commitment_by_hand():
    data = b"tallystick/pii/v1\x00" + SALT + b"email\x00" + "ä@example.org".encode()
    assert commit("email", "ä@example.org", SALT) == sha256(data).digest()
    # { printf 'tallystick/pii/v1\0'; head -c 32 /dev/zero; printf 'name\0Ada'; } | sha256sum
    expected = "b325cf3a7482208e3f343ad85e0db418cc28c4aaf4c489b0e2df92fe9a748ab2"
    assert commit("name", "Ada", bytes(32)).hex() == expected
    assert SALT_BYTES == 32


@given(FIELDS, st.text(max_size=20), FIELDS, st.text(max_size=20))
def test_two_values_or_fields_never_share_a_commitment(field, value, other_field, other_value):
    same = (field, value) == (other_field, other_value)
    assert (commit(field, value, SALT) == commit(other_field, other_value, SALT)) == same
    if same:
        verify_commitment(commit(field, value, SALT), other_field, other_value, SALT)
    else:
        with pytest.raises(VerificationFailed):
            verify_commitment(commit(field, value, SALT), other_field, other_value, SALT)


@pytest.mark.parametrize(
    ("field", "value", "salt"),
    [
        ("Email", "x", SALT),
        ("", "x", SALT),
        ("e\0", "x", SALT),
        ("email", "x", SALT[:-1]),
        ("email", "x", SALT + b"\0"),
        ("email", "x", b""),
        ("email", "\ud800", SALT),
    ],
)
def test_what_cannot_be_committed_to(field, value, salt):
    with pytest.raises(MalformedInput):
        commit(field, value, salt)


@given(st.dictionaries(FIELDS, VALUES_OF, min_size=1, max_size=5))
def test_the_file_reads_back(values):
    assert parse_disclosure(encode_disclosure(values)) == values


HEX = "00" * 32


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"disclosed":{}}',
        b'{"disclosed":[]}',
        b'{"disclosed":{"email":{"salt":"%b"}}}' % HEX.encode(),
        b'{"disclosed":{"email":{"salt":"%b","value":1}}}' % HEX.encode(),
        b'{"disclosed":{"email":{"salt":"00","value":"x"}}}',
        b'{"disclosed":{"email":{"salt":"%b","value":"x"}}}' % (b"AB" * 32),
        b'{"disclosed":{"Email":{"salt":"%b","value":"x"}}}' % HEX.encode(),
        b'{"disclosed":{"email":{"salt":"%b","value":"x","x":1}}}' % HEX.encode(),
        b'{"disclosed":{"email":{"value":"x","salt":"%b"}}}' % HEX.encode(),
        b'{"disclosed": {"email":{"salt":"%b","value":"x"}}}' % HEX.encode(),
        b'{"disclosed":{"email":{"salt":"%b","value":"x"}},"x":1}' % HEX.encode(),
        b'{"disclosed":{"e":{"salt":"%b","value":"x"},"e":{"salt":"%b","value":"x"}}}'
        % (HEX.encode(), HEX.encode()),
        b"[" * 60_000,
    ],
)
def test_malformed_files(data):
    with pytest.raises(MalformedInput):
        parse_disclosure(data)


def test_a_file_beyond_the_limit_is_refused():
    values = {f"f{number}": Disclosed(SALT, "x" * 1_000) for number in range(1_000)}
    with pytest.raises(MalformedInput, match="1,000,000"):
        encode_disclosure(values)


def test_a_well_formed_file_is_the_control():
    data = b'{"disclosed":{"email":{"salt":"%b","value":"x"}}}' % HEX.encode()
    assert parse_disclosure(data) == {"email": Disclosed(bytes(32), "x")}


def test_what_cannot_be_disclosed_is_not_written():
    for values in ({}, {"Email": Disclosed(SALT, "x")}, {"email": Disclosed(SALT[:3], "x")}):
        with pytest.raises(MalformedInput):
            encode_disclosure(values)


EVENT = {field: commit(field, item.value, item.salt) for field, item in VALUES.items()}


def erasure(index, *fields):
    return VerifiedErasure(Erasure(frozenset(EVENT[field] for field in fields), "s", "r"), index)


def test_each_field_is_said_of():
    assert judge_personal([EVENT], {}) == ["email withheld", "name withheld", "phone withheld"]
    shown = {"email": VALUES["email"], "name": VALUES["name"]}
    found = judge_personal([EVENT], shown, [erasure(7, "name")], [erasure(9, "name", "phone")])
    assert found == [
        "email disclosed",
        "name disclosed and erased by entry 7",
        "phone erased by entry 9",
    ]
    assert judge_personal([{}], {}) == []


def test_what_matches_nothing_shown_is_refused():
    email = VALUES["email"]
    for values, words in (
        ({"email": Disclosed(email.salt, "other")}, "email: the value is not of its commitment"),
        ({"email": Disclosed(SALT, email.value)}, "email: the value is not of its commitment"),
        ({"fax": email}, "the event has no personal field fax"),
        ({"name": email}, "name: the value is not of its commitment"),
    ):
        with pytest.raises(VerificationFailed, match=words) as caught:
            judge_personal([EVENT], values)
        assert caught.value.check == "personal"
    other = VerifiedErasure(Erasure(frozenset([bytes(32)]), "s", "r"), 3)
    with pytest.raises(VerificationFailed, match="entry 3 erases nothing shown"):
        judge_personal([EVENT], {}, [other])
    assert len(judge_personal([EVENT], {}, [], [other])) == 3


def read(payload, kind="personal_data.erased", **forged):
    log = VectorLog()
    return parse_entry(log.entries[log.append(ACME, "contact-1", kind, payload, **forged)])


PAYLOAD = {"commitments": [HEX], "fields": ["email"], "reason": "r", "subject_id": "s"}


def test_an_erasure_event_is_read():
    assert parse_erasure(read(PAYLOAD)) == Erasure(frozenset([bytes(32)]), "s", "r")
    story = tell()
    found = parse_erasure(parse_entry(story.log.entries[story.erasure]))
    assert {item.hex() for item in found.commitments} == {
        commitments(VALUES)[field] for field in ("email", "name")
    }


@pytest.mark.parametrize(
    "change",
    [
        {"commitments": []},
        {"commitments": HEX},
        {"commitments": [HEX, HEX]},
        {"commitments": ["ff" * 32, HEX]},
        {"commitments": ["00"]},
        {"commitments": [7]},
        {"fields": "email"},
        {"fields": ["E-mail"]},
        {"reason": None},
        {"subject_id": 7},
    ],
)
def test_a_malformed_erasure(change):
    with pytest.raises(MalformedInput):
        parse_erasure(read(PAYLOAD | change))


def test_another_event_is_no_erasure():
    short = {name: value for name, value in PAYLOAD.items() if name != "reason"}
    for entry in (read(PAYLOAD, "contact.recorded"), read(short), read(PAYLOAD, schema_version=2)):
        with pytest.raises(MalformedInput):
            parse_erasure(entry)


@pytest.mark.parametrize("personal", [[], "x", 7, {"email": 7}, {"email": "ab"}, {"email": None}])
def test_malformed_commitments_in_an_event(personal):
    with pytest.raises(MalformedInput):
        personal_fields(read({"personal": personal}, "contact.recorded"))


def test_events_without_personal_data_have_no_fields():
    for payload in ({}, {"personal": None}, {"personal": {}}):
        assert personal_fields(read(payload, "contact.recorded")) == {}
