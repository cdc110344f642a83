"""The traps of Python's own converters, each against every parser of a text.

``int`` takes ``1_000``, `` 12``, ``+7`` and Arabic digits; ``b64decode`` skips garbage and ignores
trailing bits; ``splitlines`` splits at U+0085 and U+2028; ``strip`` takes them away; slices of what
is too short raise nothing; a negative index counts from the end; ``json`` takes a key twice, NaN,
and makes 1.0 a float.
"""

import base64
import json
import re
from dataclasses import replace

import pytest

from anchoring import canonical
from anchoring.encoding import parse_base64, parse_decimal
from anchoring.errors import MalformedInput, StorageError, VerificationFailed
from anchoring.merkle_proof import verify_inclusion, verify_subtree_inclusion
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader, decode_hashes, read_entry
from tests.anchoring.formats import FORMATS, TREE, Format

TEXTS = [replace(each, is_deep=True) for each in FORMATS if each.is_text]
JSONS = [each for each in TEXTS if each.name in ("anchor", "entry", "json", "personal")]
LINES = [
    each for each in TEXTS if each not in JSONS and each.sample.count(b"\n") and each.is_canonical
]

_DECIMAL = re.compile(rb"(?<![\w+/=.-])[0-9]{1,9}(?![\w+/=.-])")
_BASE64 = re.compile(rb"(?<![\w+/=])[A-Za-z0-9+/]{43}=(?![\w+/=])")
_SIGNATURE = re.compile(rb"(?<= )[A-Za-z0-9+/]{80,}={0,2}(?=\n)")


def decimals(number: bytes) -> list[bytes]:
    """Other spellings of a number that int() reads."""
    text = number.decode()
    arabic = "".join(chr(0x660 + int(digit)) for digit in text)
    wide = "".join(chr(0xFF10 + int(digit)) for digit in text)
    spellings = [
        f"+{text}", f"0{text}", f"00{text}", f"{text}_0", f"0_{text}", f" {text}", f"{text} ",
        f"\t{text}", f"{text}\t", f"\xa0{text}", f"\u2003{text}", arabic, wide, f"-{text}",
        f"{text}.0", f"{text}e0", f"0x{text}", "",
    ]  # fmt: skip
    return [each.encode() for each in spellings]


def base64s(encoded: bytes) -> list[bytes]:
    """Other spellings that b64decode reads as the same bytes, or as too few."""
    core = encoded.rstrip(b"=")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    found = [
        encoded + b"=", core if core != encoded else encoded + b"==",
        encoded[:4] + b" " + encoded[4:],
        encoded[:4] + b"!" + encoded[4:], encoded[:4] + b"\n" + encoded[4:],
        encoded[:4] + b"-" + encoded[5:], encoded[:4] + b"_" + encoded[5:], encoded[:-4],
        encoded + b"A", b"=" + encoded,
    ]  # fmt: skip
    if core != encoded:  # the last character has bits that decoding drops
        last = alphabet.index(core[-1:]) + 1
        found.append(core[:-1] + alphabet[last % 64 : last % 64 + 1] + encoded[len(core) :])
    return found


def refuses(format: Format, data: bytes) -> bool:
    """Whether it is refused with the typed error (anything else comes through)."""
    return not format.check(data)


def spliced(format: Format, pattern, spellings) -> list[bytes]:
    return [
        format.sample[: match.start()] + other + format.sample[match.end() :]
        for match in pattern.finditer(format.sample)
        for other in spellings(match.group())
    ]


def by_name(formats):
    return pytest.mark.parametrize("format", formats, ids=lambda format: format.name)


@by_name([each for each in TEXTS if each.name not in ("note", "policy")])
def test_numbers_have_one_spelling(format):
    is_signed = format in JSONS  # JSON's numbers may be negative: another value

    def spellings(number):
        return [each for each in decimals(number) if not (is_signed and each[:1] == b"-")]

    assert [each for each in spliced(format, _DECIMAL, spellings) if format.check(each)] == []


@by_name([each for each in TEXTS if each.name not in ("note", "policy", "vkey", "json")])
def test_base64_has_one_spelling(format):
    cases = spliced(format, _BASE64, base64s)
    assert [each for each in cases if format.check(each)] == []


def test_signatures_have_one_spelling_in_every_note():
    seen = 0
    for format in TEXTS:
        for data in spliced(format, _SIGNATURE, base64s):
            if len(data) != len(format.sample) - 4:  # shorter is another value; verifying says no
                seen += 1
                assert not format.check(data), format.name
    assert seen > 100


def test_the_group_threshold_of_a_policy_has_one_spelling():
    format = next(each for each in FORMATS if each.name == "policy")
    for other in (b"+2", b"02", b"2_0", b"\xd9\xa2", b"2.0", b"-2", b"\xc2\xa02", b"0", b"3"):
        assert refuses(format, format.sample.replace(b"group g 2 ", b"group g " + other + b" "))
    assert not refuses(format, format.sample.replace(b"group g 2 ", b"group  g\t2  "))


@by_name(LINES)
@pytest.mark.parametrize("separator", ["\r\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c"])
def test_only_a_line_feed_ends_a_line(format, separator):
    """What splitlines() would split at never does; a note's own text is the one place for it."""
    for match in re.finditer(b"\n", format.sample):
        data = format.sample[: match.start()] + separator.encode() + format.sample[match.end() :]
        format.check(data)
        # The text of a note is free, and that it holds no control character is the note's rule.
        assert refuses(format, data) or format.name in ("note", "checkpoint text")


@by_name(LINES)
@pytest.mark.parametrize("space", [" ", "\t", "\x85", "\u2028", "\ufeff"])
def test_nothing_is_stripped(format, space):
    """White space before or after a line is part of it: refused wherever it has no place."""
    mark = space.encode()
    for data in (mark + format.sample, format.sample + mark, format.sample[:-1] + mark + b"\n"):
        is_free = format.name in ("note", "checkpoint", "checkpoint text", "keys")  # the origin
        assert refuses(format, data) or (is_free and data.startswith(mark)), data[-60:]
    assert refuses(format, format.sample + mark)
    assert refuses(format, format.sample[:-1])
    assert refuses(format, format.sample + b"\n")


@by_name(TEXTS)
def test_bytes_that_are_no_utf8_are_a_typed_error(format):
    for junk in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x80"):
        for at in (0, len(format.sample) // 2, len(format.sample)):
            format.check(format.sample[:at] + junk + format.sample[at:])


@by_name(JSONS)
def test_json_is_read_strictly(format):
    sample = format.sample
    first = re.match(rb'\{("[a-z_]+":)', sample)
    key = first.group(1)
    for data in (
        b"{" + key + b"0," + sample[1:],  # a key twice: json.loads would keep the last
        sample[:-1] + b"," + key + b"0}",
        b" " + sample, sample + b"\n", sample + sample, b"\xef\xbb\xbf" + sample,
    ):  # fmt: skip
        assert refuses(format, data)
    for number in (b"NaN", b"Infinity", b"-Infinity", b"1.0", b"1e2", b"-0", b"01", b"1_0", b"+1"):
        for match in re.finditer(rb"(?<=[:\[,])-?[0-9]+(?=[,\]}])", sample):
            assert refuses(format, sample[: match.start()] + number + sample[match.end() :])
    assert refuses(format, sample.replace(b'"', b"'"))


def test_what_the_standard_library_would_have_taken():
    """The controls: each trap is real on this Python."""
    assert [int(each) for each in ("1_000", " 12\n", "+7", "\u0663")] == [1000, 12, 7, 3]
    assert base64.b64decode("A!AE\n=") == base64.b64decode("AAE=")
    assert base64.b64decode("AB==", validate=True) == base64.b64decode("AA==")
    assert "a\x85b\u2028c".splitlines() == ["a", "b", "c"]
    assert "a\x85".strip() == "a"
    assert json.loads('{"a":1,"a":2}') == {"a": 2}
    assert json.loads("[NaN,1.0]")[1] == 1.0
    assert b"abc"[2:10] == b"c"
    for text in ("1_000", " 12\n", "+7", "\u0663"):
        with pytest.raises(MalformedInput):
            parse_decimal(text, "n")
    with pytest.raises(MalformedInput):
        parse_base64("AB==", "b")
    for data in (b'{"a":1,"a":2}', b"[NaN]", b"[1.0]"):
        with pytest.raises(MalformedInput):
            canonical.parse(data)


@pytest.mark.parametrize("index", [-1, -21, 21, 2**63, -(2**63)])
def test_an_index_outside_the_tree_is_refused(index, tmp_path):
    leaf = TREE.read_hashes([(0, 0)])[0]
    for proof in ([], [bytes(32)] * 5):
        with pytest.raises(VerificationFailed):
            verify_inclusion(leaf, index, 21, proof, TREE.root())
        with pytest.raises(VerificationFailed):
            verify_subtree_inclusion(leaf, index, 8, 13, proof, TREE.root())
    with pytest.raises(StorageError):
        read_entry(DirectoryStore(tmp_path), index, 21)


def test_short_input_is_refused_and_never_sliced():
    for length in (0, 1, 31, 33, 63):
        with pytest.raises(MalformedInput):
            decode_hashes(bytes(length), 2)
    with pytest.raises(StorageError):
        TileReader(_Short(), 3).read_hashes([(0, 0)])


class _Short:
    def read(self, path):
        return b"\x00" * 31
