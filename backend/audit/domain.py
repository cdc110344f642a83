"""How the log is anchored: one anchor at a time, each an extension of the last. Pure."""

import msgspec

from backend.audit.errors import AnchorStateInvalid, ChainRewound, RegistryAhead
from backend.audit.events import (
    AnchorCaughtUp,
    AnchorDeferred,
    AnchorFailed,
    AnchorFinalised,
    AnchorIncluded,
    AnchorLagging,
    AnchorReorged,
    AnchorReplaced,
    AnchorRequested,
    AnchorSubmitted,
    RegistryAdopted,
    RegistryReplaced,
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
    """The registry in use, the last final anchor there, and the one under way.

    ``block_number`` is a block before which no anchor that is still to come can stand.
    ``covered_size`` is what any registry, this or an earlier one, holds finally. ``deferred``
    is why the next transaction waits, ``lagging`` whether that was said to last too long.
    """

    chain_id: int
    registry: str
    settlement: str
    block_number: int
    final_size: int = 0
    final_root: str = ""
    requested_size: int = 0
    pending: Pending | None = None
    covered_size: int = 0
    deferred: str | None = None
    lagging: bool = False


def adopt(state: Anchoring | None, event: RegistryAdopted) -> list[Event]:
    """Choose the registry. Raises Conflict when another one was chosen before."""
    if state is None:
        return [event]
    if (state.chain_id, state.registry) != (event.chain_id, event.registry):
        raise Conflict("The log is anchored in another registry already.", registry=state.registry)
    return []


def replace(state: Anchoring | None, event: RegistryReplaced, size: int) -> list[Event]:
    """Go on in another registry, and ask there for the log's present ``size``.

    The same address on a chain that was reset is another registry too. Raises Conflict for the
    registry in use, AnchorStateInvalid before one was adopted.
    """
    adopted = _adopted(state)
    same_place = (adopted.chain_id, adopted.registry) == (event.chain_id, event.registry)
    if same_place and not _lost(adopted, event.size, event.root):
        raise Conflict("The log is anchored in this registry already.", registry=event.registry)
    wanted = size > max(event.covered_size, event.size)
    return [event, *([AnchorRequested(size=size)] if wanted else [])]


def request(state: Anchoring | None, size: int) -> list[Event]:
    """Ask for ``size`` to be anchored exactly; nothing happens when it is covered."""
    adopted = _adopted(state)
    if size <= max(adopted.covered_size, adopted.requested_size):
        return []
    return [AnchorRequested(size=size)]


def submit(state: Anchoring | None, event: AnchorSubmitted) -> list[Event]:
    """Record a signed transaction. Raises AnchorStateInvalid while another is under way."""
    adopted = _adopted(state)
    if adopted.pending is not None:
        raise AnchorStateInvalid("An anchor is under way.", size=adopted.pending.size)
    if event.previous_size != adopted.final_size or event.size <= adopted.covered_size:
        raise AnchorStateInvalid("The anchor does not extend the last final one.", size=event.size)
    return [event]


def defer(state: Anchoring | None, event: AnchorDeferred) -> list[Event]:
    """Say that the next transaction waits, and why: once for as long as the reason holds."""
    return [] if _adopted(state).deferred == event.reason else [event]


def watch(state: Anchoring | None, waiting: float | None, limit: float) -> list[Event]:
    """Say once that an event has waited longer than ``limit`` seconds, and once that none has."""
    adopted = _adopted(state)
    late = waiting is not None and waiting > limit
    if late == adopted.lagging:
        return []
    if not late:
        return [AnchorCaughtUp(final_size=adopted.covered_size)]
    return [
        AnchorLagging(
            final_size=adopted.covered_size,
            waiting_seconds=int(waiting or 0),
            limit_seconds=int(limit),
        )
    ]


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
    if _lost(state, size, root):
        raise ChainRewound(
            "The registry on chain does not hold the last final anchor: the chain was reset or"
            " is another one. Restore the chain's state, or go on in another registry by"
            " `tally registry adopt`.",
            on_chain=size,
            recorded=state.final_size,
        )


def check_idle(state: Anchoring, size: int, root: str) -> None:
    """Compare the head while no anchor is under way: it is the last final one exactly.

    Raises ChainRewound for one that is behind, RegistryAhead for one that nobody here sent: each
    further transaction would be refused by the contract, and paid for.
    """
    check_head(state, size, root)
    if size > state.final_size:
        raise RegistryAhead(
            "The registry holds a head that this log did not send: was an older backup restored,"
            " or does another program use the writer's key?",
            on_chain=size,
            recorded=state.final_size,
        )


def _lost(state: Anchoring, size: int, root: str) -> bool:
    """Whether a registry with this head does not hold the last final anchor."""
    if size == state.final_size:
        return size > 0 and root != state.final_root
    return size < state.final_size


def evolve(state: Anchoring | None, event: Event) -> Anchoring:
    """Fold one event of the anchoring stream. Raises InvariantBroken for a foreign one."""
    if isinstance(event, RegistryAdopted):
        return Anchoring(event.chain_id, event.registry, event.settlement, event.block_number)
    current = _adopted(state)
    if isinstance(event, AnchorRequested):
        return msgspec.structs.replace(current, requested_size=event.size)
    if isinstance(event, AnchorFinalised):
        return msgspec.structs.replace(
            current,
            final_size=event.size,
            final_root=event.root,
            covered_size=event.size,
            block_number=event.block_number,
            pending=None,
        )
    if isinstance(event, AnchorFailed):
        return msgspec.structs.replace(current, pending=None)
    if isinstance(event, AnchorDeferred):
        return msgspec.structs.replace(current, deferred=event.reason)
    if isinstance(event, AnchorLagging | AnchorCaughtUp):
        return msgspec.structs.replace(current, lagging=isinstance(event, AnchorLagging))
    if isinstance(event, RegistryReplaced):
        return _moved(current, event)
    sent = isinstance(event, AnchorSubmitted | AnchorReplaced)
    return msgspec.structs.replace(
        current,
        pending=_pending(current.pending, event),
        deferred=None if sent else current.deferred,
    )


def _moved(current: Anchoring, event: RegistryReplaced) -> Anchoring:
    return Anchoring(
        event.chain_id,
        event.registry,
        event.settlement,
        event.block_number,
        final_size=event.size,
        final_root=event.root,
        covered_size=max(event.covered_size, event.size),
        lagging=current.lagging,
    )


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
