"""Signed notes beside Go's sumdb/note: what it takes and refuses."""

import base64

import pytest

from anchoring.cosignature import verifiers_for
from anchoring.errors import AnchoringError, MalformedInput, VerificationFailed
from anchoring.note import (
    Ed25519NoteSigner,
    make_vkey,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)
from anchoring.signing import Ed25519Signer
from tests.anchoring.support import LOG_SIGNER, signer

TEXT = "one\ntwo\n"
NOTE = sign_note(TEXT, [LOG_SIGNER]).encode()
VERIFIERS = verifiers_for([LOG_SIGNER.vkey])


def verifiers(texts):
    return verifiers_for([parse_vkey(text) for text in texts])


def test_the_accepted_notes(load):
    for item in load("sumdb/note.json")["accept"]:
        opened = open_note(item["note"].encode(), verifiers(item["trusted"]))
        assert (len(opened.verified), len(opened.unknown)) == (item["verified"], item["unverified"])


def test_the_refused_notes(load):
    data = load("sumdb/note.json")
    for item in data["reject"]:
        with pytest.raises((MalformedInput, VerificationFailed)):
            open_note(item["note"].encode(), verifiers(item["trusted"]))
    for item in data["reject_raw_base64"]:
        with pytest.raises(MalformedInput):
            parse_note(base64.b64decode(item["note_b64"]))


def test_the_published_key_signs_as_published(load):
    data = load("sumdb/note.json")
    encoded = data["test_signing_key (published test key)"].split("+", 4)[4]
    signing_key = Ed25519Signer.from_seed(base64.b64decode(encoded)[1:])
    note = sign_note(data["text"], [Ed25519NoteSigner("PeterNeumann", signing_key)])
    assert note.signatures[0].line() == data["sig_lines"]["peter"]
    assert str(Ed25519NoteSigner("PeterNeumann", signing_key).vkey) == data["vkeys"]["peter"]


def test_bad_verifier_keys(load):
    data = load("sumdb/note.json")
    for text in data["bad_vkeys"]:
        with pytest.raises(MalformedInput):
            parse_vkey(text)
    for text in data["vkeys"].values():
        assert str(parse_vkey(text)) == text
        for end in range(len(text)):
            with pytest.raises(MalformedInput):
                parse_vkey(text[:end])
            changed = text[:end] + chr(ord(text[end]) + 1) + text[end + 1 :]
            with pytest.raises(MalformedInput):
                parse_vkey(changed)


def test_the_live_sumdb_key_and_the_specifications_example(load):
    live = load("sumdb/tlog.json")["live_sumdb"]["vkey"]
    assert str(parse_vkey(live)) == live
    example = load("c2sp/examples.json")["signed_note"]
    opened = open_note(example["note"].encode(), verifiers([example["vkey"]]))
    assert opened.note.text == "This is an example message.\n"


def test_a_vkey_is_split_at_the_first_two_plus_only():
    """Base64 has a plus of its own."""
    found = 0
    for number in range(64):
        vkey = Ed25519NoteSigner("name", signer(f"plus{number}")).vkey
        if str(vkey).count("+") > 2:
            assert parse_vkey(str(vkey)) == vkey
            found += 1
    assert found


@pytest.mark.parametrize("separator", ["\u0085", "\u2028", "\u2029"])
def test_only_lf_ends_a_line(separator):
    """str.splitlines would split here; these characters are legal in a note's text."""
    text = f"one{separator}two\n"
    note = parse_note(sign_note(text, [LOG_SIGNER]).encode())
    assert note.text == text
    open_note(note, VERIFIERS)


@pytest.mark.parametrize(
    "data",
    [
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b"x\n",
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace(b"two", b"t\x00o"),
        NOTE.replace(b"two", b"t\to"),
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace("— ".encode(), "—  ".encode()),
        NOTE.replace(b"=\n", b"\n"),
        NOTE.replace(b"log.example/tallystick ", b"log.example/tallystick\xc2\xa0"),
        NOTE.replace(b"log.example/tallystick ", b"log+example "),
        NOTE.replace(b"\n\n", b"\n"),
        b"",
        b"\n",
        b"\n\n",
        "a\n\n— name AAAA\n".encode(),
        "a\n\n— name \n".encode(),
        "a\n\n— name\n".encode(),
        "a\n\n—  AAAAAAAAAA==\n".encode(),
    ],
)
def test_notes_of_another_form(data):
    with pytest.raises(MalformedInput):
        parse_note(data)


def test_no_changed_byte_opens():
    for at in range(len(NOTE)):
        for mask in (0x01, 0x20, 0x80):
            changed = bytearray(NOTE)
            changed[at] ^= mask
            with pytest.raises(AnchoringError):
                open_note(bytes(changed), VERIFIERS)


def test_unknown_lines_are_kept_apart_and_repeated_ones_counted():
    stranger = Ed25519NoteSigner("stranger", signer("stranger"))
    opened = open_note(sign_note(TEXT, [LOG_SIGNER, stranger, LOG_SIGNER]), VERIFIERS)
    assert ([item.name for item in opened.unknown], opened.repeated) == (["stranger"], 1)
    with pytest.raises(VerificationFailed):
        open_note(sign_note(TEXT, [stranger]), VERIFIERS)


def test_100_signatures_are_read_and_101_are_not():
    strangers = [Ed25519NoteSigner(f"s{n}", signer(f"s{n}")) for n in range(100)]
    assert len(open_note(sign_note(TEXT, [LOG_SIGNER, *strangers[1:]]), VERIFIERS).unknown) == 99
    with pytest.raises(MalformedInput):
        open_note(sign_note(TEXT, [LOG_SIGNER, *strangers]).encode(), VERIFIERS)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\u0085"])
def test_bad_key_names(name):
    with pytest.raises(MalformedInput):
        make_vkey(name, 1, bytes(32))


@pytest.mark.parametrize("text", ["", "no newline", "bell\x07\n"])
def test_texts_that_cannot_be_signed(text):
    with pytest.raises(MalformedInput):
        sign_note(text, [LOG_SIGNER])
