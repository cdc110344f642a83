"""Cosignatures: key vectors of transparency-dev/formats, the specification's message, ML-DSA."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.cosignature import (
    MLDSA44Cosigner,
    ed25519_message,
    mldsa44_message,
    split_timestamp,
    verifiers_for,
)
from anchoring.errors import AnchoringError, MalformedInput, VerificationFailed
from anchoring.note import open_note, parse_vkey
from tests.anchoring.support import COSIGNED_AT, LOG_SIGNER, ORIGIN, WITNESS

CHECKPOINT = Checkpoint(ORIGIN, 5, bytes(range(32)))
PQ = MLDSA44Cosigner(ORIGIN, MLDSA44PrivateKey.from_seed_bytes(bytes(32)), lambda: COSIGNED_AT)


def test_key_vectors(load):
    data = load("formats/cosignature.json")
    for text in data["vkeys_accept"]:
        assert str(parse_vkey(text)) == text
    for text in data["vkeys_reject"]:
        with pytest.raises(MalformedInput):
            parse_vkey(text)


def test_the_ml_dsa_key_is_taken_under_its_c2sp_id_only(load):
    item = load("formats/cosignature.json")["vkey_mldsa44_upstream_key_id_differs_from_C2SP"]
    with pytest.raises(MalformedInput, match="key id"):
        parse_vkey(item["vkey"])
    name, _, key = item["vkey"].split("+", 2)
    vkey = parse_vkey(f"{name}+{item['c2sp_key_id']}+{key}")
    assert (vkey.algorithm, len(vkey.key)) == (6, 1312)
    verifiers_for([vkey])


def test_the_timestamp_vector(load):
    for item in load("formats/cosignature.json")["timestamp"]:
        timestamp, signature = split_timestamp(base64.b64decode(item["sig_b64"])[4:])
        assert (timestamp, len(signature)) == (item["unix"], 64)


def test_the_message_of_the_specification(load):
    examples = load("c2sp/examples.json")
    message = examples["cosignature_message_v1"].encode()
    text = message.split(b"\n", 2)[2]
    assert ed25519_message(1679315147, text) == message


def test_the_ml_dsa_message_is_the_tls_encoding_of_the_specification():
    message = mldsa44_message("w", 7, CHECKPOINT.text().encode())
    expected = b"subtree/v1\n\x00" + b"\x01w" + (7).to_bytes(8, "big")
    expected += bytes([len(ORIGIN)]) + ORIGIN.encode()
    expected += bytes(8) + (5).to_bytes(8, "big") + bytes(range(32))
    assert message == expected


@pytest.mark.parametrize("cosigner", [WITNESS, PQ])
def test_a_cosignature_verifies_and_no_changed_byte_of_it_does(cosigner):
    signed = sign_checkpoint(CHECKPOINT, [LOG_SIGNER, cosigner])
    keys = verifiers_for([LOG_SIGNER.vkey, cosigner.vkey])
    assert open_note(signed, keys).signed_by(cosigner.vkey)
    start = signed.index(b"\n", signed.index("—".encode()))
    for at in range(start, len(signed), 1 if cosigner is WITNESS else 37):
        changed = bytearray(signed)
        changed[at] ^= 1
        try:
            opened = open_note(bytes(changed), keys)
        except AnchoringError:
            continue
        assert not opened.signed_by(cosigner.vkey)


def test_a_plain_signature_is_no_cosignature():
    text = CHECKPOINT.text().encode()
    verifier = verifiers_for([WITNESS.vkey])[0]
    with pytest.raises(VerificationFailed):
        verifier.verify(text, LOG_SIGNER.sign(text))
    with pytest.raises(VerificationFailed):
        verifier.verify(text, b"\x80" + bytes(7) + WITNESS.sign(text)[8:])
    with pytest.raises(VerificationFailed):
        verifier.verify(text, b"short")
