"""Chain evidence made by hand, so that each rule of the encoding can be broken alone.

A node's hash always fits, so nothing but the broken rule can refuse the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import rlp
from eth_hash.auto import keccak

REGISTRY = bytes(range(20))
CODE_HASH = keccak(b"code")
TIME = 1_709_287_200


def nibbles(key: bytes) -> list[int]:
    return [half for byte in key for half in (byte >> 4, byte & 15)]


def hex_prefix(path: list[int], *, leaf: bool) -> bytes:
    flag = 2 if leaf else 0
    whole = [flag | 1, *path] if len(path) % 2 else [flag, 0, *path]
    return bytes(high << 4 | low for high, low in zip(whole[::2], whole[1::2], strict=True))


def leaf(key: bytes, value: bytes, skip: int = 0) -> bytes:
    """A leaf holding ``value`` for what is left of ``key`` after ``skip`` half-bytes."""
    encoded: bytes = rlp.encode([hex_prefix(nibbles(key)[skip:], leaf=True), value])
    return encoded


def branch_to(key: bytes, child: bytes | list[object], at: int = 0) -> bytes:
    """A branch whose only child, at the key's half-byte ``at``, is a hash or an embedded node."""
    items: list[object] = [b""] * 17
    items[nibbles(key)[at]] = child
    encoded: bytes = rlp.encode(items)
    return encoded


def extension_to(path: list[int], child: bytes) -> bytes:
    encoded: bytes = rlp.encode([hex_prefix(path, leaf=False), child])
    return encoded


def minimal(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


class Evidence:
    """An ``.anchor`` file under construction; every part can be replaced before ``encode``."""

    def __init__(self, size: int, root: bytes, number: int = 77) -> None:
        self.size, self.root, self.number = size, root, number
        size_key, root_key = keccak(bytes(32)), keccak((1).to_bytes(32, "big"))
        self.size_value: bytes = rlp.encode(minimal(TIME << 64 | size))
        self.root_value: bytes = rlp.encode(root.lstrip(b"\x00"))
        self.size_key, self.root_key = size_key, root_key
        self.account_fields: list[object] = [b"\x01", b"", b"", CODE_HASH]
        self.header_fields: list[object] = [b""] * 16
        self.extra_account_nodes: list[bytes] = []
        self.proofs: dict[str, list[bytes]] = {}
        self.changes: dict[str, object] = {}

    def storage(self) -> tuple[bytes, list[bytes], list[bytes]]:
        """A branch over both slots' leaves: (root, size proof, root proof)."""
        first, second = nibbles(self.size_key)[0], nibbles(self.root_key)[0]
        leaves = {
            first: leaf(self.size_key, self.size_value, 1),
            second: leaf(self.root_key, self.root_value, 1),
        }
        items: list[object] = [b""] * 17
        for at, node in leaves.items():
            items[at] = keccak(node)
        branch: bytes = rlp.encode(items)
        return keccak(branch), [branch, leaves[first]], [branch, leaves[second]]

    def encode(self) -> bytes:
        storage_root, size_proof, root_proof = self.storage()
        fields = list(self.account_fields)
        if len(fields) > 2 and fields[2] == b"":
            fields[2] = storage_root
        account = leaf(keccak(REGISTRY), rlp.encode(fields))
        return self.encode_with(keccak(account), [account], size_proof, root_proof)

    def encode_with(
        self,
        state_root: bytes,
        account_proof: list[bytes],
        size_proof: list[bytes],
        root_proof: list[bytes],
        header: bytes | None = None,
    ) -> bytes:
        fields = list(self.header_fields)
        fields[3] = state_root
        if len(fields) > 8 and fields[8] == b"":
            fields[8] = minimal(self.number)
        header = rlp.encode(fields) if header is None else header
        document: Mapping[str, object] = {
            "account_proof": [node.hex() for node in account_proof + self.extra_account_nodes],
            "block_hash": keccak(header).hex(),
            "block_number": self.number,
            "chain_id": 31337,
            "format": "tallystick/anchor@v1",
            "header": header.hex(),
            "registry": REGISTRY.hex(),
            "root": self.root.hex(),
            "root_proof": [node.hex() for node in root_proof],
            "size": self.size,
            "size_proof": [node.hex() for node in size_proof],
        } | self.changes
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def evidences(size: int, root: bytes) -> dict[str, bytes]:
    """One evidence for each rule, by the name of what is odd about it."""
    return (
        {"crafted whole": Evidence(size, root).encode()}
        | _odd_values(size, root)
        | _odd_headers(size, root)
        | _odd_tries(size, root)
        | _odd_files(size, root)
    )


def _odd_values(size: int, root: bytes) -> dict[str, bytes]:
    packed = TIME << 64 | size
    values = {
        "slot with a leading zero": rlp.encode(b"\x00" + minimal(packed)),
        "slot as a list": rlp.encode([minimal(packed)]),
        "slot that is no RLP": b"\xb8\x01",
        "slot with bytes after it": rlp.encode(minimal(packed)) + b"\x01",
        "slot of a third number": rlp.encode(minimal(1 << 128 | packed)),
        "slot longer than 32 bytes": rlp.encode(b"\x01" * 33),
        "slot of another size": rlp.encode(minimal(packed + 1)),
        "slot in the long form": b"\xb8\x0c" + minimal(packed).rjust(12, b"\x01"),
        "slot of one byte as a string": b"\x81\x05",
    }
    found = {}
    for name, value in values.items():
        evidence = Evidence(size, root)
        evidence.size_value = value
        found[name] = evidence.encode()
    accounts: dict[str, list[object]] = {
        "account of three fields": [b"\x01", b"", b""],
        "account whose storage root is a list": [b"\x01", b"", [b"\x01"], CODE_HASH],
        "account whose code hash is a list": [b"\x01", b"", b"", [b"\x01"]],
        "account with a short storage root": [b"\x01", b"", b"\x01" * 31, CODE_HASH],
    }
    for name, fields in accounts.items():
        evidence = Evidence(size, root)
        evidence.account_fields = fields
        found[name] = evidence.encode()
    return found


def _odd_headers(size: int, root: bytes) -> dict[str, bytes]:
    found = {}
    short = Evidence(size, root)
    short.header_fields = [b""] * 14
    found["header of 14 fields"] = short.encode()
    zero = Evidence(size, root)
    zero.header_fields[8] = b"\x00\x4d"
    found["header number with a leading zero"] = zero.encode()
    other = Evidence(size, root)
    other.header_fields[8] = b"\x4e"
    found["header of another number"] = other.encode()
    nested = Evidence(size, root)
    nested.header_fields[8] = [b"\x4d"]
    found["header number as a list"] = nested.encode()
    whole = Evidence(size, root)
    storage_root, size_proof, root_proof = whole.storage()
    account = leaf(keccak(REGISTRY), rlp.encode([b"\x01", b"", storage_root, CODE_HASH]))
    fields: list[object] = [b""] * 16
    fields[3], fields[8] = keccak(account), b"\x4d"
    header: bytes = rlp.encode(fields)
    for name, changed in {
        "header with a byte after it": header + b"\x00",
        "header cut by a byte": header[:-1],
        "header that is a string": rlp.encode(header),
        "header of nothing": b"",
    }.items():
        found[name] = Evidence(size, root).encode_with(
            keccak(account), [account], size_proof, root_proof, changed
        )
    return found


def _odd_tries(size: int, root: bytes) -> dict[str, bytes]:
    whole = Evidence(size, root)
    storage_root, size_proof, root_proof = whole.storage()
    value: bytes = rlp.encode([b"\x01", b"", storage_root, CODE_HASH])
    key = keccak(REGISTRY)
    halves = nibbles(key)
    below = leaf(key, value, 1)
    deeper = leaf(key, value, 3)
    branch2 = branch_to(key, keccak(deeper), 2)
    extension = extension_to(halves[:2], keccak(branch2))
    path = hex_prefix(halves, leaf=True)
    other = [(halves[0] + 1) % 16, *halves[1:2]]
    proofs: dict[str, list[bytes]] = {
        "branch and leaf": [branch_to(key, keccak(below)), below],
        "extension, branch and leaf": [extension, branch2, deeper],
        "extension beside the key": [extension_to(other, keccak(branch2)), branch2, deeper],
        "extension of no length": [extension_to([], keccak(branch2)), branch2, deeper],
        "node beside the path": [branch_to(key, keccak(below)), below, below],
        "node missing": [branch_to(key, keccak(below))],
        "leaf of another key": [leaf(keccak(b"other"), value)],
        "leaf with padding": [rlp.encode([bytes([0x21]) + path[1:], value])],
        "leaf with an unknown flag": [rlp.encode([bytes([0x40]) + path[1:], value])],
        "leaf with an empty path": [rlp.encode([b"", value])],
        "leaf whose path is a list": [rlp.encode([[path], value])],
        "leaf whose value is a list": [rlp.encode([path, [value]])],
        "leaf whose value is empty": [rlp.encode([path, b""])],
        "node of three items": [rlp.encode([path, value, b""])],
        "node that is a string": [rlp.encode(value)],
        "empty trie": [b"\x80"],
        "branch with a short reference": [branch_to(key, b"\x01" * 31)],
        "branch with no child there": [branch_to(bytes([other[0] << 4]), keccak(below)), below],
        "embedded leaf": [branch_to(key, [hex_prefix(halves[1:], leaf=True), value])],
        "proof of nothing": [],
    }
    found = {}
    for name, proof in proofs.items():
        state_root = keccak(proof[0]) if proof else bytes(32)
        found[name] = Evidence(size, root).encode_with(state_root, proof, size_proof, root_proof)
    return found


def _odd_files(size: int, root: bytes) -> dict[str, bytes]:
    changes: dict[str, dict[str, object]] = {
        "file of another format": {"format": "tallystick/anchor@v2"},
        "file with a negative size": {"size": -1},
        "file whose size is a string": {"size": str(size)},
        "file whose size is true": {"size": True},
        "file with an unknown member": {"note": "x"},
        "file whose list holds a number": {"size_proof": [1]},
        "file with capitals": {"registry": REGISTRY.hex().upper()},
        "file whose number is too large": {"block_number": 2**53},
        "file of another checkpoint": {"size": size + 1},
        "file of another registry": {"registry": bytes(20).hex()},
        "file with a swapped block hash": {"block_hash": bytes(32).hex()},
    }
    found = {}
    for name, change in changes.items():
        evidence = Evidence(size, root)
        evidence.changes = change
        found[name] = evidence.encode()
    return found
