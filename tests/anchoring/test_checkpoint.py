"""Checkpoints beside the parser vectors of transparency-dev/formats and Go's tlog."""

import base64

import pytest

from anchoring.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    parse_checkpoint_text,
    sign_checkpoint,
)
from anchoring.errors import MalformedInput
from tests.anchoring.support import LOG_SIGNER, ORIGIN

ROOT = base64.b64encode(bytes(range(32))).decode()


def test_the_accepted_vectors_but_for_their_short_roots(load):
    for text, origin, size in load("formats/checkpoint_parse.json")["accept"]:
        with pytest.raises(MalformedInput, match="32"):
            parse_checkpoint_text(text)
        lines = text.split("\n")
        checkpoint = parse_checkpoint_text("\n".join([*lines[:2], ROOT, *lines[3:]]))
        assert (checkpoint.origin, checkpoint.size) == (origin, size)


def test_the_refused_vectors(load):
    for text in load("formats/checkpoint_parse.json")["reject"]:
        with pytest.raises(MalformedInput):
            parse_checkpoint_text(text)
    tlog = load("sumdb/tlog.json")
    good = tlog["tree_note"]
    assert parse_checkpoint_text(good["text"]).size == good["n"]
    for text in tlog["bad_tree_notes"][1:]:
        with pytest.raises(MalformedInput):
            parse_checkpoint_text(text)
    # The first is only of another origin, which is for the reader's policy to refuse.
    assert parse_checkpoint_text(tlog["bad_tree_notes"][0]).origin != "go.sum database tree"


def test_the_specifications_example_parses(load):
    examples = load("c2sp/examples.json")
    key = "cosigned_checkpoint (keys not published upstream: parse-only)"
    checkpoint, note = parse_checkpoint(examples[key].encode())
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert len(note.signatures) == 2


@pytest.mark.parametrize("size", ["", "01", "+1", "-1", "1_0", " 1", "٣", str(2**63)])
def test_other_spellings_of_a_size(size):
    with pytest.raises(MalformedInput):
        parse_checkpoint_text(f"log\n{size}\n{ROOT}\n")


@pytest.mark.parametrize(
    "text", [f"log\n1\n{ROOT}", f"\n1\n{ROOT}\n", f"log\n1\n{ROOT}\n\nx\n", f"log\n1\n{ROOT}\n\n"]
)
def test_empty_lines_and_missing_newlines(text):
    with pytest.raises(MalformedInput):
        parse_checkpoint_text(text)


def test_text_reads_back():
    checkpoint = Checkpoint("log", 7, bytes(32), ("extension",))
    assert parse_checkpoint_text(checkpoint.text()) == checkpoint


def test_an_origin_with_a_newline_is_not_signed():
    with pytest.raises(MalformedInput):
        sign_checkpoint(Checkpoint("a\nb", 1, bytes(32)), [LOG_SIGNER])


def test_an_empty_log_has_the_empty_root():
    signed = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), [LOG_SIGNER])
    with pytest.raises(MalformedInput, match="size 0"):
        parse_checkpoint(signed)
