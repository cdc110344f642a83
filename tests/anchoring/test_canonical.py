"""The canonical form: equal to RFC 8785 on the profile, and nothing outside the profile."""

import json
import struct
import sys

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from anchoring import canonical
from anchoring.errors import MalformedInput

KEYS = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXT | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(VALUES)
@settings(max_examples=400)
def test_encoding_is_rfc8785_and_parses_back(value):
    data = canonical.encode(value)
    assert data == rfc8785.dumps(value)
    assert canonical.parse(data) == value


def test_every_character_is_escaped_as_rfc8785_says():
    text = "".join(chr(code) for code in range(0x3000) if not 0xD800 <= code < 0xE000) + "😀\uffff"
    assert canonical.encode({"a": text}) == rfc8785.dumps({"a": text})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":1}', "duplicate"),
        (b'{"a":1,"a":2}', "duplicate"),
        (b'{"b":1,"a":2}', "order"),
        (b'{"a": 1}', "spacing"),
        (b'{"a":1}\n', "spacing"),
        (b'{"a":"\\u0041"}', "escape"),
        (b'{"a":"\\/"}', "escape"),
        (b'{"a":1.0}', "float"),
        (b'{"a":1e2}', "float"),
        (b'{"a":-0}', "minus zero"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "Infinity"),
        (b'{"a":1e400}', "overflow"),
        (b'{"a":9007199254740992}', "2^53"),
        (b'{"a":-9007199254740992}', "-2^53"),
        (b'{"a":18446744073709551616}', "2^64"),
        (b'{"A":1}', "key"),
        (b'{"1a":1}', "key"),
        (b'{"":1}', "key"),
        (b'{"a-b":1}', "key"),
        ('{"é":1}'.encode(), "key"),
        (b'{"a\\n":1}', "key"),
        (b'{"a":"\\ud800"}', "lone surrogate"),
        (b'{"a":"\xed\xa0\x80"}', "surrogate in UTF-8"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"", "nothing"),
        (b"{}{}", "two values"),
        (b"[" * 65 + b"]" * 65, "too deep"),
        (b"[" * 60000, "much too deep"),
    ],
)
def test_parse_refuses(data, why):
    with pytest.raises(MalformedInput):
        canonical.parse(data)


def test_nesting_is_refused_before_a_decoder_recurses():
    """py_ecc (under eth-account) raises the recursion limit to 100,000 for the whole process."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        for deep in (b"[" * 60_000, b'{"a":' * 60_000, b'["\\"",' + b"[" * 60_000):
            with pytest.raises(MalformedInput):
                canonical.parse(deep)
    finally:
        sys.setrecursionlimit(limit)


def test_brackets_inside_strings_are_not_nesting():
    data = b'{"a":"' + b"[" * 200 + b'\\"{"}'
    assert canonical.parse(data) == {"a": "[" * 200 + '"{'}


def test_the_standard_library_would_take_some_of_these():
    assert json.loads('{"a":1,"a":2}') == {"a": 2}
    assert json.loads('{"a":1.0}')["a"] == 1


@pytest.mark.parametrize(
    "value", [1.5, {"a": 2**53}, {1: 2}, {"a": b"x"}, {"a": "\ud800"}, {"a": {1, 2}}, object()]
)
def test_encode_refuses_what_is_outside_the_profile(value):
    with pytest.raises(MalformedInput):
        canonical.encode(value)


def test_the_official_pairs_within_the_profile(vectors):
    """Of the six pairs those without floats and foreign keys must be taken, the others refused."""
    taken = set()
    for path in sorted((vectors / "jcs/testdata/input").iterdir()):
        output = (vectors / "jcs/testdata/output" / path.name).read_bytes().rstrip(b"\n")
        value = json.loads(path.read_bytes())
        try:
            assert canonical.encode(value) == output
            assert canonical.parse(output) == value
            taken.add(path.stem)
        except MalformedInput:
            with pytest.raises(MalformedInput):
                canonical.parse(output)
        assert rfc8785.dumps(value) == output
    # The other pairs hold floats, or keys with capitals, spaces, digits or accents.
    assert taken == set()


def test_of_the_number_vectors_exactly_the_safe_integers_are_taken(load):
    taken = 0
    for item in load("jcs/es6_numbers.json"):
        number = struct.unpack(">d", bytes.fromhex(item["hex_ieee"]))[0]
        with pytest.raises(MalformedInput):
            canonical.encode([number])
        text = item["expected"]
        if text is None:
            continue
        is_safe = text.lstrip("-").isdigit() and abs(int(text)) <= 2**53 - 1
        try:
            canonical.parse(text.encode())
            assert is_safe
            taken += 1
        except MalformedInput:
            assert not is_safe
    assert taken > 0
