"""Which Ed25519 edge cases the library takes is pinned: a change of it must be seen."""

import hashlib

import pytest

from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.signing import Ed25519Signer, Ed25519Verifier, key_id_of


def accepts(item):
    try:
        verifier = Ed25519Verifier(bytes.fromhex(item["key"]))
        verifier.verify(bytes.fromhex(item["sig"]), item["msg"].encode())
    except (MalformedInput, VerificationFailed):
        return False
    return True


def test_the_accepted_set_of_the_cctv_vectors(load):
    """208 of 914, 36 of them with a non-canonical A (measured by others: OpenSSL)."""
    items = load("ed25519/ed25519vectors.json")
    accepted = [item for item in items if accepts(item)]
    assert (len(items), len(accepted)) == (914, 208)
    assert sum("non_canonical_A" in (item["flags"] or []) for item in accepted) == 36
    assert not any("non_canonical_R" in (item["flags"] or []) for item in accepted)


def test_rfc8032_test_1():
    signer = Ed25519Signer.from_seed(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert signer.public_key.hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert signer.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_a_seed_and_a_key_have_32_bytes():
    with pytest.raises(MalformedInput):
        Ed25519Signer.from_seed(b"short")
    with pytest.raises(MalformedInput):
        Ed25519Verifier(b"short")


def test_the_key_id_is_a_hash_of_the_key():
    key = Ed25519Signer.generate().public_key
    digest = hashlib.sha256(b"tallystick/key/v1\ned25519\n" + key).hexdigest()
    assert key_id_of(key) == digest[:32]
