"""The registry contract, seen through a JSON-RPC callable: head, calldata, and its events.

The contract checks the consistency proof itself and only ever moves its head forward, so the
chain is one more witness: it cannot hold two histories of one log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from anchoring.errors import MalformedInput, RpcError
from anchoring.rpc import Rpc, read_data, read_data_list, read_object, read_quantity

HEAD_SELECTOR = keccak(b"head()")[:4]
ORIGIN_SELECTOR = keccak(b"origin()")[:4]
WRITER_SELECTOR = keccak(b"writer()")[:4]
APPEND_SELECTOR = keccak(b"append(uint64,bytes32,bytes32[])")[:4]
ANCHORED_TOPIC = keccak(b"Anchored(uint64,bytes32)")


@dataclass(frozen=True, slots=True)
class RegistryHead:
    """The last anchored tree head; ``time`` is the block time in seconds since 1970."""

    size: int
    root: bytes
    time: int


@dataclass(frozen=True, slots=True)
class AnchoredLog:
    """One ``Anchored`` event and where it stands."""

    size: int
    root: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes


def read_head(rpc: Rpc, registry: bytes, block: int | str = "latest") -> RegistryHead:
    """Return the registry's head at a block; raises RpcError, also when there is no contract."""
    tag = block if isinstance(block, str) else hex(block)
    call = {"to": "0x" + registry.hex(), "data": "0x" + HEAD_SELECTOR.hex()}
    data = read_data(rpc("eth_call", [call, tag]), "registry head")
    try:
        size, root, time = decode(["uint64", "bytes32", "uint64"], data)
    except DecodingError as error:
        raise RpcError("no registry answers at this address") from error
    return RegistryHead(size, root, time)


def encode_append(size: int, root: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the calldata of ``append``; raises MalformedInput for values outside its types."""
    if not 0 < size < 2**63 or any(len(item) != 32 for item in (root, *proof)):
        raise MalformedInput("append takes a size below 2^63 and hashes of 32 bytes")
    arguments = encode(["uint64", "bytes32", "bytes32[]"], [size, root, list(proof)])
    return APPEND_SELECTOR + arguments


def parse_anchored(log: Mapping[str, object], registry: bytes) -> AnchoredLog | None:
    """Return the event if ``log`` is an ``Anchored`` of this registry, else None.

    Raises RpcError when the log is not one at all.
    """
    topics = read_data_list(log.get("topics"), "log topics")
    address = read_data(log.get("address"), "log address", 20)
    if address != registry or not topics or topics[0] != ANCHORED_TOPIC:
        return None
    if len(topics) != 2:
        raise RpcError("an Anchored event has another number of topics")
    return AnchoredLog(
        size=int.from_bytes(topics[1], "big"),
        root=read_data(log.get("data"), "log data", 32),
        block_number=read_quantity(log.get("blockNumber"), "log block number"),
        block_hash=read_data(log.get("blockHash"), "log block hash", 32),
        transaction_hash=read_data(log.get("transactionHash"), "log transaction hash", 32),
    )


def read_anchored(
    rpc: Rpc, registry: bytes, from_block: int, to_block: int | str = "latest"
) -> list[AnchoredLog]:
    """Return the registry's ``Anchored`` events of a range of blocks, in order."""
    criteria = {
        "address": "0x" + registry.hex(),
        "topics": ["0x" + ANCHORED_TOPIC.hex()],
        "fromBlock": hex(from_block),
        "toBlock": to_block if isinstance(to_block, str) else hex(to_block),
    }
    answer = rpc("eth_getLogs", [criteria])
    if not isinstance(answer, list):
        raise RpcError("the node's logs are not a list")
    found = [parse_anchored(read_object(item, "log"), registry) for item in answer]
    return [item for item in found if item is not None]


@dataclass(frozen=True, slots=True)
class RegistryIdentity:
    """What a registry was made with and can never change."""

    origin: str
    writer: bytes


def read_identity(rpc: Rpc, registry: bytes, block: int | str = "latest") -> RegistryIdentity:
    """Return origin and writer of a registry; raises RpcError, also when there is no contract."""
    tag = block if isinstance(block, str) else hex(block)

    def ask(selector: bytes, types: list[str]) -> object:
        call = {"to": "0x" + registry.hex(), "data": "0x" + selector.hex()}
        try:
            return decode(types, read_data(rpc("eth_call", [call, tag]), "registry"))[0]
        except (DecodingError, UnicodeDecodeError) as error:
            raise RpcError("no registry answers at this address") from error

    writer = str(ask(WRITER_SELECTOR, ["address"]))
    return RegistryIdentity(
        str(ask(ORIGIN_SELECTOR, ["string"])), bytes.fromhex(writer.removeprefix("0x"))
    )
