"""Going on in another registry: after a chain was reset, or for another writer.

An explicit act of an operator, and an event. Refused unless the contract is a registry of this
log, may be appended to by the anchorer's account, and holds nothing that is not in the log.
"""

import msgspec

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import MalformedInput, RpcError, StorageError
from anchoring.merkle import root_at
from anchoring.registry import RegistryHead, read_head, read_identity
from anchoring.rpc import Rpc, chain_id, get_block, read_data, read_quantity
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader
from backend.audit import domain
from backend.audit.anchor_reads import log_size
from backend.audit.errors import AnchorStateInvalid, RegistryUnsuitable
from backend.audit.events import RegistryReplaced
from backend.audit.journal import ANCHORING, LOG
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore, retrying
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import ChainMismatch, NodeUnavailable


class Successor(msgspec.Struct, frozen=True):
    """The registry to go on in, as the operator names it."""

    chain_id: int
    registry: str
    settlement: str | None
    reason: str


class Found(msgspec.Struct, frozen=True):
    """What the chain says of it, at one block."""

    origin: str
    writer: str
    head: RegistryHead
    block_number: int
    block_hash: str


def replace_registry(
    store: EventStore,
    rpc: Rpc,
    log: DirectoryStore,
    origin: str,
    writer: str,
    successor: Successor,
    caller: Caller,
) -> RegistryReplaced:
    """Record that the log is anchored in ``successor`` from now on; returns the event.

    Raises NodeUnavailable, ChainMismatch, RegistryUnsuitable (another origin, another writer, a
    head that is not in the log's history), Conflict for the registry in use.
    """
    found = inspect(rpc, successor)
    _require(found, log, origin, writer)

    def once() -> RegistryReplaced:
        with store.transaction(Scope.venue(), caller) as uow:
            loaded = uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT)
            event = _event(loaded.state, successor, found)
            uow.append(loaded, domain.replace(loaded.state, event, log_size(uow.connection)))
            return event

    return retrying(once)


def inspect(rpc: Rpc, successor: Successor) -> Found:
    """Read the contract. Raises NodeUnavailable, ChainMismatch, RegistryUnsuitable."""
    address = bytes.fromhex(successor.registry.removeprefix("0x"))
    try:
        served = chain_id(rpc)
        block = get_block(rpc, "latest")
        number = read_quantity(block.get("number"), "block number")
        block_hash = "0x" + read_data(block.get("hash"), "block hash", 32).hex()
    except RpcError as error:
        raise NodeUnavailable(str(error)) from error
    if served != successor.chain_id:
        raise ChainMismatch(
            "The node serves another chain.", found=served, needed=successor.chain_id
        )
    try:
        identity = read_identity(rpc, address, number)
        head = read_head(rpc, address, number)
    except RpcError as error:
        raise RegistryUnsuitable(
            f"No registry answers there: {error}", registry=successor.registry
        ) from error
    return Found(identity.origin, "0x" + identity.writer.hex(), head, number, block_hash)


def _require(found: Found, log: DirectoryStore, origin: str, writer: str) -> None:
    if found.origin != origin:
        raise RegistryUnsuitable(
            "The registry is of another log.", found=found.origin[:255], needed=origin
        )
    if found.writer.lower() != writer.lower():
        raise RegistryUnsuitable(
            "Another account writes this registry.", found=found.writer, needed=writer
        )
    if found.head.size and not _in_history(found.head, log):
        raise RegistryUnsuitable(
            "The registry's head is not in this log's history.", size=found.head.size
        )


def _in_history(head: RegistryHead, log: DirectoryStore) -> bool:
    """Whether the published log had this root at this size: recomputed from its tiles."""
    published = log.read(CHECKPOINT_PATH)
    if published is None:
        return False
    size = parse_checkpoint(published)[0].size
    if head.size > size:
        return False
    try:
        return root_at(head.size, TileReader(log, size)) == head.root
    except (MalformedInput, StorageError) as error:
        raise AnchorStateInvalid(f"The published log cannot be read: {error}") from error


def _event(state: domain.Anchoring | None, successor: Successor, found: Found) -> RegistryReplaced:
    if state is None:
        raise AnchorStateInvalid("No registry was adopted yet: `tally deploy` adopts the first.")
    return RegistryReplaced(
        old_chain_id=state.chain_id,
        old_registry=state.registry,
        old_final_size=state.final_size,
        chain_id=successor.chain_id,
        registry=successor.registry,
        settlement=successor.settlement or state.settlement,
        origin=found.origin,
        block_number=found.block_number,
        block_hash=found.block_hash,
        size=found.head.size,
        root=found.head.root.hex() if found.head.size else "",
        covered_size=state.covered_size,
        reason=successor.reason,
    )
