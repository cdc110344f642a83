"""Merkle-Patricia proofs beside the `trie` library, and what must not pass."""

import contextlib

import pytest
import rlp
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from anchoring.errors import AnchoringError, MalformedInput, VerificationFailed
from anchoring.trie_proof import MAX_DEPTH, check_depth, decode_rlp_list, verify_trie_value

# Short keys over few letters give extensions, branches with values and embedded nodes.
KEYS = st.lists(st.sampled_from([0x00, 0x01, 0x11, 0xF0]), min_size=1, max_size=4).map(bytes)
CONTENT = st.dictionaries(KEYS, st.binary(min_size=1, max_size=40), min_size=1, max_size=12)


def build(content):
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[key] = value
    return trie


def proof_of(trie, key):
    """The nodes as eth_getProof gives them: without those that their parent embeds."""
    nodes = [rlp.encode(node) for node in trie.get_proof(key)]
    return [node for at, node in enumerate(nodes) if at == 0 or len(node) >= 32]


@given(CONTENT, KEYS)
@settings(max_examples=300, deadline=None)
def test_agrees_with_the_library(content, other):
    trie = build(content)
    for key, value in content.items():
        assert verify_trie_value(trie.root_hash, key, proof_of(trie, key)) == value
    if other not in content:
        with pytest.raises(VerificationFailed):
            verify_trie_value(trie.root_hash, other, proof_of(trie, other))


def test_no_changed_missing_or_additional_node_passes():
    content = {keccak(bytes([n])): b"value" * 8 for n in range(60)}
    trie = build(content)
    key = keccak(b"\x07")
    proof = proof_of(trie, key)
    assert len(proof) > 1
    wrong = [proof[:-1], proof[1:], [], [*proof, proof[0]], [*proof, b"\xc0"], proof[::-1]]
    for at in range(len(proof)):
        for byte in range(len(proof[at])):
            changed = bytearray(proof[at])
            changed[byte] ^= 1
            wrong.append([*proof[:at], bytes(changed), *proof[at + 1 :]])
    for nodes in wrong:
        with pytest.raises(AnchoringError):
            verify_trie_value(trie.root_hash, key, nodes)


def test_an_empty_trie_holds_nothing():
    with pytest.raises(VerificationFailed, match="empty"):
        verify_trie_value(keccak(b"\x80"), bytes(32), [b"\x80"])


@pytest.mark.parametrize(
    "node",
    [
        b"\xff\xff",
        b"junk",
        rlp.encode([]),
        rlp.encode([b"a"] * 3),
        rlp.encode([b"", b"v"]),
        rlp.encode([b"\x40", b"v"]),
        rlp.encode([b"\x01", b"v"]),
        rlp.encode([b"\x00", b"v" * 32]),
        rlp.encode([[b"x"], b"v"]),
        rlp.encode([b"\x20" + keccak(b"k"), [b"v"]]),
        rlp.encode([b"\x20" + keccak(b"k"), b""]),
    ],
)
def test_authentic_nonsense_is_refused(node):
    """The root of a chain nobody trusts may name any bytes as its node."""
    with pytest.raises((MalformedInput, VerificationFailed)):
        verify_trie_value(keccak(node), keccak(b"k"), [node])


def nested(depth: int) -> bytes:
    """``depth`` lists, each the only item of the one around it."""
    data = b""
    for _ in range(depth):
        data = rlp.codec.length_prefix(len(data), 192) + data
    return data


@pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH])
def test_lists_are_read_down_to_the_bound(depth):
    assert decode_rlp_list(nested(depth), "it") == rlp.decode(nested(depth))


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 200_000])
def test_deeper_nesting_is_refused_before_anything_recurses(depth):
    with pytest.raises(MalformedInput, match="it is not RLP"):
        decode_rlp_list(nested(depth), "it")


@given(st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=4)))
def test_the_bound_never_refuses_what_is_shallow(item):
    check_depth(rlp.encode(item), "it")


@given(st.binary(max_size=200))
def test_the_bound_reads_any_bytes(data):
    with contextlib.suppress(MalformedInput):
        check_depth(data, "it")
