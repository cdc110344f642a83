"""Proof files beside the golden texts and the reject set of transparency-dev/formats."""

import hashlib

import pytest

from anchoring.errors import MalformedInput
from anchoring.tlog_proof import TlogProof, parse_tlog_proof


def test_the_golden_texts(load):
    for item in load("formats/tlog_proof.json")["golden"]:
        hashes = tuple(hashlib.sha256(text.encode()).digest() for text in item["hash_preimages"])
        extra = None if item["extra"] is None else item["extra"].encode()
        proof = TlogProof(item["index"], hashes, item["checkpoint"].encode(), extra)
        assert proof.encode() == item["text"].encode()
        assert parse_tlog_proof(item["text"].encode()) == proof


def test_the_reject_set(load):
    for text in load("formats/tlog_proof.json")["reject"]:
        with pytest.raises(MalformedInput):
            parse_tlog_proof(text.encode())


HEAD = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"index 1\n\n",
        HEAD + b"index 01\n\nc\n",
        HEAD + b"index +1\n\nc\n",
        HEAD + b"index 1 \n\nc\n",
        HEAD + b"index\t1\n\nc\n",
        HEAD + b"index 1\nindex 2\n\nc\n",
        HEAD + b"index 1\nextra AA==\n\nc\n",
        HEAD + b"extra AA==\nextra AA==\nindex 1\n\nc\n",
        HEAD + b"extra AB==\nindex 1\n\nc\n",
        HEAD + b"index 1\r\n\r\nc\n",
        HEAD + b"index 1\n" + b"A" * 43 + b"=\n" * 1 + b"\xff\n\nc\n",
        HEAD + b"index 1" + (b"\n" + b"A" * 43 + b"=") * 64 + b"\n\nc\n",
        b"\n" + HEAD + b"index 1\n\nc\n",
    ],
)
def test_refused(data):
    with pytest.raises(MalformedInput):
        parse_tlog_proof(data)


def test_63_hashes_are_read():
    data = HEAD + b"index 1" + (b"\n" + b"A" * 43 + b"=") * 63 + b"\n\nc\n"
    assert len(parse_tlog_proof(data).hashes) == 63
