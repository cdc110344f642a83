"""Every parser against hostile bytes: a typed error comes out, or the only spelling of a value.

``FUZZ_EXAMPLES`` sets how many inputs each parser gets; ``make fuzz`` runs many more.
"""

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anchoring.errors import MalformedInput
from tests.anchoring.formats import FORMATS, Format

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))
HOSTILE = [
    b"", b"\n", b"\r\n", b"\r", b"\x00", b" ", b"\t", b"+", b"-", b"_", b"0", b"=", b"==", b".0",
    b"1e3", b"\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\x94 ", b"\xd9\xa3", b"\xef\xbb\xbf",
    b"\xed\xa0\x80", b"\xc0\x80", b"NaN", b"null", b'"', b"\\u0000", b"{", b"[" * 300, b"9" * 25,
    b"\xff" * 9, b"\n\n", b"18446744073709551616", b"\xb8", b"\xf8",
]  # fmt: skip


@st.composite
def changed(draw, sample):
    """The sample after a few edits: cut, doubled, overwritten, spliced with hostile bytes."""
    data = sample
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 8, 33, 45, 400])))
        piece = draw(
            st.one_of(st.sampled_from(HOSTILE), st.binary(max_size=6), st.just(data[start:end] * 2))
        )
        data = data[:start] + piece + data[end:]
    return data


def each_format(test):
    return pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)(test)


@each_format
def test_the_sample_is_accepted_as_it_is(format: Format):
    assert format.check(format.sample)


@each_format
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_changed_samples(format: Format, data: st.DataObject):
    format.check(data.draw(changed(format.sample)))


@each_format
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.binary(max_size=400))
@example(data=b"")
def test_any_bytes(format: Format, data: bytes):
    format.check(data)


@each_format
def test_every_cut_of_the_sample(format: Format):
    step = max(1, len(format.sample) // 400)
    for at in range(0, len(format.sample), step):
        format.check(format.sample[:at])
        format.check(format.sample[at:])


@each_format
def test_every_single_byte(format: Format):
    """One byte changed anywhere: refused, or another value with the one spelling it has."""
    step = max(1, len(format.sample) // 300)
    for at in range(0, len(format.sample), step):
        for flip in (0x01, 0x20, 0x80):
            data = bytearray(format.sample)
            data[at] ^= flip
            format.check(bytes(data))


def test_a_lenient_parser_is_found_out():
    """The control: int() and b64decode would not survive this."""
    lenient = Format(
        "lenient", b"12", lambda data: int(data.decode("latin-1")), lambda n: b"%d" % n
    )
    assert lenient.check(b"12")
    with pytest.raises((AssertionError, ValueError)):
        lenient.check(b" 12")
    with pytest.raises(ValueError):
        lenient.check(b"x")
    assert issubclass(MalformedInput, Exception)
