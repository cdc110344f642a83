"""Evidence that a checkpoint stands on a chain, checkable without a node: the ``.anchor`` file.

It holds a block header and Merkle-Patricia proofs from the header's state root to the two
storage slots of the registry contract: slot 0 packs the size (low 64 bits) and the time (next 64
bits), slot 1 is the root. The one thing it cannot hold is trust in the block: the hash of the
header must be one that the verifier got from elsewhere.

The file is one canonical JSON object (see :mod:`anchoring.canonical`), hexadecimal without
prefix. ``block_hash`` and ``block_number`` repeat what the header says so that a changed header
is seen as such, even by someone who trusts no block yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import rlp
from eth_hash.auto import keccak

from anchoring import canonical
from anchoring.encoding import parse_hex
from anchoring.errors import MalformedInput, RpcError, VerificationFailed
from anchoring.rpc import (
    Rpc,
    chain_id,
    get_block,
    read_data,
    read_data_list,
    read_object,
    read_quantity,
)
from anchoring.trie_proof import Node, check_depth, decode_rlp_list, verify_trie_value

FORMAT: Final = "tallystick/anchor@v1"
SIZE_SLOT: Final = 0
ROOT_SLOT: Final = 1
MAX_FILE_BYTES: Final = 1_000_000

_STATE_ROOT_FIELD = 3
_NUMBER_FIELD = 8
_MIN_HEADER_FIELDS = 15

# Header fields in RLP order. The later ones came with London, Shanghai, Cancun and Prague; a
# block has them up to some fork and none after.
_HEADER_FIELDS = (
    ("parentHash", read_data),
    ("sha3Uncles", read_data),
    ("miner", read_data),
    ("stateRoot", read_data),
    ("transactionsRoot", read_data),
    ("receiptsRoot", read_data),
    ("logsBloom", read_data),
    ("difficulty", read_quantity),
    ("number", read_quantity),
    ("gasLimit", read_quantity),
    ("gasUsed", read_quantity),
    ("timestamp", read_quantity),
    ("extraData", read_data),
    ("mixHash", read_data),
    ("nonce", read_data),
    ("baseFeePerGas", read_quantity),
    ("withdrawalsRoot", read_data),
    ("blobGasUsed", read_quantity),
    ("excessBlobGas", read_quantity),
    ("parentBeaconBlockRoot", read_data),
    ("requestsHash", read_data),
)


@dataclass(frozen=True, slots=True)
class AnchorEvidence:
    """An ``.anchor`` file taken apart; nothing of it is verified."""

    chain_id: int
    registry: bytes
    size: int
    root: bytes
    block_number: int
    block_hash: bytes
    header: bytes
    account_proof: tuple[bytes, ...]
    size_proof: tuple[bytes, ...]
    root_proof: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the file's bytes; parsing them gives this evidence again."""
        return canonical.encode(
            {
                "account_proof": [node.hex() for node in self.account_proof],
                "block_hash": self.block_hash.hex(),
                "block_number": self.block_number,
                "chain_id": self.chain_id,
                "format": FORMAT,
                "header": self.header.hex(),
                "registry": self.registry.hex(),
                "root": self.root.hex(),
                "root_proof": [node.hex() for node in self.root_proof],
                "size": self.size,
                "size_proof": [node.hex() for node in self.size_proof],
            }
        )


@dataclass(frozen=True, slots=True)
class AnchoredState:
    """What evidence proves of its block: the registry's head and the code that holds it."""

    size: int
    time: int
    root: bytes
    code_hash: bytes


class _AnchorFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    account_proof: list[str]
    block_hash: str
    block_number: int
    chain_id: int
    format: str
    header: str
    registry: str
    root: str
    root_proof: list[str]
    size: int
    size_proof: list[str]


def parse_anchor(data: bytes) -> AnchorEvidence:
    """Parse an ``.anchor`` file strictly; raises MalformedInput."""
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput("the anchor file is longer than 1,000,000 bytes")
    value = canonical.parse_object(data, "the anchor file")
    try:
        file = msgspec.convert(value, _AnchorFile)
    except msgspec.ValidationError as error:
        raise MalformedInput(f"the anchor file has another shape: {error}") from error
    if file.format != FORMAT:
        raise MalformedInput(f"the anchor file's format is not {FORMAT}")
    if min(file.size, file.block_number, file.chain_id) < 0:
        raise MalformedInput("the anchor file holds a negative number")
    return AnchorEvidence(
        chain_id=file.chain_id,
        registry=parse_hex(file.registry, "the registry address", 20),
        size=file.size,
        root=parse_hex(file.root, "the anchored root", 32),
        block_number=file.block_number,
        block_hash=parse_hex(file.block_hash, "the block hash", 32),
        header=parse_hex(file.header, "the block header"),
        account_proof=_parse_nodes(file.account_proof),
        size_proof=_parse_nodes(file.size_proof),
        root_proof=_parse_nodes(file.root_proof),
    )


def _parse_nodes(nodes: list[str]) -> tuple[bytes, ...]:
    return tuple(parse_hex(node, "a trie node") for node in nodes)


def verify_anchor(evidence: AnchorEvidence) -> AnchoredState:
    """Check everything within the evidence: header hash, state root, account, both slots.

    It remains to trust ``block_hash``. Raises MalformedInput or VerificationFailed("anchor").
    """
    if keccak(evidence.header) != evidence.block_hash:
        raise VerificationFailed("anchor", "the block header does not have the block hash")
    header = decode_rlp_list(evidence.header, "the block header")
    if len(header) < _MIN_HEADER_FIELDS:
        raise MalformedInput("the block header has fewer than 15 fields")
    if _to_int(header[_NUMBER_FIELD], "the block number") != evidence.block_number:
        raise VerificationFailed("anchor", "the block header has another number")
    state_root = _to_bytes(header[_STATE_ROOT_FIELD], "the state root")
    storage_root, code_hash = _prove_account(evidence, state_root)
    packed = _prove_slot(storage_root, SIZE_SLOT, evidence.size_proof)
    root = _prove_slot(storage_root, ROOT_SLOT, evidence.root_proof).to_bytes(32, "big")
    size, time = packed & (2**64 - 1), packed >> 64
    if time >= 2**64:
        raise VerificationFailed("anchor", "the registry's first slot holds more than two numbers")
    if (size, root) != (evidence.size, evidence.root):
        raise VerificationFailed("anchor", f"the registry holds another head (size {size})")
    return AnchoredState(size, time, root, code_hash)


def _prove_account(evidence: AnchorEvidence, state_root: bytes) -> tuple[bytes, bytes]:
    raw = verify_trie_value(state_root, keccak(evidence.registry), evidence.account_proof)
    account = decode_rlp_list(raw, "the registry's account")
    if len(account) != 4:
        raise MalformedInput("the registry's account does not have four fields")
    return _to_bytes(account[2], "the storage root"), _to_bytes(account[3], "the code hash")


def _prove_slot(storage_root: bytes, slot: int, proof: tuple[bytes, ...]) -> int:
    value = verify_trie_value(storage_root, keccak(slot.to_bytes(32, "big")), proof)
    check_depth(value, f"storage slot {slot}")
    try:
        return _to_int(rlp.decode(value), f"storage slot {slot}")
    except rlp.exceptions.RLPException as error:
        raise MalformedInput(f"storage slot {slot} is not RLP") from error


def _to_int(value: bytes | Node, what: str) -> int:
    data = _to_bytes(value, what)
    if len(data) > 32 or data[:1] == b"\x00":
        raise MalformedInput(f"{what} is not a canonical integer")
    return int.from_bytes(data, "big")


def _to_bytes(value: bytes | Node, what: str) -> bytes:
    if not isinstance(value, bytes):
        raise MalformedInput(f"{what} is a list")
    return value


def encode_header(block: Mapping[str, object]) -> bytes:
    """Return a block's header RLP from its JSON; raises RpcError unless it has the block's hash."""
    fields: list[bytes] = []
    for name, read in _HEADER_FIELDS:
        if block.get(name) is None:
            break
        value = read(block[name], name)
        fields.append(value if isinstance(value, bytes) else _minimal(value))
    header: bytes = rlp.encode(fields)
    if keccak(header) != read_data(block.get("hash"), "block hash", 32):
        raise RpcError("the block's fields do not hash to its hash: an unknown header field?")
    return header


def _minimal(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def build_anchor(rpc: Rpc, registry: bytes, block_number: int) -> AnchorEvidence:
    """Collect the evidence of the registry's head at a block and verify it before returning.

    ``rpc`` must still serve the state of that block. Raises RpcError or VerificationFailed.
    """
    block = get_block(rpc, block_number)
    slots = [f"0x{slot:064x}" for slot in (SIZE_SLOT, ROOT_SLOT)]
    params = ["0x" + registry.hex(), slots, hex(block_number)]
    answer = read_object(rpc("eth_getProof", params), "account proof")
    size_proof, root_proof = _read_storage_proofs(answer)
    evidence = AnchorEvidence(
        chain_id=chain_id(rpc),
        registry=registry,
        size=size_proof[0] & (2**64 - 1),
        root=root_proof[0].to_bytes(32, "big"),
        block_number=block_number,
        block_hash=read_data(block.get("hash"), "block hash", 32),
        header=encode_header(block),
        account_proof=read_data_list(answer.get("accountProof"), "account proof"),
        size_proof=size_proof[1],
        root_proof=root_proof[1],
    )
    verify_anchor(evidence)
    return evidence


def _read_storage_proofs(answer: Mapping[str, object]) -> list[tuple[int, tuple[bytes, ...]]]:
    proofs = answer.get("storageProof")
    if not isinstance(proofs, list) or len(proofs) != 2:
        raise RpcError("the node does not prove both storage slots")
    found: list[tuple[int, tuple[bytes, ...]]] = []
    for slot, item in enumerate(proofs):
        proof = read_object(item, "storage proof")
        # Nodes write the key back as a quantity or as 32 bytes.
        if int(str(proof.get("key")), 16) != slot:
            raise RpcError("the node proves another storage slot")
        value = read_quantity(proof.get("value"), "storage value")
        found.append((value, read_data_list(proof.get("proof"), "storage proof")))
    return found
