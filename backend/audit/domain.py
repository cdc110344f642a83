"""How the log is anchored: one anchor at a time, each an extension of the last. Pure."""

import msgspec

from backend.audit.errors import AnchorStateInvalid, ChainRewound
from backend.audit.events import (
    AnchorFailed,
    AnchorFinalised,
    AnchorIncluded,
    AnchorReorged,
    AnchorReplaced,
    AnchorRequested,
    AnchorSubmitted,
    RegistryAdopted,
)
from backend.kernel.errors import Conflict, InvariantBroken
from backend.kernel.events import Event


class Pending(msgspec.Struct, frozen=True):
    """An anchor on its way: every hash it was sent under, and where it was seen."""

    size: int
    root: str
    nonce: int
    hashes: tuple[str, ...]
    raw_transaction: str
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    block_number: int | None = None
    block_hash: str | None = None


class Anchoring(msgspec.Struct, frozen=True):
    """The registry in use, the last final anchor, and the one under way."""

    chain_id: int
    registry: str
    settlement: str
    block_number: int
    final_size: int = 0
    final_root: str = ""
    requested_size: int = 0
    pending: Pending | None = None


def adopt(state: Anchoring | None, event: RegistryAdopted) -> list[Event]:
    """Choose the registry. Raises Conflict when another one was chosen before."""
    if state is None:
        return [event]
    if (state.chain_id, state.registry) != (event.chain_id, event.registry):
        raise Conflict("The log is anchored in another registry already.", registry=state.registry)
    return []


def request(state: Anchoring | None, size: int) -> list[Event]:
    """Ask for ``size`` to be anchored exactly; nothing happens when it is covered."""
    adopted = _adopted(state)
    if size <= max(adopted.final_size, adopted.requested_size):
        return []
    return [AnchorRequested(size=size)]


def submit(state: Anchoring | None, event: AnchorSubmitted) -> list[Event]:
    """Record a signed transaction. Raises AnchorStateInvalid while another is under way."""
    adopted = _adopted(state)
    if adopted.pending is not None:
        raise AnchorStateInvalid("An anchor is under way.", size=adopted.pending.size)
    if event.previous_size != adopted.final_size or event.size <= adopted.final_size:
        raise AnchorStateInvalid("The anchor does not extend the last final one.", size=event.size)
    return [event]


def observe(state: Anchoring | None, event: Event) -> list[Event]:
    """Record what the chain shows of the anchor under way. Raises AnchorStateInvalid."""
    pending = _adopted(state).pending
    if pending is None or pending.size != getattr(event, "size", None):
        raise AnchorStateInvalid("No such anchor is under way.")
    included = pending.block_hash is not None
    needs_inclusion = isinstance(event, AnchorReorged | AnchorFinalised)
    if included != needs_inclusion:
        raise AnchorStateInvalid("The anchor does not stand where this step begins.")
    return [event]


def check_head(state: Anchoring, size: int, root: str) -> None:
    """Compare the registry's head with what is final here. Raises ChainRewound."""
    if size < state.final_size or (size == state.final_size and size and root != state.final_root):
        raise ChainRewound(
            "The registry on chain does not hold the last final anchor: the chain was reset or"
            " is another one. Restore the chain's state, or start over in a new home.",
            on_chain=size,
            recorded=state.final_size,
        )


def evolve(state: Anchoring | None, event: Event) -> Anchoring:
    """Fold one event of the anchoring stream. Raises InvariantBroken for a foreign one."""
    if isinstance(event, RegistryAdopted):
        return Anchoring(event.chain_id, event.registry, event.settlement, event.block_number)
    current = _adopted(state)
    if isinstance(event, AnchorRequested):
        return msgspec.structs.replace(current, requested_size=event.size)
    if isinstance(event, AnchorFinalised):
        return msgspec.structs.replace(
            current, final_size=event.size, final_root=event.root, pending=None
        )
    if isinstance(event, AnchorFailed):
        return msgspec.structs.replace(current, pending=None)
    return msgspec.structs.replace(current, pending=_pending(current.pending, event))


def _pending(pending: Pending | None, event: Event) -> Pending:
    if isinstance(event, AnchorSubmitted):
        return Pending(
            event.size,
            event.root,
            event.nonce,
            (event.transaction_hash,),
            event.raw_transaction,
            int(event.max_fee_per_gas),
            int(event.max_priority_fee_per_gas),
        )
    if pending is None:
        raise InvariantBroken("An anchor moved on before it was submitted.")
    if isinstance(event, AnchorReplaced):
        return msgspec.structs.replace(
            pending,
            hashes=(*pending.hashes, event.transaction_hash),
            raw_transaction=event.raw_transaction,
            max_fee_per_gas=int(event.max_fee_per_gas),
            max_priority_fee_per_gas=int(event.max_priority_fee_per_gas),
        )
    if isinstance(event, AnchorIncluded):
        return msgspec.structs.replace(
            pending, block_number=event.block_number, block_hash=event.block_hash
        )
    if isinstance(event, AnchorReorged):
        return msgspec.structs.replace(pending, block_number=None, block_hash=None)
    raise InvariantBroken("An event of no known kind stands in the anchoring stream.")


def _adopted(state: Anchoring | None) -> Anchoring:
    if state is None:
        raise AnchorStateInvalid("No registry was adopted yet.")
    return state
