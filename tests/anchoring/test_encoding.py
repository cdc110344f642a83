"""Every lenient spelling that Python's own converters take is refused here."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchoring.encoding import encode_base64, parse_base64, parse_decimal, parse_hex, parse_utf8
from anchoring.errors import MalformedInput


@pytest.mark.parametrize(
    "text",
    ["", "1_000", " 12", "12\n", "12 ", "+7", "-1", "٣", "１２", "007", "00", "0x10", "1.0", "1e3"],
)
def test_decimal_refuses_what_int_would_take(text):
    with pytest.raises(MalformedInput, match="size"):
        parse_decimal(text, "size")


@pytest.mark.parametrize("text", ["9223372036854775808", "10000000000000000000", "9" * 5000])
def test_decimal_refuses_what_is_beyond_63_bits(text):
    with pytest.raises(MalformedInput):
        parse_decimal(text, "size")


@given(st.integers(0, 2**63 - 1))
def test_decimal_reads_its_own_numbers(value):
    assert parse_decimal(str(value), "size") == value


@pytest.mark.parametrize(
    "text", ["AB==", "AAB=", "AA", "AA=", "A A==", "AA==\n", "AA==!", "-_8=", "AA==AA==", "é", "=="]
)
def test_base64_refuses_garbage_and_non_canonical_bits(text):
    with pytest.raises(MalformedInput):
        parse_base64(text, "hash")


def test_base64_the_library_alone_would_take_the_trailing_bits():
    assert base64.b64decode("AB==", validate=True) == base64.b64decode("AA==")


@given(st.binary(max_size=80))
def test_base64_reads_its_own_text(data):
    assert parse_base64(encode_base64(data), "data", len(data)) == data
    with pytest.raises(MalformedInput):
        parse_base64(encode_base64(data), "data", len(data) + 1)


@pytest.mark.parametrize("text", ["AB", "a", "0 1", "0x01", "gg", "aB", "00\n", "٠٠"])
def test_hex_refuses_other_spellings(text):
    with pytest.raises(MalformedInput):
        parse_hex(text, "hash")


def test_hex_checks_the_length():
    assert parse_hex("00ff", "hash", 2) == b"\x00\xff"
    with pytest.raises(MalformedInput, match="2 bytes instead of 3"):
        parse_hex("00ff", "hash", 3)


@pytest.mark.parametrize("data", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80"])
def test_utf8_refuses_surrogates_and_overlong_forms(data):
    with pytest.raises(MalformedInput):
        parse_utf8(data, "text")
