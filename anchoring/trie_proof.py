"""Merkle-Patricia proofs, as ``eth_getProof`` (EIP-1186) gives them, read strictly.

A proof is the list of nodes on the way from the root to a key's value. Every node but those of
less than 32 bytes, which their parent embeds, is named by its Keccak-256 hash. The walk must use
each node of the list exactly once: a node beside the path would be bytes that nothing checks.
Ethereum Yellow Paper, appendix D.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import rlp
from eth_hash.auto import keccak

from anchoring.errors import MalformedInput, VerificationFailed

Node: TypeAlias = "list[bytes | Node]"

_BRANCH_ITEMS = 17
_HASH_BYTES = 32
_EMPTY_TRIE = b"\x80"
MAX_DEPTH = 64
"""The deepest nesting of RLP lists that is read."""


def decode_rlp_list(data: bytes, what: str) -> Node:
    """Decode the canonical RLP of a list; raises MalformedInput."""
    check_depth(data, what)
    try:
        value = rlp.decode(data)
    except rlp.exceptions.RLPException as error:
        raise MalformedInput(f"{what} is not RLP") from error
    if not isinstance(value, list):
        raise MalformedInput(f"{what} is not an RLP list")
    return cast(Node, value)


def check_depth(data: bytes, what: str) -> None:
    """Refuse lists in lists beyond ``MAX_DEPTH``, before a decoder that recurses sees them.

    Headers are flat and trie nodes embed a few others; deeper bytes are hostile. Only the
    nesting is looked at; whatever else is wrong is left to the decoder.
    """
    position, ends = 0, list[int]()
    while position < len(data):
        while ends and position >= ends[-1]:
            ends.pop()
        first = data[position]
        is_list, short = first >= 0xC0, first & 0x3F
        size = 0 if first < 0x80 or short < 56 else short - 55
        head = position + 1 + size
        length = int.from_bytes(data[position + 1 : head], "big") if size else short
        if is_list:
            ends.append(head + length)
            if len(ends) > MAX_DEPTH:
                raise MalformedInput(f"{what} is not RLP")
        position = head if is_list or first < 0x80 else head + length


def to_nibbles(key: bytes) -> list[int]:
    """Return the half-bytes of ``key``."""
    return [nibble for byte in key for nibble in (byte >> 4, byte & 15)]


def verify_trie_value(root: bytes, key: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the value of ``key`` (its raw bytes in the trie) proven under ``root``.

    The caller hashes the key first where the trie is a secure one. Raises MalformedInput for a
    node that is none, and VerificationFailed("anchor") when the nodes do not lead from the root
    to a value: absence is never a success here.
    """
    remaining = to_nibbles(key)
    nodes = list(proof)
    reference: bytes | Node = root
    while True:
        node = _resolve(reference, nodes)
        if len(node) == _BRANCH_ITEMS:
            if not remaining:
                return _finish(node[16], nodes)
            reference = node[remaining.pop(0)]
        elif len(node) == 2:
            path, is_leaf = _decode_path(node[0])
            if is_leaf:
                if path != remaining:
                    raise VerificationFailed("anchor", "the trie holds no value for the key")
                return _finish(node[1], nodes)
            if not path or remaining[: len(path)] != path:
                raise VerificationFailed("anchor", "the trie holds no value for the key")
            del remaining[: len(path)]
            reference = node[1]
        else:
            raise MalformedInput("a trie node has neither 2 nor 17 items")


def _resolve(reference: bytes | Node, nodes: list[bytes]) -> Node:
    if isinstance(reference, list):
        return reference
    if len(reference) != _HASH_BYTES:
        raise VerificationFailed("anchor", "the trie holds no value for the key")
    if not nodes:
        raise VerificationFailed("anchor", "the trie proof ends before the value")
    data = nodes.pop(0)
    if keccak(data) != reference:
        raise VerificationFailed("anchor", "a trie node does not have the hash its parent names")
    if data == _EMPTY_TRIE:
        raise VerificationFailed("anchor", "the trie is empty")
    return decode_rlp_list(data, "a trie node")


def _decode_path(encoded: bytes | Node) -> tuple[list[int], bool]:
    """Decode a hex-prefix path; returns the nibbles and whether the node is a leaf."""
    if isinstance(encoded, list) or not encoded or encoded[0] >> 4 > 3:
        raise MalformedInput("a trie node's path is not hex-prefix encoded")
    nibbles = to_nibbles(encoded)
    is_odd = nibbles[0] & 1
    if not is_odd and nibbles[1]:
        raise MalformedInput("a trie node's path has a non-zero padding")
    return nibbles[1 if is_odd else 2 :], bool(nibbles[0] & 2)


def _finish(value: bytes | Node, nodes: list[bytes]) -> bytes:
    if isinstance(value, list) or not value:
        raise VerificationFailed("anchor", "the trie holds no value for the key")
    if nodes:
        raise VerificationFailed("anchor", "the trie proof has nodes beside the path")
    return value
